#include "tools/csv.h"

#include <doctest/doctest.h>

#include "base/random.h"

using millrace::tools::CsvReader;

namespace {

using Row = std::vector<std::string>;

std::vector<Row> rows_of(std::string_view text) {
  CsvReader reader(text);
  std::vector<Row> rows;
  Row row;
  while (reader.next(row)) rows.push_back(row);
  return rows;
}

}  // namespace

TEST_CASE("fields end at commas and rows at line breaks of either kind") {
  CHECK(rows_of("a,b\nc,d\n") == std::vector<Row>{{"a", "b"}, {"c", "d"}});
  CHECK(rows_of("a,b\r\nc,d") == std::vector<Row>{{"a", "b"}, {"c", "d"}});
  CHECK(rows_of(",\n") == std::vector<Row>{{"", ""}});
  CHECK(rows_of("\n\nx") == std::vector<Row>{{""}, {""}, {"x"}});
  CHECK(rows_of("").empty());
}

TEST_CASE("quoted fields may hold commas, quotes and line breaks") {
  CHECK(rows_of("\"a,b\",\"say \"\"hi\"\"\",\"two\nlines\"\nnext,\"\"\n") ==
        std::vector<Row>{{"a,b", "say \"hi\"", "two\nlines"}, {"next", ""}});
}

TEST_CASE("a quote that is never closed takes the rest, once") {
  CHECK(rows_of("a,\"b\nc,d\n") == std::vector<Row>{{"a", "b\nc,d\n"}});
}

TEST_CASE("a field that does not begin with a quote may have quotes") {
  CHECK(rows_of("5\" pipe,\"a\"\n") == std::vector<Row>{{"5\" pipe", "a"}});
}

TEST_CASE("another delimiter may stand between fields, and the reader knows of a quote left open") {
  Row row;
  CsvReader closed("a,b;\"c;d\"", ';');
  REQUIRE(closed.next(row));
  CHECK(row == Row{"a,b", "c;d"});
  CHECK_FALSE(closed.ended_in_quotes());
  CsvReader open("a;\"b", ';');
  REQUIRE(open.next(row));
  CHECK(open.ended_in_quotes());
}

TEST_CASE("what is written by the rules reads as it was") {
  const std::uint64_t seed = 4;
  INFO("seed " << seed);
  millrace::base::SeededRandom random(seed);
  constexpr std::string_view kCharacters = "ab,\"\n ;\xc3\xa4";
  for (int round = 0; round < 300; ++round) {
    std::vector<Row> wanted(1 + random.below(5), Row(1 + random.below(4)));
    std::string text;
    for (Row& row : wanted) {
      for (std::string& field : row) {
        for (std::uint64_t i = random.below(8); i > 0; --i)
          field += kCharacters[random.below(kCharacters.size())];
        if (text.size() > 0 && &field != &row.front()) text += ',';
        text += '"';
        for (const char c : field) text.append(c == '"' ? 2 : 1, c);
        text += '"';
      }
      text += '\n';
    }
    CHECK(rows_of(text) == wanted);
  }
}
