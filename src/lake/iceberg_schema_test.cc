#include "lake/iceberg_schema.h"

#include "lake/table_fixture.h"

namespace millrace::lake {
namespace {

using base::ErrorCode;

TableMetadata sample_metadata() { return initial_metadata(sample_spec(), "uuid", "file:///t", 1000); }

TEST_CASE("metadata reads back as it was written") {
  TableMetadata metadata = sample_metadata();
  metadata.last_sequence_number = 7;
  metadata.properties["quote\"and\nline"] = "\\ \xc3\xa9";
  metadata.current_snapshot_id = (std::int64_t{1} << 53) - 1;
  Snapshot snapshot;
  snapshot.id = *metadata.current_snapshot_id;
  snapshot.parent_id = 4;
  snapshot.sequence_number = 7;
  snapshot.timestamp_ms = 1234;
  snapshot.manifest_list = "file:///t/metadata/list.avro";
  snapshot.operation = "append";
  snapshot.summary = {{"added-records", "5"}};
  metadata.snapshots.push_back(snapshot);
  metadata.snapshot_log.push_back({1234, snapshot.id});
  metadata.metadata_log.push_back({1000, "file:///t/metadata/v1.metadata.json"});

  const std::string json = to_json(metadata);
  const TableMetadata again = must(parse_table_metadata(json));
  CHECK(to_json(again) == json);
  CHECK(again.current_snapshot()->summary == snapshot.summary);
  CHECK(again.current_snapshot()->parent_id == 4);
  CHECK(again.current_schema().columns.size() == 5);
  CHECK(again.current_schema().columns[3].doc == "In \"currency\".");
  CHECK(again.default_spec().fields[1].transform == Transform::identity);
  CHECK(again.last_partition_id == 1001);
  CHECK(again.sort_orders.back().source_ids == std::vector<int>{3});
}

TEST_CASE("the JSON of a new table is the specification's") {
  TableSpec spec = sample_spec();
  spec.columns.resize(2);
  spec.sort_ids = {2};
  spec.partition.resize(1);
  CHECK(
      to_json(initial_metadata(spec, "9c12d441-03fe-4693-9a96-a0705ddf69c1", "s3://b/t", 1602638573590)) ==
      R"({"format-version":2,"table-uuid":"9c12d441-03fe-4693-9a96-a0705ddf69c1","location":"s3://b/t",)"
      R"("last-sequence-number":0,"last-updated-ms":1602638573590,"last-column-id":2,"current-schema-id":0,)"
      R"("schemas":[{"type":"struct","schema-id":0,"fields":[)"
      R"({"id":1,"name":"event_time","required":true,"type":"timestamptz","doc":"When it happened."},)"
      R"({"id":2,"name":"event_type","required":true,"type":"string"}]}],"default-spec-id":0,)"
      R"("partition-specs":[{"spec-id":0,"fields":[)"
      R"({"name":"event_day","transform":"day","source-id":1,"field-id":1000}]}],"last-partition-id":1000,)"
      R"("default-sort-order-id":1,"sort-orders":[{"order-id":0,"fields":[]},{"order-id":1,"fields":[)"
      R"({"transform":"identity","source-id":2,"direction":"asc","null-order":"nulls-first"}]}],)"
      R"("properties":{"comment":"One row per event.","write.parquet.compression-codec":"zstd"},)"
      R"("current-snapshot-id":-1,"snapshots":[],"snapshot-log":[],"metadata-log":[]})");
}

TEST_CASE("metadata that this writer would damage is refused by name") {
  const std::string good = to_json(sample_metadata());
  const auto with = [&](std::string_view from, std::string_view to) {
    std::string json = good;
    const std::size_t at = json.find(from);
    REQUIRE(at != std::string::npos);
    return json.replace(at, from.size(), to);
  };
  const auto refused = [](const std::string& json, std::string_view why) {
    const auto parsed = parse_table_metadata(json);
    REQUIRE_FALSE(parsed.ok());
    CHECK(parsed.error().code() == ErrorCode::corrupt);
    CHECK(parsed.error().message().find(why) != std::string::npos);
  };
  CHECK(parse_table_metadata(with("{\"format", "{\"statistics\":[],\"format")).ok());
  refused(with("{\"format", "{\"statistics\":[{}],\"format"), "statistics");
  refused(with("version\":2", "version\":3"), "version 3");
  refused(with("\"decimal(18, 6)\"", "\"uuid\""), "uuid");
  refused(with("\"string\"", "{\"type\":\"list\"}"), "type");
  refused(with("\"day\"", "\"bucket[16]\""), "bucket");
  refused(with("\"asc\"", "\"desc\""), "sort field");
  refused(with("current-schema-id\":0", "current-schema-id\":9"), "current schema");
  refused(with("current-snapshot-id\":-1", "current-snapshot-id\":5"), "current snapshot");
  refused(good.substr(0, good.size() / 2), "not a JSON object");
  refused("", "not a JSON object");
}

TEST_CASE("a schema takes new columns, new names and wider numbers") {
  TableMetadata metadata = sample_metadata();
  TableSpec spec = sample_spec();
  CHECK(must(evolve(metadata, spec)) == Evolution::unchanged);
  spec.columns[2].name = "visitor";
  spec.columns[4].type = ColumnType::int64;
  spec.columns[0].required = false;
  spec.columns.insert(spec.columns.begin(), {6, "country", ColumnType::string, false, "New, and first."});
  spec.sort_ids = {3, 1};
  spec.doc = "Better said.";
  CHECK(must(evolve(metadata, spec)) == Evolution::changed);
  CHECK(metadata.current_schema_id == 1);
  CHECK(metadata.schemas.size() == 2);
  CHECK(metadata.schemas[0].columns.size() == 5);
  CHECK(metadata.last_column_id == 6);
  CHECK(metadata.default_sort_order_id == 2);
  CHECK(metadata.properties.at("comment") == "Better said.");
  CHECK(must(evolve(metadata, spec)) == Evolution::unchanged);
}

TEST_CASE("a change that old files or other readers cannot follow is an incompatible schema") {
  const auto refused = [](auto&& change) {
    TableMetadata metadata = sample_metadata();
    metadata.last_column_id = 8;  // Columns 6 to 8 were there once.
    TableSpec spec = sample_spec();
    change(spec);
    const auto evolved = evolve(metadata, spec);
    REQUIRE_FALSE(evolved.ok());
    CHECK(evolved.error().code() == ErrorCode::invalid_argument);
    CHECK(evolved.error().message().starts_with("incompatible schema: "));
  };
  refused([](TableSpec& spec) { spec.columns[2].type = ColumnType::int64; });
  refused([](TableSpec& spec) { spec.columns[2].required = true; });
  refused([](TableSpec& spec) { spec.columns.pop_back(); });
  refused([](TableSpec& spec) { spec.columns.push_back({7, "again", ColumnType::string, false, ""}); });
  refused([](TableSpec& spec) { spec.columns.push_back({9, "must", ColumnType::string, true, ""}); });
  refused([](TableSpec& spec) { spec.partition.pop_back(); });
  refused([](TableSpec& spec) { spec.partition[0].name = "other"; });
}

TEST_CASE("a spec that cannot be a table is refused") {
  const auto refused = [](auto&& change) {
    TableSpec spec = sample_spec();
    change(spec);
    CHECK(code_of(validate(spec)) == ErrorCode::invalid_argument);
  };
  CHECK(validate(sample_spec()).ok());
  refused([](TableSpec& spec) { spec.columns.clear(); });
  refused([](TableSpec& spec) { spec.columns[1].id = 1; });
  refused([](TableSpec& spec) { spec.columns[1].name = "event_time"; });
  refused([](TableSpec& spec) { spec.columns[1].name = "event type"; });
  refused([](TableSpec& spec) { spec.name = "../events"; });
  refused([](TableSpec& spec) { spec.partition[0].source_id = 99; });
  refused([](TableSpec& spec) { spec.partition[0].source_id = 2; });
  refused([](TableSpec& spec) { spec.partition[1].source_id = 5; });
  refused([](TableSpec& spec) { spec.partition[1].field_id = 1000; });
  refused([](TableSpec& spec) { spec.partition[0].field_id = 999; });
  refused([](TableSpec& spec) { spec.partition[0].name = "event_time"; });
  refused([](TableSpec& spec) { spec.sort_ids = {99}; });
}

}  // namespace
}  // namespace millrace::lake
