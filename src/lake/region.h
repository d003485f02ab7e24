#pragma once

#include <string_view>

#include "base/result.h"
#include "lake/object_store.h"

namespace millrace::lake {

// Binds the store to the region: the first to name one does, and of racing callers one. invalid_argument when it is bound
// to another, or to one and `region` is empty.
base::Status bind_region(ObjectStore& store, std::string_view region);

}  // namespace millrace::lake
