#include "query/growth_check.h"

#include <doctest/doctest.h>

#include "lake/lake_fixture.h"
#include "query/sql_engine.h"

using namespace millrace;

namespace {

struct Setup {
  Setup() : fixture("growth"), engine(fixture.lake(), fixture.clock(), {}) {}
  std::string said(std::string_view sql) {
    const auto result = engine.run(sql);
    return result.ok() ? "" : result.error().message();
  }
  bool refuses(std::string_view sql) { return said(sql).find("allowed") != std::string::npos; }

  lake::LakeFixture fixture;
  query::SqlEngine engine;
};

}  // namespace

TEST_CASE("a value that no limit would stop is refused before it is made") {
  Setup setup;
  for (const char* sql : {
           "SELECT repeat('x', 2000000000)",
           "SELECT REPEAT('x', 100001)",
           "SELECT main.repeat('x', 2000000000)",
           "SELECT repeat(repeat('x', 1000), 1000)",
           "SELECT repeat('x', 1000 * 1000 * 1000)",
           "SELECT repeat('x', (SELECT 2000000000))",
           "SELECT repeat(event_name, 2000) FROM conformed.events",
           "SELECT lpad('x', 2000000000, 'y')",
           "SELECT rpad('x', 2000000000::INTEGER, 'y')",
           "SELECT range(1000000000)",
           "SELECT generate_series(0, 1000000000)",
           "SELECT len(range(-1000000000, 0))",
           "SELECT unnest(range(1000000000))",
           "SELECT generate_series(TIMESTAMP '2000-01-01', TIMESTAMP '2100-01-01', INTERVAL 1 MICROSECOND)",
           "SELECT [range(1000) FOR x IN range(1000)]",
           "SELECT list_transform(range(1000), lambda x: range(1000))",
           "SELECT list_resize([1], 2000000000)",
           "SELECT bar(1, 0, 1, 2000000000)",
           "SELECT levenshtein(repeat('a', 100000), repeat('b', 100000))",
           "SELECT replace(repeat('x', 1000), 'x', repeat('y', 1000))",
           "SELECT printf('%1000000000d', 1)",
           "SELECT printf('%*d', 1000000000, 1)",
           "SELECT format('{:>1000000000}', 'x')",
           "SELECT format('{:{}}', 'x', 1000000000)",
           "SELECT 1 WHERE repeat('x', 2000000000) = 'y'",
           "SELECT count(*) FROM range(3) t(i) GROUP BY repeat('x', 2000000000)",
           "WITH a AS (SELECT repeat('x', 2000000000) AS b) SELECT b FROM a",
           "SELECT 1 ORDER BY repeat('x', 2000000000)",
           "SELECT * FROM range(length(repeat('x', 2000000000)))",
           "SELECT repeat('x', 60000) || repeat('x', 60000) || upper('a') = upper(repeat('y', 100001))",
       }) {
    CAPTURE(sql);
    CHECK(setup.refuses(sql));
  }
}

TEST_CASE("what people write with such functions goes through") {
  Setup setup;
  for (const char* sql : {
           "SELECT repeat('#', 20), lpad('7', 2, '0'), rpad(visitor_id, 30, ' ') FROM conformed.events",
           "SELECT repeat('#', least(count(*), 50)::INTEGER) FROM conformed.events",
           "SELECT repeat('#', least(7, 50))",
           "SELECT unnest(range(5)), generate_series(1, 10, 3), range(10, 0, -1)",
           "SELECT * FROM range(1000000000) LIMIT 1",
           "SELECT * FROM generate_series(TIMESTAMP '2026-01-01', TIMESTAMP '2026-01-02', INTERVAL 1 HOUR)",
           "SELECT printf('%05.2f %s', 1.5, 'a'), format('{:>10}', 'x'), format('{:,}', 123456)",
           "SELECT bar(3, 0, 10, 40), len(range(100000))",
           "SELECT lpad('a', 10, ' ') || lpad('b', 10, ' ') || lpad('c', 10, ' ') || lpad('d', 10, ' ') || "
           "lpad('e', 10, ' ')",
           "SELECT date_trunc('hour', event_time), count(*) FILTER (event_type = 'page_viewed') "
           "FROM conformed.events WHERE event_type IN ('a', 'b', 'c') GROUP BY ALL ORDER BY 1",
           "SELECT * FROM repeat('x', 3)",
       }) {
    CAPTURE(sql);
    CHECK_EQ(setup.said(sql), "");
  }
}

TEST_CASE("a table's file that is gone is no fault of the statement") {
  Setup setup;
  lake::GroupBuilder builder;
  builder.event(lake::make_event("v1", R"({"messageId":"m1"})"));
  REQUIRE(setup.fixture.lake().append(builder.take()).ok());
  REQUIRE(setup.fixture.lake().commit().ok());
  std::filesystem::remove_all(setup.fixture.path() + "/lake/conformed/events/data");
  const auto result = setup.engine.run("SELECT count(event_time) FROM conformed.events");
  REQUIRE_FALSE(result.ok());
  CHECK(result.error().code() == base::ErrorCode::io);
}

TEST_CASE("SHOW TABLES names the tables as a query takes them") {
  Setup setup;
  for (const char* sql : {"SHOW TABLES", " show\n tables ; "}) {
    const auto result = setup.engine.run(sql);
    REQUIRE(result.ok());
    REQUIRE(result->rows.size() > 5);
    CHECK_EQ(result->rows[0][0].text, "conformed.events");
  }
}
