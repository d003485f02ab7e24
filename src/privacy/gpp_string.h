#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "privacy/statement.h"
#include "privacy/tc_string.h"

namespace millrace::privacy {

// What a GPP string of the IAB says in the sections that we read: 2 tcfeuv2, 5 tcfcav1, 6 uspv1, 7 usnat and
// those of single states, 8 usca to 23 usmn. Sections 24 usmd to 27 usri begin with a header of their own, whose form is not settled:
// its first edition named subsection 0 in a code that has no 0, and nothing writes them.
struct GppString {
  std::optional<TcString> tcf;
  std::optional<TcString> canada;
  bool us = false;       // It has a section of the United States.
  bool opt_out = false;  // Of sale, of sharing or of targeted advertising, in any of them.
  bool chosen = false;   // One of these is a choice, and not "not applicable".
  bool gpc = false;      // The browser's Global Privacy Control, as its site saw it.
  bool unread =
      false;  // It has a section that we do not read, or one of an edition after those that we know.
  std::uint32_t sections = 0;
};

// Nothing when the header or a section that we read is malformed.
std::optional<GppString> decode_gpp_string(std::string_view text);

// "1YNN", the CCPA string that came before it; "1---" where that law does not apply, which is what sites
// send for visitors from elsewhere. Nothing when it is malformed.
enum class SaleChoice : std::uint8_t { not_applicable, opted_out, allowed };
std::optional<SaleChoice> decode_us_privacy(std::string_view text);

// An opt-out and a GPC deny marketing, and so does a section that cannot be read: it may be one; a choice not to opt out grants everything;
// a law that does not apply says nothing.
Statement statement_of(const GppString& string);
Statement statement_of(SaleChoice choice);

}  // namespace millrace::privacy
