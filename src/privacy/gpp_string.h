#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "privacy/statement.h"
#include "privacy/tc_string.h"

namespace millrace::privacy {

// What a GPP string of the IAB says in the sections that we read: 2 tcfeuv2, 5 tcfcav1, 6 uspv1, 7 usnat and
// those of single states, 8 usca to 27 usri.
struct GppString {
  std::optional<TcString> tcf;
  std::optional<TcString> canada;
  bool us = false;       // It has a section of the United States.
  bool opt_out = false;  // Of sale, of sharing or of targeted advertising, in any of them.
  bool gpc = false;      // The browser's Global Privacy Control, as its site saw it.
  std::uint32_t sections = 0;
};

// Nothing when the header or a section that we read is malformed.
std::optional<GppString> decode_gpp_string(std::string_view text);

// "1YNN", the CCPA string that came before it. True when it opts out of sale; nothing when it is malformed.
std::optional<bool> decode_us_privacy(std::string_view text);

// An opt-out and a GPC deny marketing; a section of the United States without one grants everything.
Statement statement_of(const GppString& string);
Statement opted_out_of_sale(bool opted_out);

}  // namespace millrace::privacy
