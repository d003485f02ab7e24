#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace millrace::base {

// Appends "2026-11-21T10:00:00.000Z": always UTC, always milliseconds, 24 bytes for years 0 to 9999.
void append_iso_time(std::string& out, WallTime time);

// Reads ISO 8601: a date ("2026-11-21", midnight UTC), or date, 'T' or space, time to the minute, second or
// any fraction of one (cut to milliseconds), then 'Z', an offset ("+02:00", "+0200", "+02") or nothing (UTC).
// invalid_argument else.
Result<WallTime> parse_iso_time(std::string_view text);

}  // namespace millrace::base
