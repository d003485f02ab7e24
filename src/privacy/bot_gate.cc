#include "privacy/bot_gate.h"

#include <algorithm>

#include "base/hash.h"

namespace millrace::privacy {

using event::BotReason;
using event::Text;

namespace {

constexpr unsigned kListed = 100;
constexpr unsigned kHeadless = 60;    // Shops test themselves with them.
constexpr unsigned kNoBrowser = 30;   // A shop's own app or server may say so.
constexpr unsigned kNoLanguage = 30;  // Every browser names one; a proxy may leave it out.
constexpr unsigned kOldProtocol = 20;
constexpr unsigned kDataCentre = 50;  // People are there behind a VPN.
constexpr unsigned kTooFast = 70;     // At the limit; more beyond it.
constexpr unsigned kEven = 40;        // Players report in a beat as well: not enough by itself.
constexpr std::uint32_t kEvenMin = 30;
constexpr std::int64_t kBeatMinMs = 200;
constexpr std::int64_t kBeatSlackMs = 20;

std::uint16_t bit(BotReason reason) {
  return static_cast<std::uint16_t>(1u << static_cast<unsigned>(reason));
}

bool brings_revenue(event::EventType type) {
  using event::EventType;
  return type == EventType::order_completed || type == EventType::order_updated ||
         type == EventType::order_refunded || type == EventType::order_cancelled;
}

}  // namespace

VisitorPace::Seen VisitorPace::note(std::string_view visitor, base::WallTime at) {
  const std::uint64_t key = base::hash64(visitor);
  const std::lock_guard lock(mutexes_[key % kLocks]);
  Slot& slot = slots_[key % kSlots];
  if (slot.visitor != key) slot = {key, 0, at.ms, 0, 0, 0};
  const std::int64_t minute = at.ms / base::kMinuteMs;
  slot.in_minute = slot.minute == minute ? slot.in_minute + 1 : 1;
  slot.minute = minute;
  const std::int64_t beat = at.ms - slot.last_ms;
  const bool even = beat >= kBeatMinMs && std::abs(beat - slot.beat_ms) <= kBeatSlackMs;
  slot.even = even ? slot.even + 1 : 0;
  slot.beat_ms = beat;
  slot.last_ms = at.ms;
  return {slot.in_minute, slot.even};
}

void BotGate::begin(const http::Request& request) {
  // A server's library says nothing of the visitor whose event it forwards.
  const auto agent = request.header("user-agent");
  const bool browser = agent.starts_with("Mozilla/");
  browser_ = browser ? agent : std::string_view();
  library_ = browser ? std::string_view() : agent;
  head_score_ = 0;
  head_reasons_ = 0;
  if (!browser) return;
  // Who says to be a browser is held to what browsers send.
  if (request.header("accept-language").empty()) {
    head_score_ += kNoLanguage;
    head_reasons_ |= bit(BotReason::no_browser);
  }
  // HTTP/1.1 does not go without it.
  if (request.header("host").empty()) {
    head_score_ += kOldProtocol;
    head_reasons_ |= bit(BotReason::no_browser);
  }
  if (BotList::is_headless(request.header("sec-ch-ua"))) {
    head_score_ += kHeadless;
    head_reasons_ |= bit(BotReason::headless);
  }
}

const BotGate::Kept& BotGate::judged(std::string_view user_agent) {
  if (kept_.empty()) kept_.resize(kKept);
  Kept& kept = kept_[base::hash64(user_agent) % kKept];
  if (kept.user_agent == user_agent) return kept;
  kept = {std::string(user_agent), 0, 0};
  unsigned score = 0;
  if (list_.is_listed(user_agent)) {
    score += kListed;
    kept.reasons |= bit(BotReason::user_agent);
  }
  if (BotList::is_headless(user_agent)) {
    score += kHeadless;
    kept.reasons |= bit(BotReason::headless);
  }
  if (!user_agent.starts_with("Mozilla/") && !user_agent.starts_with("Opera/")) {
    score += kNoBrowser;
    kept.reasons |= bit(BotReason::no_browser);
  }
  kept.score = static_cast<std::uint8_t>(std::min(score, 100u));
  return kept;
}

collect::Decision BotGate::inspect(event::Event& event) {
  unsigned score = 0;
  std::uint16_t reasons = 0;
  std::string_view said = event[Text::user_agent];
  // Some dialects take the request's for want of another.
  if (said == library_) said = {};
  if (const std::string_view agent = said.empty() ? browser_ : said; !agent.empty()) {
    const Kept& kept = judged(agent);
    score = kept.score;
    reasons = kept.reasons;
    // What a user agent says already is not said twice by the hints.
    if (agent == browser_ && (head_reasons_ & ~reasons) != 0) {
      score += head_score_;
      reasons |= head_reasons_;
    }
  }
  if (networks_.has(event[Text::ip])) {
    score += kDataCentre;
    reasons |= bit(BotReason::data_centre);
  }
  if (!event.has(event::Flag::imported)) {
    const auto pace = pace_.note(event.visitor_key(), event.event_time);
    if (const auto most = rules_.events_per_minute_max; most != 0 && pace.in_minute > most) {
      score += kTooFast + 30 * std::min(pace.in_minute - most, most) / most;
      reasons |= bit(BotReason::rate);
    }
    if (pace.even >= kEvenMin) {
      score += kEven;
      reasons |= bit(BotReason::regularity);
    }
  }
  if (reasons == 0) [[likely]]
    return {};
  event.bot_score = static_cast<std::uint8_t>(std::min(score, 100u));
  event.bot_reasons = reasons;
  for (std::size_t i = 0; i < event::kBotReasonCount; ++i) {
    if (reasons >> i & 1u) count(counters_.bot_reasons[i]);
  }
  if (event.bot_score < rules_.score_min) return {};
  if (brings_revenue(event.type)) {
    count(counters_.bots_spared);
    return {};
  }
  event.set(event::Flag::bot);
  count(counters_.bots);
  return {};
}

}  // namespace millrace::privacy
