#include "lake/lake.h"

#include <doctest/doctest.h>

#include "lake/lake_fixture.h"

using namespace millrace;
using namespace millrace::lake;

namespace {
const std::string kCountEvents = "SELECT count(*) FROM conformed.events";
const std::string kCountRaw = "SELECT count(*) FROM raw.events";
}  // namespace

TEST_CASE("an event is in SQL once: in the tail, after its commit, and after a restart") {
  LakeFixture fixture("lake-once");
  GroupBuilder builder;
  builder.event(make_event("v1", R"({"a":1})")).event(make_event("v2", R"({"a":2})"));
  REQUIRE(fixture.lake().append(builder.take()).ok());
  CHECK(fixture.scalar(kCountEvents) == "2");
  CHECK(fixture.scalar(kCountRaw) == "2");
  CHECK(fixture.lake().committed(event::Topic::events, 0) == journal::Offset{0});

  const auto committed = fixture.lake().commit();
  if (!committed.ok()) MESSAGE(committed.error().message());
  REQUIRE(committed.ok());
  CHECK(fixture.scalar(kCountEvents) == "2");
  CHECK(fixture.scalar(kCountRaw) == "2");
  CHECK(fixture.scalar("SELECT decode(raw) FROM raw.events ORDER BY \"offset\" LIMIT 1") == R"({"a":1})");
  CHECK(fixture.lake().committed(event::Topic::events, 0) == journal::Offset{2});

  builder.event(make_event("v1", R"({"a":3})"));
  REQUIRE(fixture.lake().append(builder.take()).ok());
  CHECK(fixture.scalar(kCountEvents) == "3");
  fixture.reopen();
  CHECK(fixture.scalar(kCountEvents) == "2");
  CHECK(fixture.lake().committed(event::Topic::events, 0) == journal::Offset{2});
}
