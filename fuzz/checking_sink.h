#pragma once

#include <string>

#include "base/result.h"
#include "collect/dialect.h"
#include "collect/json_tape.h"
#include "event/record.h"

namespace millrace {

inline bool is_json(std::string_view text) {
  collect::JsonIndex index;
  collect::JsonTape tape;
  return index.scan(text) == collect::JsonFault::none && tape.build(index, 0) == collect::TapeFault::none &&
         tape.end_token() == index.size();
}

// Holds a reader to what every dialect promises: an event has a visitor, decodes as it was encoded, and is JSON in what it
// keeps; an item in quarantine has a reason and keeps its bytes.
class CheckingSink final : public collect::ItemSink {
 public:
  void accept(event::Event& item) override {
    INVARIANT(!item.visitor_key().empty());
    INVARIANT(is_json(item.raw));
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

// Gives `body` to one of the dialect's collecting endpoints, chosen by the first byte; to a GET as its query.
inline void read_anything(const collect::Dialect& dialect, collect::Reader& reader, const std::uint8_t* data,
                          std::size_t size) {
  if (size == 0) return;
  const auto endpoints = dialect.endpoints();
  const auto& endpoint = endpoints[data[0] % endpoints.size()];
  if (endpoint.role != collect::Dialect::Endpoint::Role::collects) return;
  // On the heap without a byte to spare, so that a read past the end is found.
  const std::string body(reinterpret_cast<const char*>(data) + 1, size - 1);
  http::Request request;
  request.method = endpoint.method;
  request.path = endpoint.pattern;
  request.peer = "192.0.2.7";
  if (endpoint.method == http::Method::get && !http::parse_target("/?" + body, request)) return;
  request.body = body;
  CheckingSink sink;
  (void)reader.read(request, endpoint.id, {1'750'000'000'000}, sink);
}

}  // namespace millrace
