#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "event/event.h"
#include "privacy/personal_scan.h"

namespace millrace::privacy {

using Counter = std::atomic<std::uint64_t>;
inline void count(Counter& counter, std::uint64_t by = 1) {
  counter.fetch_add(by, std::memory_order_relaxed);
}

enum class ConsentAction : std::uint8_t { store, pseudonymise, anonymise, drop };
constexpr std::size_t kConsentActions = 4;
enum class ConsentSignal : std::uint8_t { gpc, tcf, gpp, us_privacy, google, categories };
constexpr std::size_t kConsentSignals = 6;

// What the gates decided, for the metrics; written by all of them.
struct PrivacyCounters {
  std::array<Counter, kPersonalKinds> replaced{};  // Values that became tokens.
  Counter fields_replaced{0};                      // By a rule of a path.
  Counter fields_removed{0};
  Counter suppressed{0};
  std::array<Counter, kConsentActions> consent{};  // Events by what was done.
  std::array<Counter, kConsentSignals> signals{};  // Events that carried the signal.
  Counter signals_malformed{0};
  Counter undecided{0};  // Events without signal or rule.
  std::array<Counter, event::kPurposeCount> withheld{};
  std::array<Counter, event::kBotReasonCount> bot_reasons{};
  Counter bots{0};
  Counter bots_spared{0};  // Revenue events of bots: counted all the same.
};

}  // namespace millrace::privacy
