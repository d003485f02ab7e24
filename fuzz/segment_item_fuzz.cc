// Whatever body reaches the Segment dialect: every item becomes an event or a quarantined item, both of which decode again,
// and what an event keeps beside its raw bytes is JSON. The first byte chooses the endpoint.

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/result.h"
#include "collect/json_tape.h"
#include "collect/segment_dialect.h"
#include "event/record.h"

namespace {

using namespace millrace;

bool is_json(std::string_view text) {
  collect::JsonIndex index;
  collect::JsonTape tape;
  return index.scan(text) == collect::JsonFault::none && tape.build(index, 0) == collect::TapeFault::none &&
         tape.end_token() == index.size();
}

class CheckingSink final : public collect::ItemSink {
 public:
  void accept(event::Event& item) override {
    INVARIANT(!item.visitor_key().empty());
    const auto extra = item[event::Text::extra];
    INVARIANT(extra.empty() || is_json(extra));
    payload_.clear();
    event::encode_event(item, payload_);
    event::Event decoded;
    INVARIANT(event::decode_event(payload_, decoded).ok());
    INVARIANT(decoded.texts == item.texts && decoded.raw == item.raw);
  }
  void quarantine(const event::QuarantinedItem& item, std::string_view) override {
    INVARIANT(!item.reason.empty());
    payload_.clear();
    event::encode_quarantined(item, payload_);
    const auto decoded = event::decode_quarantined(payload_);
    INVARIANT(decoded.ok() && decoded->raw == item.raw);
  }
  void refuse(std::string_view, std::string_view) override {}

 private:
  std::string payload_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const collect::SourceTable sources = *collect::SourceTable::make({}, {true, 0, "default"});
  static const collect::SegmentDialect dialect(sources, {});
  static const auto reader = dialect.reader();
  static const auto endpoints = dialect.endpoints();
  if (size == 0) return 0;
  const auto& endpoint = endpoints[data[0] % endpoints.size()];
  if (endpoint.role != collect::Dialect::Endpoint::Role::collects) return 0;
  // On the heap without a byte to spare, so that a read past the end is found.
  const std::string body(reinterpret_cast<const char*>(data) + 1, size - 1);
  http::Request request;
  request.path = endpoint.pattern;
  if (endpoint.method == http::Method::get && !http::parse_target("/?" + body, request)) return 0;
  request.body = body;
  CheckingSink sink;
  (void)reader->read(request, endpoint.id, {1'750'000'000'000}, sink);
  return 0;
}
