#pragma once

#include <array>
#include <string_view>

#include "event/event.h"
#include "event/row.h"

namespace millrace::commerce {

// What the client says it is, else what its user agent looks like. A user agent that names itself a robot is one, whatever
// device the client claims.
event::Device classify_device(const event::Event& event);

// ISO 3166-1 alpha-2: as the client wrote it, else the region of its locale ("en-GB"); empty when neither tells.
std::array<char, 2> classify_country(const event::Event& event);

}  // namespace millrace::commerce
