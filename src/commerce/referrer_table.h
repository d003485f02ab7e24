#pragma once

#include <optional>
#include <string_view>

#include "event/row.h"

namespace millrace::commerce {

// Search engines, social networks and web mail, by host name without "www.". "google" stands for every country's
// domain of it; "mail.google.com" is known before "google".
std::optional<event::Channel> referrer_channel(std::string_view host);

// The same by a name as utm_source has it: "facebook", "newsletter", "bing.com". Lower case.
std::optional<event::Channel> source_channel(std::string_view name);

// By utm_medium, lower case.
std::optional<event::Channel> medium_channel(std::string_view medium);

// By the name of the click parameter in a landing page's URL. "fbclid" and its like are on every link out of the network, paid or
// not, and so say social.
event::Channel click_id_channel(std::string_view parameter);

}  // namespace millrace::commerce
