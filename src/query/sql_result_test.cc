#include "query/sql_result.h"

#include <doctest/doctest.h>

using namespace millrace::query;
using Kind = SqlCell::Kind;

namespace {
SqlResult sample() {
  SqlResult out;
  out.columns = {{"name", "VARCHAR"}, {"n", "BIGINT"}};
  out.rows = {{{Kind::text, "a,\"b\""}, {Kind::number, "12"}},
              {{Kind::null, ""}, {Kind::number, "3"}},
              {{Kind::text, ""}, {}}};
  out.took_ms = 3;
  return out;
}
}  // namespace

TEST_CASE("a result survives the way to JSON and back") {
  const auto json = to_json(sample());
  CHECK(json == R"({"columns":[{"name":"name","type":"VARCHAR"},{"name":"n","type":"BIGINT"}],)"
                R"("rows":[["a,\"b\"",12],[null,3],["",null]],"took_ms":3,"truncated":false})");
  const auto back = parse_json_result(json);
  REQUIRE(back.ok());
  CHECK(to_json(*back) == json);
  for (const char* bad :
       {"", "[]", "{}", R"({"columns":[],"rows":[[1]]})", R"({"columns":[{"name":1}],"rows":[]})"}) {
    CHECK_FALSE(parse_json_result(bad).ok());
  }
}

TEST_CASE("CSV quotes what needs it and tells null from empty text") {
  CHECK(to_csv(sample()) == "name,n\r\n\"a,\"\"b\"\"\",12\r\n,3\r\n\"\",\r\n");
}

TEST_CASE("a table is aligned, numbers to the right") {
  SqlResult result = sample();
  result.rows[2][0].text = "zwölf\nlines";
  CHECK(to_table(result, 6) ==
        " name    │    n\n"
        "─────────┼──────\n"
        " a,\"b\"   │   12\n"
        " NULL    │    3\n"
        " zwölf … │ NULL\n"
        "(3 rows)\n");
  result.rows.clear();
  result.truncated = true;
  CHECK(to_table(result).ends_with("(0 rows, more were cut off)\n"));
}
