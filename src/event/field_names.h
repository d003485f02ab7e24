#pragma once

#include <string_view>

#include "event/event.h"

namespace millrace::event {

// "page_url", "revenue", "time_corrected": the names of fields in documents and API answers.
std::string_view to_string(Text field);
std::string_view to_string(Amount amount);
std::string_view to_string(Flag flag);
constexpr std::size_t kFlagCount = 14;

}  // namespace millrace::event
