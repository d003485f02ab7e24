#include <doctest/doctest.h>
#include <fmt/format.h>

#include "lake/lake_fixture.h"

namespace millrace::lake {

TEST_CASE("bytes told of are those of this run, also when compaction takes files of an earlier one") {
  LakeSettings settings;
  settings.compaction.files_min = 3;
  LakeFixture fixture("lake-bytes", settings);
  GroupBuilder builder;
  const auto commit_some = [&](int files) {
    for (int i = 0; i < files; ++i) {
      for (int j = 0; j < 50; ++j)
        builder.event(make_event(fmt::format("v{}", j), fmt::format("{{\"n\":{}}}", i * 50 + j)));
      REQUIRE(fixture.lake()
                  .append(builder.take([&](RowGroup& group) {
                    event::FunnelCell cell;
                    cell.minute_ms = kNoonMs;
                    cell.sessions = {static_cast<std::uint32_t>(i + 1)};
                    group.funnel.push_back(cell);
                  }))
                  .ok());
      REQUIRE(fixture.lake().commit().ok());
    }
  };
  const auto file_bytes = [&] {
    std::int64_t sum = 0;
    for (const auto& table : fixture.lake().status().tables) sum += table.bytes;
    return sum;
  };
  commit_some(3);
  CHECK(fixture.lake().status().parquet_bytes == file_bytes());
  fixture.reopen();
  CHECK(fixture.lake().status().parquet_bytes == 0);
  CHECK(*fixture.lake().compact() == LakeTable::Compacted::one_file);
  CHECK(fixture.lake().status().parquet_bytes == 0);
  commit_some(3);
  const auto before = fixture.lake().status().parquet_bytes;
  CHECK(before > 0);
  CHECK(before < file_bytes());
  while (*fixture.lake().compact() == LakeTable::Compacted::one_file) {
  }
  const auto after = fixture.lake().status();
  CHECK(after.parquet_bytes > 0);
  CHECK(after.parquet_bytes < before);
  CHECK(after.parquet_bytes < file_bytes());
}

}  // namespace millrace::lake
