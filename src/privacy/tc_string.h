#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "privacy/statement.h"

namespace millrace::privacy {

// What a TC string of the IAB Europe TCF v2 (2.0 to 2.3) says of its purposes, whoever the vendor. Bit i is
// purpose i + 1.
struct TcString {
  std::uint32_t consents = 0;
  std::uint32_t legitimate_interests = 0;
  bool purpose_one_not_disclosed = false;  // The publisher's country does not ask for purpose 1.
  bool of_publisher = false;               // From the publisher's own segment.

  bool consents_to(int purpose) const { return (consents >> (purpose - 1)) & 1u; }
  // Consent, or a legitimate interest where the policies allow one: not for purposes 1 and 3 to 6.
  bool allows(int purpose) const;
};

// A shop is the publisher: where the string has a publisher's segment with anything in it, that counts, else
// the core. Nothing when it is malformed or of TCF v1.
std::optional<TcString> decode_tc_string(std::string_view text);

// Of TCF Canada v1: express consent as consent, implied consent as a legitimate interest.
std::optional<TcString> decode_tcf_canada(std::string_view text);

// analytics: 1, 8 and 9 (storage, measuring content, understanding audiences); personalisation: 1, 5 and 6
// (profiles for and selection of content); marketing: 1, 3 and 4 (profiles for and selection of advertising).
Statement statement_of(const TcString& string);

}  // namespace millrace::privacy
