// Whatever text is taken for JSON: what the tape takes is what simdjson takes, but for the tape's own limits and what it reads more
// mildly; pointers lead back to their nodes, and a repaired item is JSON again.

#include <simdjson.h>

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "contract/item_fix.h"
#include "contract/json_document.h"
#include "contract/number.h"

namespace {

using namespace millrace;

// What the tape takes and simdjson does not: numbers that fit neither a double nor 64 bits, and halves of surrogate pairs.
bool is_ours(simdjson::error_code code, const std::string& text) {
  if (code == simdjson::STRING_ERROR)
    return text.find("\\ud") != std::string::npos || text.find("\\uD") != std::string::npos;
  return code == simdjson::NUMBER_ERROR || code == simdjson::NUMBER_OUT_OF_RANGE;
}

void compare_with_simdjson(const std::string& text) {
  collect::JsonIndex index;
  collect::JsonTape tape;
  const bool scanned = index.scan(text) == collect::JsonFault::none;
  const auto fault = scanned ? tape.build(index, 0) : collect::TapeFault::invalid_json;
  const bool taken = fault == collect::TapeFault::none && tape.end_token() == index.size();
  const bool limited =
      fault == collect::TapeFault::nested_too_deep || fault == collect::TapeFault::too_many_values;
  simdjson::dom::parser parser;
  const auto code = parser.parse(text).error();
  if (taken) INVARIANT(code == simdjson::SUCCESS || is_ours(code, text));
  if (code == simdjson::SUCCESS) INVARIANT(taken || limited);
}

bool has_duplicate_keys(const collect::JsonTape& tape) {
  for (std::uint32_t i = 0; i < tape.size(); ++i) {
    if (tape[i].kind != collect::JsonKind::object) continue;
    std::set<std::string_view> keys;
    for (std::uint32_t member = i + 1; member < tape[i].end; member = tape[member].end)
      if (!keys.insert(tape[member].key).second) return true;
  }
  return false;
}

void walk(const contract::JsonDocument& document) {
  const auto& tape = document.tape();
  const bool ambiguous = has_duplicate_keys(tape);
  std::int64_t budget = 100'000;
  for (std::uint32_t i = 0; i < tape.size() && i < 64; ++i) {
    const auto found = contract::node_at(tape, 0, contract::pointer_to(tape, i));
    // Of members of one name the last is found.
    INVARIANT(found == i || ambiguous);
    INVARIANT(ambiguous || contract::equal_values(tape, i, tape, i, budget) || budget <= 0);
    if (tape[i].kind == collect::JsonKind::number) {
      const contract::Number number(tape[i].text);
      INVARIANT(compare(number, number) == 0);
      (void)number.to_double();
    }
  }
  (void)contract::hash_value(tape, 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string input(reinterpret_cast<const char*>(data), size);
  const std::size_t cut = input.find('\0');
  const std::string text = input.substr(0, cut);
  compare_with_simdjson(text);
  contract::JsonDocument document;
  if (!document.read(text).ok()) return 0;
  walk(document);
  if (cut == std::string::npos) return 0;
  // Behind the NUL: the fixes of an item.
  const std::string rest = input.substr(cut + 1);
  contract::JsonDocument list;
  if (!list.read(rest).ok()) return 0;
  const auto fixes = contract::read_fixes(list.tape(), 0);
  if (!fixes.ok()) return 0;
  const auto fixed = contract::apply_fixes(text, *fixes);
  if (fixed.ok()) INVARIANT(document.read(*fixed).ok());
  return 0;
}
