#include <doctest/doctest.h>

#include "lake/lake_fixture.h"

using namespace millrace;
using namespace millrace::lake;

TEST_CASE("rows of a commit that fails stay in SQL, and the next one commits them") {
  LakeFixture fixture("lake-fails");
  GroupBuilder builder;
  const auto scratch = fixture.path() + "/scratch";
  const auto count = [&] { return fixture.scalar("SELECT count(*) FROM conformed.events"); };
  for (const auto* expected : {"2", "4"}) {  // The first commit after a start, and a later one.
    builder.event(make_event("v1", R"({"messageId":"m1"})")).event(make_event("v2", R"({"messageId":"m2"})"));
    REQUIRE(fixture.lake().append(builder.take()).ok());
    std::filesystem::remove_all(scratch);
    REQUIRE_FALSE(fixture.lake().commit().ok());
    CHECK(count() == expected);
    CHECK(fixture.lake().committed(event::Topic::events, 0).value < builder.next());
    std::filesystem::create_directories(scratch);
    REQUIRE(fixture.lake().commit().ok());
    CHECK(count() == expected);
    CHECK(fixture.lake().status().tables[index_of(Table::events)].rows_committed == std::stoll(expected));
    CHECK(fixture.lake().status().tables[index_of(Table::raw_events)].rows_committed == std::stoll(expected));
  }
}
