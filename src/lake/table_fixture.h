#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "lake/iceberg_table.h"
#include "lake/memory_object_store.h"
#include "sim/sim_clock.h"

// What the tests of Iceberg tables share.
namespace millrace::lake {

inline TableSpec sample_spec() {
  TableSpec spec;
  spec.name_space = "conformed";
  spec.name = "events";
  spec.doc = "One row per event.";
  spec.columns = {{1, "event_time", ColumnType::timestamptz, true, "When it happened."},
                  {2, "event_type", ColumnType::string, true, ""},
                  {3, "visitor_id", ColumnType::string, false, ""},
                  {4, "price", ColumnType::decimal18_6, false, "In \"currency\"."},
                  {5, "quantity", ColumnType::int32, false, ""}};
  spec.partition = {{1, 1000, "event_day", Transform::day}, {2, 1001, "event_type", Transform::identity}};
  spec.sort_ids = {3};
  return spec;
}

inline std::vector<PartitionValue> sample_partition(std::int32_t day, std::string type) {
  PartitionValue first;
  first.day = day;
  PartitionValue second;
  second.text = std::move(type);
  return {first, second};
}

inline DataFile sample_file(IcebergTable& table, std::int64_t rows, std::int32_t day = 20413,
                            std::string type = "page_viewed") {
  DataFile file;
  file.partition = sample_partition(day, std::move(type));
  file.object = table.data_object_name(file.partition);
  file.record_count = rows;
  file.file_bytes = 100 + rows;
  file.columns = {{3, 40, rows, 1, "anna", "zoe"},
                  {5, 8, rows, 0, std::string(4, '\1'), std::string(4, '\2')}};
  return file;
}

inline OffsetRange events_range(std::uint32_t partition, std::uint64_t from, std::uint64_t to) {
  return {{event::Topic::events, partition}, {from}, {to}};
}

template <class T>
T must(base::Result<T> result) {
  if (!result.ok()) FAIL(result.error().message());
  return *std::move(result);
}

template <class T>
base::ErrorCode code_of(const base::Result<T>& result) {
  if (result.ok()) FAIL("it succeeded");
  return result.error().code();
}

}  // namespace millrace::lake
