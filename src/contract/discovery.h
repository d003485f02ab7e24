#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "contract/discovery_feed.h"
#include "contract/field_profile.h"
#include "contract/registry.h"
#include "contract/subject.h"
#include "disk/disk.h"

namespace millrace::contract {

// Something about an event changed that nobody announced.
struct DriftAlert {
  base::WallTime at;
  std::string event;
  std::string kind;  // "new_event", "new_field", "vanished_field", "type_change", "null_rate", "volume"
  std::string field;
  std::string detail;
};

// Watches samples of what is stored, proposes contracts for what has none, and raises alerts when an event drifts. One thread
// calls turn(); the rest is any thread's. What it has learnt is on disk within a minute, a new event with the turn that saw it; what
// was ignored, before it is answered.
class Discovery {
 public:
  static constexpr std::size_t kEventsMax = 500;
  static constexpr std::size_t kFieldsMax =
      50'000;  // Of all events together; further ones are not told apart.
  static constexpr std::size_t kAlertsMax = 200;
  static constexpr std::int64_t kWindowMs = base::kMinuteMs;
  static constexpr std::uint64_t kLearnt = 200;    // Samples after which a new field or type is drift.
  static constexpr std::uint64_t kVanished = 200;  // Samples without a field that used to be there.
  static constexpr std::uint64_t kWindowSamplesMin = 50;
  static constexpr double kNullRateBand = 0.2;
  static constexpr int kWindowsLearnt = 5;

  static base::Result<std::unique_ptr<Discovery>> open(disk::Disk& disk, Registry& registry,
                                                       DiscoveryFeed& feed, const base::Clock& clock);

  // Takes in what waits, and closes a window when it is over.
  void turn();
  // Writes what it has learnt. docs/formats/contracts.md
  base::Status save();

  std::string proposals_json() const;
  // The proposed schema, or `edited` when not empty, becomes the contract "shop/NAME", its first version or the next one.
  std::optional<RegistryFault> accept(std::string_view name, std::string edited, SchemaKey& key);
  std::optional<RegistryFault> ignore(std::string_view name);
  std::string alerts_json() const;
  std::uint64_t alerts() const;

 private:
  struct Trend {
    double present_rate = -1;  // Smoothed over windows; below 0: not known.
    std::uint64_t window_present = 0;
    std::uint64_t missing_run = 0;
    bool vanished = false;
    std::set<FieldProfile::Kind> kinds;
  };
  struct Watched {
    std::string shown;  // As clients write it.
    bool has_contract = false;
    base::WallTime first_seen, last_seen;
    std::set<std::string> sources;
    FieldProfile profile;
    std::map<std::string, Trend> trends;  // Of the members of the properties.
    std::uint64_t window_samples = 0;
    double mean = -1, deviation = 0;  // Samples of a window.
    int windows = 0;
  };

  Discovery(disk::Disk& disk, Registry& registry, DiscoveryFeed& feed, const base::Clock& clock)
      : disk_(disk), registry_(registry), feed_(feed), clock_(clock) {}
  base::Status load();
  base::Status load_learnt();
  void restore(std::string_view bytes);
  base::Status save_locked();
  void take(const SeenEvent& seen, const ContractRules& rules);
  void follow_fields(const std::string& name, Watched& watched, const JsonTape& tape, std::uint32_t node);
  void close_window(const std::string& name, Watched& watched);
  void raise(const std::string& event, std::string kind, std::string field, std::string detail);

  disk::Disk& disk_;
  Registry& registry_;
  DiscoveryFeed& feed_;
  const base::Clock& clock_;
  SubjectFinder finder_;  // turn()'s own.
  mutable std::mutex mutex_;
  std::map<std::string, Watched> events_;  // By contract name.
  std::set<std::string, std::less<>> ignored_;
  std::deque<DriftAlert> alerts_;  // Newest first.
  std::uint64_t alerts_raised_ = 0;
  std::size_t room_ = kFieldsMax;
  bool has_news_ = false;    // An event came for the first time since the last save.
  bool is_changed_ = false;  // Anything came.
  base::WallTime window_began_;
};

}  // namespace millrace::contract
