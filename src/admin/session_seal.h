#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace millrace::admin {

// Signs what a signed-in browser keeps: whose session it is and until when. Nothing of the token is in it, and whoever has no
// key cannot make one or prolong one.
class SessionSeal {
 public:
  // `key`: 32 bytes or more that nobody can guess.
  explicit SessionSeal(std::string key) : key_(std::move(key)) {}

  std::string seal(std::string_view token_id, base::WallTime until) const;
  struct Session {
    std::string token_id;
    base::WallTime until;
  };
  // None when it was not sealed here or its time is over.
  std::optional<Session> open(std::string_view sealed, base::WallTime now) const;

 private:
  std::string mac_of(std::string_view text) const;
  const std::string key_;
};

}  // namespace millrace::admin
