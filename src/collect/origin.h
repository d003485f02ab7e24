#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "http/http.h"

namespace millrace::collect {

// The page that made a browser send this, as "https://shop.example:8443": its Origin, else what its Referer begins with; empty when
// there is neither, as with clients that are no browsers.
std::string_view page_origin(const http::Request& request);

// `origins` in the form in which browsers send them; a host may begin with "*.", which is one label or more. None at all: any.
bool allows_origin(const std::vector<std::string>& origins, std::string_view origin);

}  // namespace millrace::collect
