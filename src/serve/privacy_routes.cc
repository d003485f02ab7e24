#include "serve/json_writer.h"
#include "serve/routes.h"

namespace millrace::serve {

namespace {

constexpr std::size_t kListedMax = 10'000;

http::Response list(const Sources& sources) {
  if (!sources.suppressions) return not_available("The list of suppressions");
  const auto ids = sources.suppressions();
  std::string body;
  JsonWriter json(body);
  json.begin_object().field("count", ids.size()).key("suppressions").begin_array();
  for (std::size_t i = 0; i < ids.size() && i < kListedMax; ++i) {
    json.begin_object().field("hash", ids[i].hash).key("since").time(ids[i].since).end_object();
  }
  json.end_array().end_object();
  return json_response(std::move(body));
}

enum class After : std::uint8_t { suppressed, followed };

http::Response change(const std::function<base::Result<bool>(std::string_view)>& change_one,
                      const http::Request& request, After after) {
  if (!change_one) return not_available("The list of suppressions");
  const auto changed = change_one(request.parameters.front());
  if (!changed.ok()) {
    if (changed.error().code() == base::ErrorCode::invalid_argument) {
      return http::error_response(400, "invalid_parameter", changed.error().message(),
                                  "Send the id as it is in the events.");
    }
    return http::error_response(503, "not_durable", changed.error().message(),
                                "Ask again: doing it twice is harmless.");
  }
  std::string body;
  JsonWriter json(body);
  json.begin_object().field("suppressed", after == After::suppressed).field("changed", *changed).end_object();
  return json_response(std::move(body));
}

}  // namespace

void add_privacy_routes(RouteTable& table, const Sources& sources) {
  table.answer(http::Method::get, "/v1/privacy/suppressions",
               [&sources](const http::Request&) { return list(sources); });
  table.answer(http::Method::put, "/v1/privacy/suppressions/{id}", [&sources](const http::Request& request) {
    return change(sources.suppress, request, After::suppressed);
  });
  table.answer(http::Method::del, "/v1/privacy/suppressions/{id}", [&sources](const http::Request& request) {
    return change(sources.end_suppression, request, After::followed);
  });
}

}  // namespace millrace::serve
