#pragma once

#include <string>
#include <string_view>

#include "collect/dialect.h"
#include "collect/source_table.h"
#include "http/http.h"

namespace millrace::collect {

// A transparent GIF of one pixel, 43 bytes.
extern const std::string_view kPixelGif;

// Lets the page of the request's Origin read the answer, and send cookies with the request.
void allow_origin(const http::Request& request, http::Response& response);
// 403 when no page of the request's Origin may send, or not with the write key that its query has.
http::Response preflight(const http::Request& request, const SourceTable& sources);
http::Response gif();
// `status` without a body when `text` is empty.
http::Response plain(const http::Request& request, int status, std::string_view text);
http::Response refusal_answer(const http::Request& request, const Refusal& refusal);
// {"success":true,"received":...,"items":[...]}
// A request with this header is answered with outcome_json(), whatever its dialect's clients hear.
constexpr std::string_view kOutcomeHeader = "X-Millrace-Outcome";
std::string outcome_json(const Outcome& outcome);

}  // namespace millrace::collect
