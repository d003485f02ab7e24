#include <doctest/doctest.h>

#include <fstream>

#include "lake/lake_fixture.h"

using namespace millrace;
using namespace millrace::lake;

TEST_CASE("rows of a commit that fails stay in SQL, and the next one commits them") {
  LakeFixture fixture("lake-fails");
  GroupBuilder builder;
  // A file where the table's directory belongs: no data file of it can be made.
  const auto table = fixture.path() + "/lake/conformed", aside = fixture.path() + "/aside";
  const auto count = [&] { return fixture.scalar("SELECT count(*) FROM conformed.events"); };
  for (const auto* expected : {"2", "4"}) {  // The first commit after a start, and a later one.
    builder.event(make_event("v1", R"({"messageId":"m1"})")).event(make_event("v2", R"({"messageId":"m2"})"));
    REQUIRE(fixture.lake().append(builder.take()).ok());
    std::filesystem::rename(table, aside);
    std::ofstream(table) << "in the way";
    REQUIRE_FALSE(fixture.lake().commit().ok());
    std::filesystem::remove(table);
    std::filesystem::rename(aside, table);
    CHECK(count() == expected);
    CHECK(fixture.lake().committed(event::Topic::events, 0).value < builder.next());
    REQUIRE(fixture.lake().commit().ok());
    CHECK(count() == expected);
    CHECK(fixture.lake().status().tables[index_of(Table::events)].rows_committed == std::stoll(expected));
    CHECK(fixture.lake().status().tables[index_of(Table::raw_events)].rows_committed == std::stoll(expected));
  }
}
