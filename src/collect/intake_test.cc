#include "collect/intake.h"

#include <doctest/doctest.h>

#include "collect/client_time.h"

using namespace millrace;
using namespace millrace::collect;

namespace {

event::Event event_of(std::uint16_t source) {
  event::Event event;
  event.source = source;
  event.raw = R"({"event":"x"})";
  event[event::Text::anonymous_id] = "v";
  return event;
}

// Keeps something of its own, which may fail.
class KeepingGate final : public Gate {
 public:
  explicit KeepingGate(const bool& fails) : fails_(fails) {}
  Decision inspect(event::Event&) override { return {}; }
  base::Status finish() override {
    if (fails_) return base::Error(base::ErrorCode::io, "no sync");
    return base::Ok{};
  }

 private:
  const bool& fails_;
};

}  // namespace

TEST_CASE("items of sources of another region are refused and leave no record, whatever they are") {
  Intake intake(2, TimeSource::wall);
  const std::vector<bool> elsewhere = {false, true};
  intake.keep_out(elsewhere);
  intake.begin({1}, 100);
  auto theirs = event_of(1);
  intake.accept(theirs);
  intake.quarantine({1, {1}, "invalid_json", {}, {}, "{,"}, "v");
  CHECK_EQ(intake.kept_out(), 2);
  CHECK_EQ(intake.outcome().received, 2);
  CHECK_EQ(intake.outcome().refused, 2);
  REQUIRE_EQ(intake.outcome().items.size(), 2);
  CHECK_EQ(intake.outcome().items[0].reason, "other_region");
  CHECK(intake.take_shares().empty());
  intake.begin({2}, 100);
  for (const std::uint16_t source : {0, 2}) {
    auto ours = event_of(source);
    intake.accept(ours);
  }
  CHECK_EQ(intake.kept_out(), 0);
  CHECK_EQ(intake.outcome().accepted, 2);
  CHECK_EQ(intake.take_shares().size(), 1);
}

TEST_CASE("history that is to come is taken for what comes now, unless time is what the events say") {
  for (const auto time : {TimeSource::wall, TimeSource::events}) {
    for (const std::int64_t ahead_ms : {-365 * base::kDayMs, kFutureMs, kFutureMs + 1}) {
      CAPTURE(ahead_ms);
      const base::WallTime now{1'750'000'000'000};
      Intake intake(1, time);
      intake.begin(now, 100);
      auto event = event_of(0);
      event.received_at = now;
      event.event_time = now + ahead_ms;
      event.set(event::Flag::imported);
      intake.accept(event);
      const bool clamps = time == TimeSource::wall && ahead_ms > kFutureMs;
      CHECK_EQ(event.event_time.ms, now.ms + (clamps ? kFutureMs : ahead_ms));
      CHECK_EQ(event.has(event::Flag::time_clamped), clamps);
      CHECK_EQ(event.received_at.ms, time == TimeSource::wall ? now.ms : now.ms + ahead_ms);
    }
  }
}

TEST_CASE("a gate that cannot keep its part says so at the end of the request") {
  bool fails = true;
  std::vector<std::unique_ptr<Gate>> gates;
  gates.push_back(std::make_unique<KeepingGate>(fails));
  Intake intake(1, TimeSource::wall, std::move(gates));
  intake.begin({1}, 100);
  auto event = event_of(0);
  intake.accept(event);
  REQUIRE_FALSE(intake.finish().ok());
  CHECK_EQ(intake.finish().error().code(), base::ErrorCode::io);
  fails = false;
  CHECK(intake.finish().ok());
}
