#include "lake/region.h"

#include <fmt/format.h>

namespace millrace::lake {

using base::Error;
using base::ErrorCode;

namespace {
constexpr std::string_view kName = "lake/region.txt";
}

base::Status bind_region(ObjectStore& store, std::string_view region) {
  auto bound = store.read(kName);
  if (!bound.ok()) {
    if (bound.error().code() != ErrorCode::not_found) return std::move(bound).error().with_context(kName);
    if (region.empty()) return base::Ok{};
    TRY_ASSIGN(const Created created, store.create(kName, region));
    if (created == Created::yes) return base::Ok{};
    // Another was first: what it wrote counts.
    bound = store.read(kName);
    if (!bound.ok()) return std::move(bound).error().with_context(kName);
  }
  if (*bound == region) return base::Ok{};
  return Error(ErrorCode::invalid_argument,
               fmt::format("{}: the tables there belong to the region \"{}\", and region.name is \"{}\"",
                           store.location(kName), *bound, region));
}

}  // namespace millrace::lake
