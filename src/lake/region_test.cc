#include "lake/region.h"

#include <doctest/doctest.h>

#include "lake/memory_object_store.h"

using namespace millrace;
using namespace millrace::lake;

TEST_CASE("a store belongs to the region that was named first, and opens under no other") {
  MemoryObjectStore store;
  CHECK(bind_region(store, "").ok());
  CHECK(store.list("").ok());
  CHECK(bind_region(store, "eu-west").ok());
  CHECK(bind_region(store, "eu-west").ok());
  for (const char* other : {"us-east", "eu-west ", ""}) {
    CAPTURE(other);
    const auto refused = bind_region(store, other);
    REQUIRE_FALSE(refused.ok());
    CHECK_EQ(refused.error().code(), base::ErrorCode::invalid_argument);
    CHECK(refused.error().message().find("eu-west") != std::string::npos);
  }
}
