#include "lake/offset_ranges.h"

#include <doctest/doctest.h>

namespace millrace::lake {
namespace {

using base::ErrorCode;

OffsetRange range(event::Topic topic, std::uint32_t partition, std::uint64_t from, std::uint64_t to) {
  return {{topic, partition}, {from}, {to}};
}

TEST_CASE("offsets are told as JSON that reads back") {
  const CommittedOffsets offsets = {{{event::Topic::events, 0}, {25}},
                                    {{event::Topic::events, 12}, {UINT64_MAX}},
                                    {{event::Topic::facts, 3}, {0}}};
  CHECK(to_json(offsets) == R"({"events/0":25,"events/12":18446744073709551615,"facts/3":0})");
  CHECK(*parse_committed_offsets(to_json(offsets)) == offsets);
  CHECK(parse_committed_offsets("{}")->empty());
  CHECK(to_json(OffsetRanges{range(event::Topic::events, 1, 10, 25)}) == R"({"events/1":[10,25]})");
}

TEST_CASE("offsets that are not offsets are corrupt") {
  for (const char* json : {"", "[]", R"({"events":1})", R"({"nothing/0":1})", R"({"events/x":1})",
                           R"({"events/0":-1})", R"({"events/0":"1"})", R"({"events/4294967296":1})"}) {
    CAPTURE(json);
    const auto parsed = parse_committed_offsets(json);
    REQUIRE_FALSE(parsed.ok());
    CHECK(parsed.error().code() == ErrorCode::corrupt);
  }
}

TEST_CASE("a range continues what is committed or is refused by name") {
  const CommittedOffsets committed = {{{event::Topic::events, 0}, {10}}};
  const auto after =
      advance(committed, {range(event::Topic::events, 0, 10, 15), range(event::Topic::facts, 0, 7, 8)});
  REQUIRE(after.ok());
  CHECK(after->at({event::Topic::events, 0}).value == 15);
  CHECK(after->at({event::Topic::facts, 0}).value ==
        8);  // May begin anywhere: the journal may have been trimmed.

  const auto code = [&](std::uint64_t from, std::uint64_t to) {
    return advance(committed, {range(event::Topic::events, 0, from, to)}).error().code();
  };
  CHECK(code(0, 10) == ErrorCode::conflict);
  CHECK(code(9, 20) == ErrorCode::conflict);
  CHECK(code(11, 20) == ErrorCode::invalid_argument);
  CHECK(code(10, 10) == ErrorCode::invalid_argument);
  CHECK(code(12, 10) == ErrorCode::invalid_argument);
  CHECK_FALSE(
      advance(committed, {range(event::Topic::events, 0, 10, 11), range(event::Topic::events, 0, 11, 12)})
          .ok());
}

}  // namespace
}  // namespace millrace::lake
