#include "base/iso_time.h"

#include <doctest/doctest.h>

#include "base/random.h"

using namespace millrace::base;

namespace {
std::string iso(std::int64_t ms) {
  std::string out;
  append_iso_time(out, {ms});
  return out;
}
std::int64_t parsed(std::string_view text) {
  const auto time = parse_iso_time(text);
  REQUIRE_MESSAGE(time.ok(), text);
  return time->ms;
}
}  // namespace

TEST_CASE("times are written as UTC with milliseconds") {
  CHECK_EQ(iso(0), "1970-01-01T00:00:00.000Z");
  CHECK_EQ(iso(-1), "1969-12-31T23:59:59.999Z");
  CHECK_EQ(iso(951'782'400'000), "2000-02-29T00:00:00.000Z");
  CHECK_EQ(iso(1'795'258'800'123), "2026-11-21T11:00:00.123Z");
}

TEST_CASE("the usual spellings of one instant are read alike") {
  const std::int64_t at = 1'795'258'800'000;
  for (const char* text :
       {"2026-11-21T11:00:00.000Z", "2026-11-21T11:00:00Z", "2026-11-21T11:00Z", "2026-11-21 11:00:00",
        "2026-11-21T13:00:00+02:00", "2026-11-21T13:00:00+0200", "2026-11-21T13:00:00+02",
        "2026-11-21T05:30:00-05:30", "2026-11-21T11:00:00.000999999Z"}) {
    CHECK_EQ(parsed(text), at);
  }
  CHECK_EQ(parsed("2026-11-21"), at - 11 * kHourMs);
  CHECK_EQ(parsed("2026-11-21T11:00:00.5Z"), at + 500);
}

TEST_CASE("what is not a time is refused") {
  for (const char* text :
       {"", "x", "2026", "2026-13-01", "2026-02-29", "2026-11-21T", "2026-11-21T24:00Z", "2026-11-21T11",
        "2026-11-21T11:60Z", "2026-11-21T11:00:00.Z", "2026-11-21T11:00:00Zx", "2026-11-21T11:00:00+2",
        "2026-11-21T11:00:00+0", "-2026-11-21", "1795258800000", "2026-11-21T11:00:00+25:00"}) {
    CHECK_FALSE_MESSAGE(parse_iso_time(text).ok(), text);
  }
}

TEST_CASE("every time that is written is read back") {
  SeededRandom random(7);
  for (int i = 0; i < 20'000; ++i) {
    const auto ms = static_cast<std::int64_t>(random.below(250'000'000'000'000ULL)) - 60'000'000'000'000LL;
    REQUIRE_EQ(parsed(iso(ms)), ms);
  }
}
