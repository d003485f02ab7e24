#include "lake/column_bounds.h"

#include <doctest/doctest.h>

using namespace millrace::lake;
using namespace std::string_literals;

TEST_CASE("bounds are written as Iceberg's single values") {
  CHECK(number_bound(ColumnType::int32, -2) == "\xfe\xff\xff\xff"s);
  CHECK(number_bound(ColumnType::date, 1) == "\x01\0\0\0"s);
  CHECK(number_bound(ColumnType::int64, 258) == "\x02\x01\0\0\0\0\0\0"s);
  CHECK(number_bound(ColumnType::boolean, 1) == "\1"s);
  CHECK(number_bound(ColumnType::boolean, 0) == "\0"s);
  CHECK(number_bound(ColumnType::timestamptz, 1'500'000) == "\x60\xe3\x16\0\0\0\0\0"s);
  CHECK(number_bound(ColumnType::decimal18_6, 127) == "\x7f"s);
  CHECK(number_bound(ColumnType::decimal18_6, 128) == "\x00\x80"s);
  CHECK(number_bound(ColumnType::decimal18_6, -1) == "\xff"s);
  CHECK(number_bound(ColumnType::decimal18_6, -129) == "\xff\x7f"s);
  CHECK_FALSE(number_bound(ColumnType::float64, 0).has_value());
}

TEST_CASE("text bounds are cut to sixteen characters, the upper one raised above what was cut") {
  CHECK(text_bound("abc", Bound::upper) == "abc"s);
  CHECK(text_bound("0123456789abcdefgh", Bound::lower) == "0123456789abcdef"s);
  CHECK(text_bound("0123456789abcdefgh", Bound::upper) == "0123456789abcdeg"s);
  CHECK(text_bound("ééééééééééééééééé", Bound::lower) == "éééééééééééééééé"s);
  CHECK(text_bound("aéééééééééééééééé", Bound::upper) == "b"s);
  CHECK_FALSE(text_bound("ééééééééééééééééé", Bound::upper).has_value());
}
