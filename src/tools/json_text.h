#pragma once

#include <string>
#include <string_view>

namespace millrace::tools {

// A JSON string literal with its quotes. Bytes that are not valid UTF-8 are taken as Latin-1, which old data sets use.
std::string json_text(std::string_view text);

}  // namespace millrace::tools
