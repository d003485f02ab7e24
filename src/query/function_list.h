#pragma once

#include <string_view>

namespace millrace::query {

// Whether statements may call it: aggregates, window functions, operators and macros have names as well. In lower case.
//
// Not listed, and so refused: what reads or changes the session or the catalog, plans or parses a statement that is given as text
// (json_serialize_plan() opens the files in it), DuckDB's inner functions, and those that a deeply nested value or type sends
// beyond the end of the stack (json_structure(), variants) or of memory (json_pretty(): the square of its depth).
bool is_listed_function(std::string_view name);

}  // namespace millrace::query
