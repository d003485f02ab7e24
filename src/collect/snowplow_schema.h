#pragma once

#include <string_view>

namespace millrace::collect {

// The name in "iglu:vendor/name/format/version"; empty when it is no such address.
std::string_view iglu_name(std::string_view address);

// Schemas of the trackers themselves and of their plugins; others may use the same names for other things.
bool is_snowplow_schema(std::string_view address);

}  // namespace millrace::collect
