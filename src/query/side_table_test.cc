#include "query/side_table.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>

#include "query/sql_fixture.h"
#include "query/sql_guard.h"

using namespace millrace;
using namespace millrace::query;

namespace {

class Numbers final : public SideRows {
 public:
  explicit Numbers(std::int64_t fails_at) : fails_at_(fails_at) {}
  base::Result<bool> next(std::string& json) override {
    if (++last_ == fails_at_) return base::Error(base::ErrorCode::io, "read numbers: a bad sector");
    json = fmt::format(R"({{"at":"2026-11-21T10:00:00.{:03}Z","n":{},"of":"x"}})", last_ % 1000, last_);
    return last_ <= kLast;
  }
  static constexpr std::int64_t kLast = 5000;

 private:
  const std::int64_t fails_at_;
  std::int64_t last_ = 0;
};

SideTable numbers(std::string name, Asker asker, std::int64_t fails_at = 0) {
  SideTable table;
  table.schema = "side";
  table.name = std::move(name);
  table.columns = {{"seen_at", "TIMESTAMPTZ", "at"},
                   {"n", "INTEGER", "n"},
                   {"word", "INTEGER", "of"},
                   {"absent", "VARCHAR", "none"}};
  table.asker = asker;
  table.open = [fails_at]() -> base::Result<std::unique_ptr<SideRows>> {
    return std::unique_ptr<SideRows>(std::make_unique<Numbers>(fails_at));
  };
  return table;
}

}  // namespace

TEST_CASE("a table beside the lake's is read anew by each statement, and joins with the lake's") {
  SqlFixture setup("sql-side");
  REQUIRE(setup.engine.add(numbers("open", Asker::analyst)));
  for (int i = 0; i < 2; ++i) {
    CHECK(setup.json("SELECT count(*), sum(n), count(word), count(absent), max(seen_at) FROM side.open") ==
          R"([[5000,12502500,0,0,"2026-11-21T10:00:00.999Z"]])");
  }
  CHECK(setup.json("SELECT count(*) FROM side.open") == "[[5000]]");
  CHECK(setup.json("SELECT n FROM side.open WHERE n > 4998 ORDER BY n") == "[[4999],[5000]]");
  CHECK(setup.json("SELECT count(*) FROM side.open a JOIN side.open b USING (n)") == "[[5000]]");
  CHECK(setup.json("SELECT message_id FROM raw.events JOIN side.open ON n = \"offset\" WHERE n = 1") ==
        R"([["m2"]])");
}

TEST_CASE("a table that is an admin's is nobody else's, however it is named") {
  SqlFixture setup("sql-side-closed");
  REQUIRE(setup.engine.add(numbers("closed", Asker::admin)));
  const auto count = setup.engine.run("SELECT count(*) FROM side.closed", {}, Asker::admin);
  REQUIRE(count.ok());
  CHECK(count->rows[0][0].text == "5000");
  for (const char* sql :
       {"SELECT * FROM side.closed", "FROM SIDE.\"Closed\"", "FROM memory.side.closed",
        "DESCRIBE side.closed", "SUMMARIZE side.closed", "SELECT (SELECT max(n) FROM side.closed)",
        "WITH x AS (FROM side.closed) FROM x", "FROM conformed.events, side.closed"}) {
    CAPTURE(sql);
    const auto result = setup.engine.run(sql);
    REQUIRE_FALSE(result.ok());
    CHECK(takes_admin(result.error()));
    CHECK(setup.engine.run(sql, {}, Asker::admin).ok());
  }
  for (const char* sql : {"FROM closed", "FROM side_side_closed()",
                          "SELECT * FROM query_table('side.closed')", "FROM 'side.closed'", "SHOW side"}) {
    CAPTURE(sql);
    CHECK_FALSE(setup.engine.run(sql).ok());
    CHECK_FALSE(setup.engine.run(sql, {}, Asker::admin).ok());
  }
  const auto shown = [&](Asker asker) {
    const auto tables = setup.engine.run("show tables", {}, asker);
    REQUIRE(tables.ok());
    return std::any_of(tables->rows.begin(), tables->rows.end(),
                       [](const auto& row) { return row[0].text == "side.closed"; });
  };
  CHECK(shown(Asker::admin));
  CHECK_FALSE(shown(Asker::analyst));
}

TEST_CASE("rows that cannot be read end the statement, and it says which") {
  SqlFixture setup("sql-side-broken");
  REQUIRE(setup.engine.add(numbers("broken", Asker::analyst, 4000)));
  const auto result = setup.engine.run("SELECT sum(n) FROM side.broken");
  REQUIRE_FALSE(result.ok());
  CHECK(result.error().code() == base::ErrorCode::io);
  CHECK(result.error().message().find("a bad sector") != std::string::npos);
  CHECK(setup.json("SELECT 1") == "[[1]]");
}
