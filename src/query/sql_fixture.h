#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "lake/lake_fixture.h"
#include "query/sql_engine.h"

namespace millrace::query {

// For tests: an engine over a lake with two events committed and one in the tail.
struct SqlFixture {
  explicit SqlFixture(std::string_view name, SqlSettings settings = {})
      : fixture(name), engine(fixture.lake(), fixture.clock(), settings) {
    builder.event(lake::make_event("v1", R"({"messageId":"m1"})"))
        .event(lake::make_event("v2", R"({"messageId":"m2"})"));
    INVARIANT(fixture.lake().append(builder.take()).ok());
    INVARIANT(fixture.lake().commit().ok());
    builder.event(lake::make_event("v1", R"({"messageId":"m3"})"));
    INVARIANT(fixture.lake().append(builder.take()).ok());
  }
  // The rows alone, as the API writes them.
  std::string json(std::string_view sql) {
    auto result = engine.run(sql);
    if (!result.ok()) return "error: " + result.error().message();
    const std::string text = to_json(*result);
    const auto rows = text.find("\"rows\":");
    return text.substr(rows + 7, text.find(",\"took_ms\"") - rows - 7);
  }

  lake::LakeFixture fixture;
  SqlEngine engine;
  lake::GroupBuilder builder;
};

}  // namespace millrace::query
