#pragma once

#include <optional>
#include <string_view>

#include "privacy/statement.h"

namespace millrace::privacy {

// "G1xy": x ad_storage, y analytics_storage; 1 granted, 0 denied, - not set. Personalisation needs both.
std::optional<Statement> decode_gcs(std::string_view text);

// "11p1q1r1t5": a letter for each of ad_storage, analytics_storage, ad_user_data, ad_personalization, with
// digits between; newer ones have a fifth, which is passed over. Marketing is denied when the first, the
// third or the fourth is; personalisation follows the fourth. Signals that are not set ("l") say nothing.
std::optional<Statement> decode_gcd(std::string_view text);

}  // namespace millrace::privacy
