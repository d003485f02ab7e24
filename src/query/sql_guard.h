#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace millrace::query {

// Decides whether a statement may run, from its syntax tree as DuckDB's json_serialize_sql() gives it.
//
// Allowed is what is listed, everything else is not: one SELECT (FROM, VALUES, WITH, DESCRIBE, SUMMARIZE and SHOW TABLES are
// SELECTs to DuckDB), over the tables in `tables` ("schema.name"), common table expressions with plain names, and table
// functions that touch nothing, with values of a bounded length (growth_check.h). invalid_argument, with a sentence for a
// person, otherwise; the message of a statement that does not parse begins with "syntax".
//
// `closed` are tables that are there, but not for whoever asks: takes_admin() knows that refusal.
base::Status check_syntax_tree(std::string_view tree_json, const std::vector<std::string>& tables,
                               const std::vector<std::string>& closed = {});

bool takes_admin(const base::Error& error);

}  // namespace millrace::query
