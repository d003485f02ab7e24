#pragma once

#include <string>
#include <string_view>

#include "http/http.h"

namespace millrace::collect {

// What a client showed to be let in.
struct Credential {
  std::string write_key;
  std::string secret;
  bool present() const { return !write_key.empty(); }
};

// From the head of a request: the X-Write-Key field ("key:secret"), else Basic authorization (with or without the colon),
// else ?writeKey=. A Bearer token is none: such a client puts its write key in the body.
Credential credential_of(const http::Request& request);

// Standard and url-safe alphabets, padded or not; false when it is neither.
bool decode_base64(std::string_view text, std::string& out);
// The same to `out`, which has room for three bytes of four and 16 more. Returns the end; null when it is neither.
char* decode_base64(std::string_view text, char* out);

}  // namespace millrace::collect
