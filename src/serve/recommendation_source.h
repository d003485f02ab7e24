#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::serve {

struct ScoredProduct {
  std::string product_id;
  double score = 0;
};

// What products go with the running session. Any thread; must answer in well under a millisecond.
class RecommendationSource {
 public:
  virtual ~RecommendationSource() = default;
  // Appends up to n products, best first, for a session whose products are `items`, oldest first.
  // `exclude_session` is the running session's id (0: none), so that it does not recommend itself. Items of
  // the session itself may be among them.
  virtual void recommend(std::span<const std::string_view> items, std::size_t n,
                         std::uint64_t exclude_session, std::vector<ScoredProduct>& out) const = 0;
};

}  // namespace millrace::serve
