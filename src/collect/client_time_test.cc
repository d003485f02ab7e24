#include "collect/client_time.h"

#include <doctest/doctest.h>

using namespace millrace::collect;
using millrace::base::WallTime;
using millrace::event::Event;
using millrace::event::Flag;

namespace {

constexpr WallTime kReceived{1'750'000'000'000};
constexpr std::int64_t kHour = millrace::base::kHourMs;
constexpr std::int64_t kDay = millrace::base::kDayMs;

Event timed(std::optional<WallTime> original, std::optional<WallTime> sent,
            TimeTrust trust = TimeTrust::corrected) {
  Event event;
  event.received_at = kReceived;
  set_event_time({original, sent}, trust, event);
  return event;
}

}  // namespace

TEST_CASE("client times are read from ISO 8601, from milliseconds and from seconds") {
  const auto text = [](std::string_view written) { return parse_client_time(JsonKind::string, written); };
  CHECK(text("2025-06-15T15:06:40.000Z") == kReceived);
  CHECK(text("2025-06-15T17:06:40+02:00") == kReceived);
  CHECK(text("2025-06-15T15:06:40.123456Z") == kReceived + 123);
  CHECK(text("1750000000000") == kReceived);
  CHECK(parse_client_time(JsonKind::number, "1750000000000") == kReceived);
  CHECK(parse_client_time(JsonKind::number, "1750000000000.75") == kReceived);
  CHECK(text("1750000000") == kReceived);
  CHECK(parse_client_time(JsonKind::number, "1750000000") == kReceived);
  CHECK(parse_client_time(JsonKind::number, "1750000000.0") == kReceived);
  CHECK(parse_client_time(JsonKind::number, "1750000000.1239") == kReceived + 123);
  CHECK(parse_client_time(JsonKind::number, "1750000000.5") == kReceived + 500);
  CHECK(parse_client_time(JsonKind::number, "99999999") == WallTime{99'999'999});
  CHECK(parse_client_time(JsonKind::number, "100000000000") == WallTime{100'000'000'000});
  for (const std::string_view bad :
       {"", "soon", "2025-13-01T00:00:00Z", "2025-06-15T25:00:00Z", "17500000000x0", "1e12345678",
        "99999999999999999999", "999999999999999"}) {
    CAPTURE(bad);
    CHECK_FALSE(text(bad));
    CHECK_FALSE(parse_client_time(JsonKind::number, bad));
  }
  CHECK_FALSE(parse_client_time(JsonKind::boolean, "true"));
  CHECK_FALSE(parse_client_time(JsonKind::null, "null"));
}

TEST_CASE("a client clock that is wrong is corrected by sentAt, however wrong it is") {
  for (const std::int64_t skew : {-400 * kDay, -kHour, std::int64_t{0}, kHour, 400 * kDay}) {
    CAPTURE(skew);
    const Event event = timed(kReceived - 5'000 + skew, kReceived - 1'000 + skew);
    CHECK(event.event_time == kReceived - 4'000);
    CHECK(event.client_time == kReceived - 5'000 + skew);
    CHECK(event.has(Flag::time_corrected));
    CHECK_FALSE(event.has(Flag::time_clamped));
  }
  const Event exact = timed(kReceived - 5'000, kReceived);
  CHECK(exact.event_time == kReceived - 5'000);
  CHECK_FALSE(exact.has(Flag::time_corrected));
}

TEST_CASE("times are clamped to a week back and five minutes ahead, and flagged") {
  const Event old = timed(kReceived - 8 * kDay, std::nullopt);
  CHECK(old.event_time == kReceived - 7 * kDay);
  CHECK(old.has(Flag::time_clamped));
  const Event ahead = timed(kReceived + kHour, std::nullopt);
  CHECK(ahead.event_time == kReceived + 5 * millrace::base::kMinuteMs);
  CHECK(ahead.has(Flag::time_clamped));
  CHECK_FALSE(timed(kReceived - 7 * kDay, std::nullopt).has(Flag::time_clamped));
  // sentAt before the event: the correction leads to the future.
  CHECK(timed(kReceived + kHour, kReceived).event_time == kReceived + 5 * millrace::base::kMinuteMs);
}

TEST_CASE("what was held back for long keeps its time, but for one that is to come") {
  const Event old = timed(kReceived - 80 * kDay, std::nullopt, TimeTrust::held_back);
  CHECK(old.event_time == kReceived - 80 * kDay);
  CHECK(old.flags == 0);
  const Event ahead = timed(kReceived + kHour, std::nullopt, TimeTrust::held_back);
  CHECK(ahead.event_time == kReceived + 5 * millrace::base::kMinuteMs);
  CHECK(ahead.has(Flag::time_clamped));
}

TEST_CASE("without a time the receipt stands in, and history is taken as it is") {
  const Event missing = timed(std::nullopt, kReceived);
  CHECK(missing.event_time == kReceived);
  CHECK(missing.client_time == WallTime{});
  CHECK(missing.has(Flag::time_missing));
  const Event history = timed(WallTime{1'433'000'000'000}, kReceived + kHour, TimeTrust::as_given);
  CHECK(history.event_time == WallTime{1'433'000'000'000});
  CHECK(history.flags == 0);
}
