#include "privacy/bot_list.h"

#include <re2/set.h>

namespace millrace::privacy {

namespace {
constexpr std::int64_t kMemoryBytes = 64 << 20;  // Of the automaton; past it a match is slower, not wrong.
constexpr std::size_t kUserAgentBytesMax = 1024;
}  // namespace

class BotList::Patterns {
 public:
  Patterns() : set(options(), RE2::UNANCHORED) {}
  RE2::Set set;

 private:
  static RE2::Options options() {
    RE2::Options options(RE2::Quiet);
    options.set_max_mem(kMemoryBytes);
    return options;
  }
};

BotList::BotList(std::span<const std::string_view> patterns) : set_(std::make_unique<Patterns>()) {
  for (const auto pattern : patterns) {
    const int index = set_->set.Add(re2::StringPiece(pattern.data(), pattern.size()), nullptr);
    (index < 0 ? refused_ : patterns_) += 1;
  }
  if (patterns_ > 0 && !set_->set.Compile()) patterns_ = 0;
}

BotList::~BotList() = default;

bool BotList::is_listed(std::string_view user_agent) const {
  if (patterns_ == 0) return false;
  user_agent = user_agent.substr(0, kUserAgentBytesMax);
  return set_->set.Match(re2::StringPiece(user_agent.data(), user_agent.size()), nullptr);
}

bool BotList::is_headless(std::string_view user_agent) {
  for (const std::string_view word : {"HeadlessChrome", "PhantomJS", "puppeteer", "jsdom/"}) {
    if (user_agent.find(word) != std::string_view::npos) return true;
  }
  return false;
}

}  // namespace millrace::privacy
