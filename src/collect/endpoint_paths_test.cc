#include "collect/endpoint_paths.h"

#include <doctest/doctest.h>

#include "collect/dialect_rig.h"
#include "collect/segment_dialect.h"

using namespace millrace;
using namespace millrace::collect;

TEST_CASE("an endpoint is served with a slash at its end, and with two at its beginning") {
  const auto sources = *SourceTable::make({{1, "shop", "wk", "", true}}, {});
  SegmentDialect dialect(sources, {});
  DialectRig rig(dialect);
  const auto status = [&](std::string_view path) {
    return rig.post(path, R"({"batch":[{"type":"page","anonymousId":"a"}],"writeKey":"wk"})").status;
  };
  for (const std::string_view path :
       {"/v1/import", "/v1/import/", "//v1/batch", "/v1/batch/", "//api/s/batch"}) {
    CAPTURE(path);
    CHECK(status(path) == 200);
    CHECK(rig.event().source == 1);
  }
  for (const std::string_view path : {"/v1/import//", "///v1/batch", "/v1//batch", "//v1/batch/"}) {
    CAPTURE(path);
    CHECK(status(path) == 404);
  }
  CHECK(paths_of({http::Method::post, "/own/", 0, Dialect::Endpoint::Role::collects}).size() == 2);
}
