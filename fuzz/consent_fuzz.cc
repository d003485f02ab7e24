// Whatever stands where a consent string should: the decoders read nothing outside it, and what they grant and deny is of our purposes.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "base/result.h"
#include "privacy/consent_reader.h"
#include "privacy/google_consent.h"
#include "privacy/gpp_string.h"
#include "privacy/tc_string.h"

using namespace millrace;
using namespace millrace::privacy;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto check = [](const Statement& statement) {
    INVARIANT(((statement.granted | statement.denied) & ~event::Purposes::kAll) == 0);
  };
  if (const auto decoded = decode_tc_string(text)) check(statement_of(*decoded));
  if (const auto decoded = decode_gpp_string(text)) check(statement_of(*decoded));
  if (const auto decoded = decode_gcs(text)) check(*decoded);
  if (const auto decoded = decode_gcd(text)) check(*decoded);
  (void)decode_us_privacy(text);
  const ConsentRules rules;
  PrivacyCounters counters;
  ConsentReader reader(rules, counters);
  event::Event event;
  event[event::Text::extra] = text;
  check(reader.read(event));
  return 0;
}
