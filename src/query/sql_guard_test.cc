#include "query/sql_guard.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using millrace::query::check_syntax_tree;

TEST_CASE("what is no tree of one SELECT statement is refused, whatever it is") {
  const std::vector<std::string> tables = {"conformed.events"};
  for (const std::string tree :
       {"", "[", "1", "[]", "{}", R"({"error":false})", R"({"error":false,"statements":{}})",
        R"({"error":false,"statements":"one"})", R"({"error":false,"statements":[]})",
        R"({"error":false,"statements":[{},{}]})", R"({"error":true,"statements":[{}]})",
        R"({"error":"no","statements":[{}]})"}) {
    CAPTURE(tree);
    CHECK_FALSE(check_syntax_tree(tree, tables).ok());
  }
}
