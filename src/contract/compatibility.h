#pragma once

#include <optional>
#include <string>

#include "contract/json_document.h"

namespace millrace::contract {

// Why the schema `after` may turn away a value that `before` takes.
struct Narrowing {
  std::string pointer;  // Into `after`, or into `before` for what is gone.
  std::string message;
};

// Nothing only when every value that `before` takes is taken by `after`; what cannot be decided counts as narrower. A
// property that an open schema did not mention is one nobody sent: declaring it is no narrowing unless it is required.
std::optional<Narrowing> find_narrowing(const JsonDocument& before, const JsonDocument& after);

}  // namespace millrace::contract
