#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace millrace::act {

// Value of the header Millrace-Signature: "t=<unix seconds>,v1=<hex of HMAC-SHA256 over "<t>.<body>">". A
// receiver computes the same, compares in constant time, and refuses a `t` that is too old: that is what
// stops replays.
std::string sign(std::string_view secret, std::int64_t unix_s, std::string_view body);

}  // namespace millrace::act
