#pragma once

#include <string_view>

#include "event/event.h"
#include "event/row.h"

namespace millrace::commerce {

// Where a visit came from, by its first event. In this order: an advertiser's click parameter or utm_medium, the name in utm_source, the
// referrer; direct when none says anything. A referrer on the page's own host is the shop itself and says nothing.
// docs/guide/operators.md has the table.
event::Channel classify_channel(const event::Event& first);

// Host of an absolute URL in lower case, without "www.", port and user; empty when it has none. At most 253 bytes.
std::string_view host_of(std::string_view url, char (&buffer)[256]);

}  // namespace millrace::commerce
