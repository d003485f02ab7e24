#pragma once

#include <string>

#include "http/http.h"

namespace millrace::collect {

// What /debug/mp/collect says of a request: {"validationMessages":[{"fieldPath","description","validationCode"}]}, by the
// limits and names that the Measurement Protocol documents. Whether a time is too old is not said: that needs a clock.
std::string ga4_validation(const http::Request& request);

}  // namespace millrace::collect
