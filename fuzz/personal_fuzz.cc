// Whatever bytes an item has: the scan reads nothing outside them, what it finds is in order, and what was JSON is JSON when its personal values are
// tokens, without a card number left.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/random.h"
#include "base/result.h"
#include "privacy/personal_gate.h"

using namespace millrace;
using namespace millrace::privacy;

namespace {

bool is_json(std::string_view text) {
  collect::JsonIndex index;
  collect::JsonTape tape;
  return index.scan(text) == collect::JsonFault::none && tape.build(index, 0) == collect::TapeFault::none &&
         tape.end_token() == index.size();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static base::SeededRandom random(1);
  static KeyRing ring(Keys::make(random, {1}));
  static PrivacyCounters counters;
  const std::string text(reinterpret_cast<const char*>(data), size);
  static PersonalScan scan;
  static std::vector<PersonalSpan> found;
  scan.find(text, kAllPersonal, found);
  std::size_t done = 0;
  for (const auto& span : found) {
    INVARIANT(span.from >= done && span.to > span.from && span.to <= text.size());
    done = span.to;
  }
  // One for all inputs, as for all items of a thread.
  static const PersonalRules rules{kAllPersonal, {{"traits.name"}, {"*.age", FieldRule::Action::remove}}};
  static PersonalGate gate(rules, ring, counters);
  event::Event event;
  event.raw = text;
  event[event::Text::query] = event.raw.substr(size / 3, size / 3);
  const bool json = is_json(text);
  (void)gate.inspect(event);
  INVARIANT(!json || is_json(event.raw));
  scan.find(event.raw, bit(Personal::card), found);
  INVARIANT(found.empty());
  const auto query = event[event::Text::query];
  INVARIANT(query.empty() || (query.data() >= event.raw.data() &&
                              query.data() + query.size() <= event.raw.data() + event.raw.size()));
  return 0;
}
