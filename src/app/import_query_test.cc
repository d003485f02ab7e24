#include "app/import_query.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "app/webhook_mapping_file.h"
#include "lake/duck.h"
#include "process/scratch_directory.h"

using namespace millrace;
using namespace millrace::app;

namespace {

// The items that a file becomes.
std::vector<std::string> items_of(const process::ScratchDirectory& scratch, const std::string& name,
                                  std::string_view content, std::string_view mapping_text) {
  const std::string path = scratch.path() + "/" + name;
  std::ofstream(path, std::ios::binary) << content;
  const auto mapping = parse_mapping(mapping_text, "mapping.toml");
  REQUIRE(mapping.ok());
  const auto format = import_format(path);
  REQUIRE(format.ok());
  const auto query = import_query(*mapping, path, *format);
  REQUIRE(query.ok());
  lake::DuckSettings settings;
  settings.readable_directories = {scratch.path()};
  const auto database = lake::DuckDatabase::open(settings);
  REQUIRE(database.ok());
  const auto connection = (*database)->connect();
  REQUIRE(connection.ok());
  auto result = (*connection)->query(*query);
  CAPTURE(*query);
  if (!result.ok()) FAIL(result.error().message());
  std::vector<std::string> items;
  while (true) {
    const lake::DuckChunk chunk(result->next_chunk());
    if (!chunk) break;
    auto* const texts =
        static_cast<duckdb_string_t*>(duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk.get(), 0)));
    for (idx_t row = 0; row < duckdb_data_chunk_get_size(chunk.get()); ++row) {
      items.emplace_back(duckdb_string_t_data(&texts[row]), duckdb_string_t_length(texts[row]));
    }
  }
  std::sort(items.begin(), items.end());
  return items;
}

}  // namespace

TEST_CASE("a row of a CSV file is an item") {
  process::ScratchDirectory scratch;
  const auto items =
      items_of(scratch, "orders.csv",
               "no,who,when,what,sum\n7,u1,2026-01-02 03:04:05,paid,\"12,50\"\n8,u'2,,other thing,\n",
               R"(
event = "/what"
time = "/when"
[events]
paid = "order_completed"
[fields]
order_id = "/no"
user_id = "/who"
total = "/sum"
)");
  REQUIRE(items.size() == 2);
  CHECK(items[0] == R"({"event":"order_completed","properties":{"order_id":"7","total":"12,50"},)"
                    R"("timestamp":"2026-01-02 03:04:05","type":"track","userId":"u1"})");
  CHECK(items[1] == R"({"event":"other thing","properties":{"order_id":"8","total":null},)"
                    R"("timestamp":null,"type":"track","userId":"u'2"})");
}

TEST_CASE("rows of one group are the lines of one item") {
  process::ScratchDirectory scratch;
  const auto items = items_of(scratch, "lines.csv", "no,sku,n\n1,a,2\n2,c,1\n1,b,1\n", R"(
group = "/no"
[events]
order = "order_completed"
[fields]
order_id = "/no"
user_id = "/no"
[lines]
product_id = "/sku"
quantity = "/n"
)");
  REQUIRE(items.size() == 2);
  CHECK(
      items[0] ==
      R"({"event":"order_completed","properties":{"order_id":"1","products":[)"
      R"({"product_id":"a","quantity":"2"},{"product_id":"b","quantity":"1"}]},"type":"track","userId":"1"})");
}

TEST_CASE("JSON lines, with members of objects and arrays of products") {
  process::ScratchDirectory scratch;
  const auto items =
      items_of(scratch, "orders.jsonl",
               R"({"id":1,"who":{"mail":"a@b.test","no":"u"},"rows":[{"sku":"a","n":2},{"sku":"b","n":1}]})",
               R"(
[events]
order = "order_completed"
[fields]
order_id = "/id"
user_id = "/who/no"
email = "/who/mail"
[lines]
array = "/rows"
product_id = "/sku"
quantity = "/n"
)");
  REQUIRE(items.size() == 1);
  CHECK(
      items[0].find(R"("products":[{"product_id":"a","quantity":"2"},{"product_id":"b","quantity":"1"}])") !=
      std::string::npos);
  CHECK(items[0].find(R"("traits":{"email":"a@b.test"})") != std::string::npos);
}

TEST_CASE("what JSON lines say is taken as it is written, whatever it looks like") {
  process::ScratchDirectory scratch;
  constexpr std::string_view kLines =
      R"({"id":"550E8400-E29B-41D4-A716-446655440000","at":"2026-1-2","sku":"q","n":2})"
      "\n"
      R"({"id":12345678901234567890,"at":1767312000000,"sku":7,"n":"2","sum":2.5})"
      "\nno JSON\n{\"id\":\"cut";
  constexpr std::string_view kMapping = R"(
time = "/at"
[fields]
user_id = "/id"
total = "/sum"
[lines]
product_id = "/sku"
quantity = "/n"
)";
  const auto items = items_of(scratch, "mixed.jsonl", kLines, kMapping);
  REQUIRE(items.size() == 2);
  CHECK(items[1] ==
        R"({"event":"other","properties":{"products":[{"product_id":"q","quantity":"2"}],"total":null},)"
        R"("timestamp":"2026-1-2","type":"track","userId":"550E8400-E29B-41D4-A716-446655440000"})");
  CHECK(items[0] ==
        R"({"event":"other","properties":{"products":[{"product_id":"7","quantity":"2"}],"total":"2.5"},)"
        R"("timestamp":"1767312000000","type":"track","userId":"12345678901234567890"})");
}

TEST_CASE("short and long lines of CSV cost nothing but themselves") {
  process::ScratchDirectory scratch;
  const auto items =
      items_of(scratch, "ragged.csv", "no,who,sum\r\n1,\"u\r\n1\"\r\n2,u2,3,extra\r\n3,u3,4\r\n",
               "[fields]\norder_id = \"/no\"\nuser_id = \"/who\"\ntotal = \"/sum\"\n");
  REQUIRE(items.size() == 3);
  CHECK(items[0] ==
        R"({"event":"other","properties":{"order_id":"1","total":null},"type":"track","userId":"u\r\n1"})");
  CHECK(items[1] ==
        R"({"event":"other","properties":{"order_id":"2","total":"3"},"type":"track","userId":"u2"})");
}

TEST_CASE("a Parquet file, with times and decimals of its own") {
  process::ScratchDirectory scratch;
  lake::DuckSettings settings;
  settings.readable_directories = {scratch.path()};
  const auto database = lake::DuckDatabase::open(settings);
  REQUIRE(database.ok());
  const auto connection = (*database)->connect();
  REQUIRE(connection.ok());
  const std::string path = scratch.path() + "/orders.parquet";
  const auto written = (*connection)
                           ->execute(
                               "COPY (SELECT 7 AS no, TIMESTAMP '2026-01-02 03:04:05.678' AS at, "
                               "12.50::DECIMAL(9,2) AS sum) TO " +
                               lake::sql_quote(path) + " (FORMAT parquet)");
  if (!written.ok()) FAIL(written.error().message());
  std::ifstream file(path, std::ios::binary);
  const std::string content((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const auto items = items_of(scratch, "copy.parquet", content, R"(
time = "/at"
[events]
order = "order_completed"
[fields]
order_id = "/no"
user_id = "/no"
revenue = "/sum"
)");
  REQUIRE(items.size() == 1);
  CHECK(items[0] == R"({"event":"order_completed","properties":{"order_id":"7","revenue":"12.50"},)"
                    R"("timestamp":"2026-01-02 03:04:05.678","type":"track","userId":"7"})");
}

TEST_CASE("a mapping file says what it means or is refused") {
  CHECK(parse_mapping("items = \"/a\"\n[signature]\nheader = \"H\"\ncoding = \"base64\"\n", "m").ok());
  for (const std::string_view text :
       {"x = 1", "items = 1", "[signature]\ncoding = \"md5\"", "[fields]\na = 1", "fields = 1", "["}) {
    CAPTURE(text);
    CHECK_FALSE(parse_mapping(text, "m").ok());
  }
  CHECK_FALSE(import_format("a.txt").ok());
}
