#pragma once

#include <memory>
#include <span>
#include <string_view>

namespace re2 {
class RE2;
}

namespace millrace::privacy {

// Patterns of the npm package crawler-user-agents, as the build found it (web/bots); empty when it was not
// installed.
std::span<const std::string_view> crawler_patterns();

// Whether a user agent is that of a program that is no person's browser. Immutable; any thread.
class BotList {
 public:
  explicit BotList(std::span<const std::string_view> patterns);
  ~BotList();

  bool is_listed(std::string_view user_agent) const;
  // Says itself that no person looks at it.
  static bool is_headless(std::string_view user_agent);
  std::size_t patterns() const { return patterns_; }
  std::size_t patterns_refused() const { return refused_; }

 private:
  class Patterns;
  std::unique_ptr<Patterns> set_;
  std::size_t patterns_ = 0;
  std::size_t refused_ = 0;
};

}  // namespace millrace::privacy
