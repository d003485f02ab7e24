#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace millrace::commerce {

constexpr std::size_t kUsersOfVisitorMax = 4;
constexpr std::size_t kVisitorsOfUserMax = 8;

// Who a visitor said to be: the user ids seen with it, the newest last. On a shared device there may be several.
struct Identity {
  std::vector<std::string> user_ids;

  std::string_view user_id() const { return user_ids.empty() ? std::string_view() : user_ids.back(); }
  // True when this is news: another user than the last one seen.
  bool link(std::string_view user_id);

  void encode(base::ByteWriter& writer) const;
  bool decode(base::ByteReader& reader);
};

// The visitors of this partition that a user was seen as, the newest last.
struct UserVisitors {
  std::vector<std::string> visitors;

  void link(std::string_view visitor);

  void encode(std::string& out) const;
  static bool decode(std::string_view bytes, UserVisitors& into);
};

}  // namespace millrace::commerce
