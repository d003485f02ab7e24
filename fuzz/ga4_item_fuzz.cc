// Whatever reaches the GA4 dialects: the first bit chooses between the Measurement Protocol and gtag.

#include "checking_sink.h"
#include "collect/ga4_dialect.h"
#include "collect/ga4_validation.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace millrace;
  static const collect::SourceTable sources = *collect::SourceTable::make({}, {true, 0, "default"});
  static const collect::Ga4ProtocolDialect protocol(sources, {});
  static const collect::Ga4TagDialect tag(sources, {});
  static const auto protocol_reader = protocol.reader();
  static const auto tag_reader = tag.reader();
  if (size < 2) return 0;
  if ((data[0] & 1) != 0) {
    read_anything(tag, *tag_reader, data + 1, size - 1);
    return 0;
  }
  read_anything(protocol, *protocol_reader, data + 1, size - 1);
  const std::string body(reinterpret_cast<const char*>(data) + 1, size - 1);
  http::Request request;
  request.body = body;
  INVARIANT(is_json(collect::ga4_validation(request)));
  return 0;
}
