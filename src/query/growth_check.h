#pragma once

#include <simdjson.h>

#include <optional>
#include <string>

namespace millrace::query {

// Why a statement may grow beyond all bounds inside one call of a function, or nothing.
//
// DuckDB measures what operators hold and stops them between chunks of rows, but a function such as repeat() makes its whole
// answer at once, unmeasured and without looking up: repeat('x', 2000000000), or range(1000000000) as a list, takes the
// process down. So such a function must say in the statement how long its answer gets, and what is nested multiplies.
// The table function FROM range(...) is a stream and has no such limit.
std::optional<std::string> growth_problem(const simdjson::dom::element& statement);

}  // namespace millrace::query
