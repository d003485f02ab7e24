#pragma once

#include <string>
#include <string_view>

#include "http/http.h"

namespace millrace::collect {

// The item that a pixel's query stands for, as JSON: "data" holds it in base64 (Segment), or every field is a member, with
// dots for nesting up to two levels ("properties.price", "context.page.url"; RudderStack). What a browser says in its
// header fields fills in what the query leaves open. False when "data" is not base64.
bool pixel_item(const http::Request& request, std::string& json);

}  // namespace millrace::collect
