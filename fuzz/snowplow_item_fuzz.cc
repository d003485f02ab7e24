// Whatever reaches the Snowplow dialect: payloads with their nested and coded JSON, and queries.

#include "checking_sink.h"
#include "collect/snowplow_dialect.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace millrace;
  static const collect::SourceTable sources = *collect::SourceTable::make({}, {true, 0, "default"});
  static const collect::SnowplowDialect dialect(sources, {}, {});
  static const auto reader = dialect.reader();
  read_anything(dialect, *reader, data, size);
  return 0;
}
