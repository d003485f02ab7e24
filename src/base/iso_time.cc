#include "base/iso_time.h"

#include <cstdint>
#include <optional>

namespace millrace::base {

namespace {

struct CivilDate {
  std::int64_t year;
  unsigned month;
  unsigned day;
};

// Days since 1970-01-01 to a date of the proleptic Gregorian calendar and back: Howard Hinnant,
// "chrono-Compatible Low-Level Date Algorithms".
constexpr CivilDate civil_from_days(std::int64_t days) {
  days += 719'468;
  const std::int64_t era = (days >= 0 ? days : days - 146'096) / 146'097;
  const auto day_of_era = static_cast<unsigned>(days - era * 146'097);
  const unsigned year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const unsigned shifted_month = (5 * day_of_year + 2) / 153;
  const unsigned day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
  const unsigned month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
  return {static_cast<std::int64_t>(year_of_era) + era * 400 + (month <= 2), month, day};
}

constexpr std::int64_t days_from_civil(CivilDate date) {
  const std::int64_t year = date.year - (date.month <= 2);
  const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
  const auto year_of_era = static_cast<unsigned>(year - era * 400);
  const unsigned day_of_year =
      (153 * (date.month > 2 ? date.month - 3 : date.month + 9) + 2) / 5 + date.day - 1;
  const unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146'097 + static_cast<std::int64_t>(day_of_era) - 719'468;
}

static_assert(days_from_civil({1970, 1, 1}) == 0);
static_assert(days_from_civil({2000, 3, 1}) == 11'017);

unsigned days_in_month(std::int64_t year, unsigned month) {
  constexpr unsigned kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && leap ? 29 : kDays[month - 1];
}

void append_digits(std::string& out, std::uint64_t value, int width) {
  char buffer[20];
  for (int i = width - 1; i >= 0; --i) {
    buffer[i] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
  out.append(buffer, static_cast<std::size_t>(width));
}

// Consumes text from the front; every reader leaves it untouched when it does not match.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : rest_(text) {}

  bool at_end() const { return rest_.empty(); }
  bool skip(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  std::optional<unsigned> digits(std::size_t width) {
    if (rest_.size() < width) return std::nullopt;
    unsigned value = 0;
    for (std::size_t i = 0; i < width; ++i) {
      if (rest_[i] < '0' || rest_[i] > '9') return std::nullopt;
      value = value * 10 + static_cast<unsigned>(rest_[i] - '0');
    }
    rest_.remove_prefix(width);
    return value;
  }

 private:
  std::string_view rest_;
};

std::optional<std::int64_t> read_date(Cursor& cursor) {
  const auto year = cursor.digits(4);
  if (!year || !cursor.skip('-')) return std::nullopt;
  const auto month = cursor.digits(2);
  if (!month || !cursor.skip('-')) return std::nullopt;
  const auto day = cursor.digits(2);
  if (!day || *month < 1 || *month > 12 || *day < 1 || *day > days_in_month(*year, *month))
    return std::nullopt;
  return days_from_civil({*year, *month, *day}) * kDayMs;
}

std::optional<std::int64_t> read_time(Cursor& cursor) {
  const auto hour = cursor.digits(2);
  if (!hour || !cursor.skip(':')) return std::nullopt;
  const auto minute = cursor.digits(2);
  if (!minute || *hour > 23 || *minute > 59) return std::nullopt;
  std::int64_t ms = *hour * kHourMs + *minute * kMinuteMs;
  if (!cursor.skip(':')) return ms;
  const auto second = cursor.digits(2);
  if (!second || *second > 59) return std::nullopt;
  ms += *second * kSecondMs;
  if (!cursor.skip('.')) return ms;
  int count = 0;
  for (std::int64_t unit = 100;; unit /= 10, ++count) {
    const auto digit = cursor.digits(1);
    if (!digit) break;
    ms += *digit * unit;
  }
  return count > 0 ? std::optional(ms) : std::nullopt;
}

std::optional<std::int64_t> read_zone(Cursor& cursor) {
  if (cursor.at_end() || cursor.skip('Z')) return 0;
  const std::int64_t sign = cursor.skip('+') ? 1 : cursor.skip('-') ? -1 : 0;
  const auto hour = sign == 0 ? std::nullopt : cursor.digits(2);
  if (!hour || *hour > 23) return std::nullopt;
  cursor.skip(':');
  const auto minute = cursor.at_end() ? 0u : cursor.digits(2);
  if (!minute || *minute > 59) return std::nullopt;
  return sign * (*hour * kHourMs + *minute * kMinuteMs);
}

}  // namespace

void append_iso_time(std::string& out, WallTime time) {
  std::int64_t days = time.ms / kDayMs;
  std::int64_t rest = time.ms % kDayMs;
  if (rest < 0) {
    rest += kDayMs;
    --days;
  }
  const CivilDate date = civil_from_days(days);
  const auto unsigned_rest = static_cast<std::uint64_t>(rest);
  append_digits(out, static_cast<std::uint64_t>(date.year < 0 ? 0 : date.year), date.year > 9999 ? 6 : 4);
  out += '-';
  append_digits(out, date.month, 2);
  out += '-';
  append_digits(out, date.day, 2);
  out += 'T';
  append_digits(out, unsigned_rest / kHourMs, 2);
  out += ':';
  append_digits(out, unsigned_rest / kMinuteMs % 60, 2);
  out += ':';
  append_digits(out, unsigned_rest / kSecondMs % 60, 2);
  out += '.';
  append_digits(out, unsigned_rest % kSecondMs, 3);
  out += 'Z';
}

Result<WallTime> parse_iso_time(std::string_view text) {
  Cursor cursor(text);
  const auto date = read_date(cursor);
  std::optional<std::int64_t> time = 0;
  std::optional<std::int64_t> zone = 0;
  if (date && !cursor.at_end()) {
    time = cursor.skip('T') || cursor.skip(' ') ? read_time(cursor) : std::nullopt;
    zone = time ? read_zone(cursor) : std::nullopt;
  }
  if (!date || !time || !zone || !cursor.at_end()) {
    return Error(ErrorCode::invalid_argument, "not an ISO 8601 time, such as 2026-11-21T10:00:00Z");
  }
  return WallTime{*date + *time - *zone};
}

}  // namespace millrace::base
