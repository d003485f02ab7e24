#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace millrace::collect {

enum class SignatureCoding : std::uint8_t { hex, base64 };

// HMAC-SHA256 of the body, as webhooks are signed.
std::string signature_of(std::string_view body, std::string_view secret, SignatureCoding coding);

// Takes as long for a wrong text as for the right one.
bool equals_in_constant_time(std::string_view given, std::string_view right);

}  // namespace millrace::collect
