#pragma once

#include <string>
#include <string_view>

namespace millrace::tools {

// What a person reads of an answer that is an error: its sentence and what to do, or the body as it is where it has none.
std::string refusal_text(std::string_view body);

}  // namespace millrace::tools
