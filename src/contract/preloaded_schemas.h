#pragma once

#include <string>
#include <utility>
#include <vector>

#include "contract/schema_key.h"

namespace millrace::contract {

constexpr char kPreloadedVendor[] = "com.millrace";

// The contracts of the canonical vocabulary, one for each event type with properties of its own; in the order of the types.
std::vector<std::pair<SchemaKey, std::string>> preloaded_schemas();

}  // namespace millrace::contract
