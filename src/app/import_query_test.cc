#include "app/import_query.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "app/webhook_mapping_file.h"
#include "lake/duck.h"
#include "process/scratch_directory.h"

using namespace millrace;
using namespace millrace::app;

namespace {

struct Reader {
  explicit Reader(const process::ScratchDirectory& scratch) {
    lake::DuckSettings settings;
    settings.readable_directories = {scratch.path()};
    auto opened = lake::DuckDatabase::open(settings);
    REQUIRE(opened.ok());
    database = *std::move(opened);
    connection = *database->connect();
  }
  std::unique_ptr<lake::DuckDatabase> database;
  std::unique_ptr<lake::DuckConnection> connection;
};

std::string write(const process::ScratchDirectory& scratch, const std::string& name,
                  std::string_view content) {
  const std::string path = scratch.path() + "/" + name;
  std::ofstream(path, std::ios::binary) << content;
  return path;
}

// The items that a file becomes.
std::vector<std::string> items_of(const process::ScratchDirectory& scratch, const std::string& name,
                                  std::string_view content, std::string_view mapping_text) {
  const std::string path = write(scratch, name, content);
  const auto mapping = parse_mapping(mapping_text, "mapping.toml");
  REQUIRE(mapping.ok());
  const Reader reader(scratch);
  const auto file = open_import_file(*reader.connection, path);
  if (!file.ok()) FAIL(file.error().message());
  if (file->format != ImportFormat::json) {
    const auto fits = check_columns(*reader.connection, *mapping, *file);
    if (!fits.ok()) FAIL(fits.error().message());
  }
  if (file->format == ImportFormat::csv) CHECK(check_lines(*reader.connection, *file).ok());
  const auto query = import_query(*mapping, *file);
  REQUIRE(query.ok());
  auto result = reader.connection->query(*query);
  CAPTURE(*query);
  if (!result.ok()) FAIL(result.error().message());
  CHECK_EQ(duckdb_column_count(&result->handle()), 2);
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

// Why the file cannot be imported; empty when it can.
std::string refusal_of(const process::ScratchDirectory& scratch, const std::string& name,
                       std::string_view content, std::string_view mapping_text) {
  const std::string path = write(scratch, name, content);
  const auto mapping = parse_mapping(mapping_text, "mapping.toml");
  REQUIRE(mapping.ok());
  const Reader reader(scratch);
  const auto file = open_import_file(*reader.connection, path);
  if (!file.ok()) return file.error().message();
  const auto fits = check_columns(*reader.connection, *mapping, *file);
  if (!fits.ok()) return fits.error().message();
  if (file->format != ImportFormat::csv) return "";
  const auto lines = check_lines(*reader.connection, *file);
  return lines.ok() ? "" : lines.error().message();
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

TEST_CASE("short lines of CSV end in nulls, and cells may hold line breaks and quotes") {
  process::ScratchDirectory scratch;
  const auto items =
      items_of(scratch, "ragged.csv", "no,who,sum\r\n1,\"u\r\n1\"\r\n2,u2,3\r\n3,\"u\"\"3\",4\r\n",
               "[fields]\norder_id = \"/no\"\nuser_id = \"/who\"\ntotal = \"/sum\"\n");
  REQUIRE(items.size() == 3);
  CHECK(items[0] ==
        R"({"event":"other","properties":{"order_id":"1","total":null},"type":"track","userId":"u\r\n1"})");
  CHECK(items[1] ==
        R"({"event":"other","properties":{"order_id":"2","total":"3"},"type":"track","userId":"u2"})");
  CHECK(items[2] ==
        R"({"event":"other","properties":{"order_id":"3","total":"4"},"type":"track","userId":"u\"3"})");
}

TEST_CASE("the first line of CSV says what stands between cells, with a byte order mark or without") {
  process::ScratchDirectory scratch;
  constexpr std::string_view kMapping = "[fields]\norder_id = \"/no\"\ntotal = \"/The Sum\"\n";
  const std::string expected =
      R"({"event":"other","properties":{"order_id":"1","total":"12,50"},"type":"track"})";
  for (const auto& [name, content] :
       std::vector<std::pair<std::string, std::string>>{{"semicolons.csv", "no;the sum\n1;12,50\n"},
                                                        {"tabs.tsv", "no\tthe sum\n1\t12,50"},
                                                        {"bars.csv", "no|\"the sum\"\n1|\"12,50\"\n"},
                                                        {"mark.csv", "\xef\xbb\xbfno,the sum\n1,\"12,50\"\n"},
                                                        {"old[1]*?.csv", "no,,the sum\r1,,\"12,50\"\r"}}) {
    CAPTURE(name);
    CHECK(items_of(scratch, name, content, kMapping) == std::vector<std::string>{expected});
  }
}

TEST_CASE("a mapping that does not fit the columns is refused with what there is") {
  process::ScratchDirectory scratch;
  const auto refused = [&](std::string_view mapping) {
    return refusal_of(scratch, "orders.csv", "no,who\n1,anna\n", mapping);
  };
  CHECK(refused("[fields]\norder_id = \"/No\"\n").empty());
  CHECK(
      refused("group = \"/order_no\"\n") ==
      R"(the mapping says group = "/order_no", and there is no column "order_no"; the columns are no, who. )"
      "Correct the mapping, or the first line of the file");
  CHECK(
      refused("[lines]\nprice = \"/sum\"\n").find(R"(lines.price = "/sum", and there is no column "sum")") !=
      std::string::npos);
  CHECK(refused("[fields]\ntotal = \"/who/x\"\n")
            .find(R"(fields.total = "/who/x" leads nowhere in the column "who", which is VARCHAR)") !=
        std::string::npos);
  CHECK(refused("[lines]\narray = \"/who\"\nprice = \"/p\"\n")
            .find(R"(lines.array = "/who" takes an array, and the column "who" is VARCHAR)") !=
        std::string::npos);
  CHECK(refused("time = \"no\"\n").find("is no pointer to a column") != std::string::npos);
}

TEST_CASE("lines of CSV that cannot be read are told by their number, before anything is sent") {
  process::ScratchDirectory scratch;
  const auto refused = [&](std::string_view content) {
    return refusal_of(scratch, "orders.csv", content, "[fields]\norder_id = \"/no\"\n");
  };
  CHECK(refused("no,sum\n1,2\n").empty());
  CHECK(refused("no,sum\n1,2\n2,12,50\n3,1\n4,1,5\n")
            .find("line 3: it has more cells than the 2 columns that the first line names") == 0);
  CHECK(refused("no,sum\n1,2\n2,12,50,60\n3,1\n4,1,5\n").find("2 of its lines cannot be read") !=
        std::string::npos);
  CHECK(refused("no,sum\n1,2\n2,\"1\n3,1\n").find("line 3: a quote is opened and not closed") == 0);
  CHECK(refused("no,sum\n1,\"x\"y\n").find("line 2: something stands behind a closing quote") == 0);
  CHECK(refused("no,sum\r\n1,\"a\r\nb\"\r\n2,5\" pipe\r\n3,\"\"\"\"\r\n").empty());
  CHECK(refused("no,sum\r\n1,\"a\r\nb\r\nc\"\r\n2,1,2\r\n").find("line 5: it has more cells") == 0);
  CHECK(refused("no,sum\n1,2\n2,M\xfcller\n").find("line 3: it is not UTF-8") == 0);
  CHECK(refused("").find("is empty") == 0);
  CHECK(refused("no,No\n1,2\n").find("two columns") != std::string::npos);
  CHECK(refused("no,\"sum\n1,2\n").find("a quote that is not closed") != std::string::npos);
  CHECK(refused(std::string_view("\xff\xfen\0o\0", 6)).find("is UTF-16") == 0);
  CHECK(refused("\x1f\x8b\x08 and then nothing").find("is compressed") == 0);
  CHECK(refusal_of(scratch, "orders.csv.gz", "no\n1\n", "").find("is not compressed") == 0);
}

TEST_CASE("what is no file, or no Parquet, says so") {
  process::ScratchDirectory scratch;
  const Reader reader(scratch);
  const auto refused = [&](const std::string& name) {
    const auto file = open_import_file(*reader.connection, scratch.path() + "/" + name);
    REQUIRE_FALSE(file.ok());
    return file.error().message();
  };
  CHECK(refused("none.csv") == "No such file or directory");
  std::filesystem::create_directory(scratch.path() + "/d.csv");
  CHECK(refused("d.csv").find("is a directory") == 0);
  CHECK(refused("a.txt").find("is neither .csv") == 0);
  CHECK(refusal_of(scratch, "a.parquet", "no,who\n1,2\n", "").find("is no Parquet file") == 0);
  CHECK(refusal_of(scratch, "a.parquet", "PAR1 and the rest is missing", "").find("is cut off") == 0);
  CHECK(refusal_of(scratch, "a.parquet", "PAR1 damaged in the middle PAR1", "").find("is damaged") == 0);
}

TEST_CASE("a mapping that does not fit Parquet's types is refused with the types") {
  process::ScratchDirectory scratch;
  const Reader reader(scratch);
  const std::string path = scratch.path() + "/orders.parquet";
  REQUIRE(
      reader.connection
          ->execute("COPY (SELECT 7 AS no, {'mail': 'a@b.test'} AS who, [{'sku': 'a', 'n': 2}] AS rows) TO " +
                    lake::sql_quote(path) + " (FORMAT parquet)")
          .ok());
  const auto file = open_import_file(*reader.connection, path);
  REQUIRE(file.ok());
  const auto refused = [&](std::string_view text) {
    const auto fits = check_columns(*reader.connection, *parse_mapping(text, "m"), *file);
    return fits.ok() ? std::string() : fits.error().message();
  };
  CHECK(refused("[fields]\nemail = \"/who/mail\"\n[lines]\narray = \"/rows\"\nproduct_id = \"/sku\"\n")
            .empty());
  CHECK(
      refused("[fields]\nemail = \"/who/email\"\n")
          .find(
              R"(fields.email = "/who/email" leads nowhere in the column "who", which is STRUCT(mail VARCHAR))") !=
      std::string::npos);
  CHECK(refused("[lines]\narray = \"/no\"\nproduct_id = \"/sku\"\n")
            .find(R"(takes an array, and the column "no" is INTEGER)") != std::string::npos);
  CHECK(
      refused("[lines]\narray = \"/rows\"\nproduct_id = \"/id\"\n")
          .find(
              R"(lines.product_id = "/id" leads nowhere in the column "rows", which is STRUCT(sku VARCHAR, n INTEGER)[])") !=
      std::string::npos);
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
}
