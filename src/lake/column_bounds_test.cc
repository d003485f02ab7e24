#include <doctest/doctest.h>

#include "lake/parquet_writer.h"

using namespace millrace::lake;
using namespace std::string_literals;

TEST_CASE("bounds are written as Iceberg's single values") {
  CHECK(bound_bytes(ColumnType::int32, "-2", Bound::lower) == "\xfe\xff\xff\xff"s);
  CHECK(bound_bytes(ColumnType::int64, "258", Bound::upper) == "\x02\x01\0\0\0\0\0\0"s);
  CHECK(bound_bytes(ColumnType::boolean, "1", Bound::upper) == "\1"s);
  CHECK(bound_bytes(ColumnType::boolean, "0", Bound::lower) == "\0"s);
  CHECK(bound_bytes(ColumnType::timestamptz, "1970-01-01 00:00:01.5+00", Bound::lower) ==
        "\x60\xe3\x16\0\0\0\0\0"s);
  CHECK(bound_bytes(ColumnType::decimal18_6, "0.000127", Bound::lower) == "\x7f"s);
  CHECK(bound_bytes(ColumnType::decimal18_6, "0.000128", Bound::lower) == "\x00\x80"s);
  CHECK(bound_bytes(ColumnType::decimal18_6, "-0.000001", Bound::lower) == "\xff"s);
  CHECK(bound_bytes(ColumnType::decimal18_6, "-0.000129", Bound::lower) == "\xff\x7f"s);
  for (const auto type : {ColumnType::int32, ColumnType::int64, ColumnType::decimal18_6,
                          ColumnType::timestamptz, ColumnType::boolean}) {
    CHECK_FALSE(bound_bytes(type, "x", Bound::lower).has_value());
  }
  CHECK_FALSE(bound_bytes(ColumnType::binary, "00", Bound::lower).has_value());
}

TEST_CASE("text bounds are cut to sixteen characters, the upper one raised above what was cut") {
  CHECK(bound_bytes(ColumnType::string, "abc", Bound::upper) == "abc"s);
  CHECK(bound_bytes(ColumnType::string, "0123456789abcdefgh", Bound::lower) == "0123456789abcdef"s);
  CHECK(bound_bytes(ColumnType::string, "0123456789abcdefgh", Bound::upper) == "0123456789abcdeg"s);
  CHECK(bound_bytes(ColumnType::string, "ééééééééééééééééé", Bound::lower) == "éééééééééééééééé"s);
  CHECK(bound_bytes(ColumnType::string, "aéééééééééééééééé", Bound::upper) == "b"s);
  CHECK_FALSE(bound_bytes(ColumnType::string, "ééééééééééééééééé", Bound::upper).has_value());
}
