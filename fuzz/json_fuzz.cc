// Whatever text is taken for JSON: what the tape takes is what simdjson takes, but for the tape's own limits and for numbers, which the
// tape leaves as they are written; pointers lead back to their nodes, and a repaired item is JSON again.

#include <simdjson.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "contract/item_fix.h"
#include "contract/json_document.h"
#include "contract/number.h"

namespace {

using namespace millrace;

// Not every number fits a double or 64 bits.
bool is_number_fault(simdjson::error_code code) {
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
  if (taken) INVARIANT(code == simdjson::SUCCESS || is_number_fault(code));
  if (code == simdjson::SUCCESS) INVARIANT(taken || limited);
}

void walk(const contract::JsonDocument& document) {
  const auto& tape = document.tape();
  std::int64_t budget = 100'000;
  for (std::uint32_t i = 0; i < tape.size() && i < 64; ++i) {
    const auto pointer = contract::pointer_to(tape, i);
    const auto found = contract::node_at(tape, 0, pointer);
    // Of members of one name the last is found.
    INVARIANT(found != contract::kNoNode);
    if (found == i) INVARIANT(contract::equal_values(tape, i, tape, found, budget) || budget <= 0);
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
