#include <algorithm>

#include "serve/request_json.h"
#include "serve/routes.h"
#include "serve/stock_desk.h"

namespace millrace::serve {

namespace {

constexpr std::size_t kIdBytesMax = 128;
// These are the stage's own limits, so that what is promised here is taken there.
constexpr std::size_t kSkuBytesMax = 200;
constexpr std::size_t kLinesMax = 100;
constexpr std::int64_t kUnitsMax = 1'000'000'000;
constexpr std::int64_t kHoldPresetS = 900;
constexpr std::int64_t kHoldMaxS = 24 * 3600;

// Ids and SKUs of a path are percent-decoded by the router.
bool usable_id(const std::string& id, std::size_t bytes_max) {
  return !id.empty() && id.size() <= bytes_max && simdjson::validate_utf8(id);
}

http::Response bad_id(std::string_view what, std::size_t bytes_max) {
  return http::error_response(400, "invalid_parameter",
                              "The " + std::string(what) + " in the path is too long or not UTF-8.",
                              "At most " + std::to_string(bytes_max) +
                                  " bytes; percent-encode the UTF-8 of what is no letter or digit.");
}

void set_stock(StockDesk& desk, const http::Request& request, http::Responder responder) {
  event::SetStock command;
  command.sku = request.parameters[0];
  if (!usable_id(command.sku, kSkuBytesMax)) return std::move(responder).send(bad_id("SKU", kSkuBytesMax));
  RequestJson json(request.body);
  command.on_hand = json.number("on_hand", 0, kUnitsMax);
  command.safety = json.number_or("safety", 0, 0, kUnitsMax);
  command.reference = json.text_or("reference", "", kIdBytesMax);
  if (auto refusal = json.refusal()) return std::move(responder).send(*std::move(refusal));
  desk.submit(command, std::move(responder));
}

void reserve(StockDesk& desk, const http::Request& request, http::Responder responder) {
  event::Reserve command;
  RequestJson json(request.body);
  command.id = json.text("id", kIdBytesMax);
  json.each("lines", kLinesMax, [&](RequestJson& line) {
    command.lines.push_back({line.text("sku", kSkuBytesMax), line.number("quantity", 1, kUnitsMax)});
  });
  command.ttl_ms = json.number_or("ttl_s", kHoldPresetS, 1, kHoldMaxS) * 1000;
  for (std::size_t i = 1; i < command.lines.size(); ++i) {
    const auto end = command.lines.begin() + static_cast<std::ptrdiff_t>(i);
    if (std::any_of(command.lines.begin(), end, [&](const auto& line) { return line.sku == end->sku; })) {
      json.refuse("lines", "Name each SKU once, with the sum of its quantities.");
    }
  }
  if (auto refusal = json.refusal()) return std::move(responder).send(*std::move(refusal));
  desk.submit(command, std::move(responder));
}

template <class Command>
void finish(StockDesk& desk, const http::Request& request, http::Responder responder) {
  Command command{request.parameters[0]};
  if (!usable_id(command.id, kIdBytesMax)) return std::move(responder).send(bad_id("id", kIdBytesMax));
  desk.submit(command, std::move(responder));
}

}  // namespace

void add_stock_routes(RouteTable& table, StockDesk& desk) {
  using http::Method;
  const auto with_desk = [&desk](auto function) {
    return [&desk, function](const http::Request& request, http::Responder responder) {
      function(desk, request, std::move(responder));
    };
  };
  table.later(Method::put, "/v1/stock/{sku}", with_desk(set_stock));
  table.later(Method::post, "/v1/stock/reservations", with_desk(reserve));
  table.later(Method::post, "/v1/stock/reservations/{id}/commit",
              with_desk(finish<event::CommitReservation>));
  table.later(Method::del, "/v1/stock/reservations/{id}", with_desk(finish<event::ReleaseReservation>));
}

}  // namespace millrace::serve
