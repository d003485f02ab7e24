#include "privacy/tc_string.h"

#include "privacy/bit_text.h"

namespace millrace::privacy {

namespace {

constexpr unsigned kPurposes = 24;
// Bits of the core segment, as "Consent string and vendor list formats v2" lays them out.
constexpr std::uint32_t kConsentsAt = 152;
constexpr std::uint32_t kCanadaExpressAt = 151;
constexpr std::uint32_t kSegmentTypeBits = 3;
constexpr std::uint32_t kPublisherSegment = 3;

// The first purpose is the first bit; here it becomes the lowest.
std::uint32_t take_purposes(BitText& bits) {
  const std::uint32_t taken = bits.take(kPurposes);
  std::uint32_t out = 0;
  for (unsigned i = 0; i < kPurposes; ++i) out |= ((taken >> (kPurposes - 1 - i)) & 1u) << i;
  return out;
}

std::string_view next_segment(std::string_view& rest) {
  const auto dot = rest.find('.');
  const auto segment = rest.substr(0, dot);
  rest = dot == std::string_view::npos ? std::string_view() : rest.substr(dot + 1);
  return segment;
}

}  // namespace

bool TcString::allows(int purpose) const {
  if (purpose == 1 && purpose_one_not_disclosed) return true;
  if (consents_to(purpose)) return true;
  const bool needs_consent = purpose == 1 || (purpose >= 3 && purpose <= 6);
  return !needs_consent && ((legitimate_interests >> (purpose - 1)) & 1u);
}

std::optional<TcString> decode_tc_string(std::string_view text) {
  BitText core(next_segment(text));
  if (core.take(6) != 2) return std::nullopt;
  core.seek(kConsentsAt);
  TcString out;
  out.consents = take_purposes(core);
  out.legitimate_interests = take_purposes(core);
  out.purpose_one_not_disclosed = core.flag();
  core.take(12);  // The publisher's country: a string cut off before it is none.
  if (!core.ok()) return std::nullopt;
  while (!text.empty()) {
    BitText segment(next_segment(text));
    if (segment.take(kSegmentTypeBits) != kPublisherSegment) continue;
    const std::uint32_t consents = take_purposes(segment);
    const std::uint32_t interests = take_purposes(segment);
    if (!segment.ok()) return std::nullopt;
    // Encoders write one of zeros where nobody filled it in.
    if ((consents | interests) == 0) continue;
    out.consents = consents;
    out.legitimate_interests = interests;
    out.of_publisher = true;
  }
  return out;
}

std::optional<TcString> decode_tcf_canada(std::string_view text) {
  BitText core(next_segment(text));
  if (core.take(6) != 1) return std::nullopt;
  core.seek(kCanadaExpressAt);
  TcString out;
  out.consents = take_purposes(core);
  out.legitimate_interests = take_purposes(core);
  if (!core.ok()) return std::nullopt;
  return out;
}

Statement statement_of(const TcString& string) {
  using event::Purpose;
  const bool storage = string.allows(1);
  Statement out;
  out.say(Purpose::necessary, true);
  out.say(Purpose::analytics, storage && string.allows(8) && string.allows(9));
  out.say(Purpose::personalisation, storage && string.allows(5) && string.allows(6));
  out.say(Purpose::marketing, storage && string.allows(3) && string.allows(4));
  return out;
}

}  // namespace millrace::privacy
