#pragma once

#include <string>

#include "event/event.h"

namespace millrace::serve {

// The canonical event as one line of JSON: only the fields that it has, by the names of docs/guide/vocabulary.md.
std::string canonical_json(const event::Event& event);

}  // namespace millrace::serve
