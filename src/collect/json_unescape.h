#pragma once

#include <string_view>

namespace millrace::collect {

// Writes what the inside of a JSON string stands for, which is never longer; null when an escape is none. Returns the end.
char* unescape_json(std::string_view escaped, char* out);

}  // namespace millrace::collect
