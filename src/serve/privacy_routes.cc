#include <algorithm>
#include <iterator>

#include "serve/json_writer.h"
#include "serve/parameters.h"
#include "serve/request_json.h"
#include "serve/routes.h"

namespace millrace::serve {

namespace {

constexpr std::size_t kListedMax = 10'000;
constexpr std::size_t kTokensMax = 1'000;
constexpr std::size_t kTokenBytesMax = 64;
constexpr std::size_t kOpeningsMax = 1'000;
constexpr std::string_view kPurposes[] = {"necessary", "analytics", "personalisation", "marketing"};

http::Response list(const Sources& sources, const http::Request& request) {
  if (auto refusal = Parameters::refuse_any(request)) return *std::move(refusal);
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

http::Response not_durable(const base::Error& error) {
  return http::error_response(503, "not_durable", error.message(), "Ask again: doing it twice is harmless.");
}

http::Response open_vault(const Sources& sources, const http::Request& request) {
  RequestJson json(request.body);
  std::vector<std::string> tokens;
  json.texts("tokens", kTokensMax, kTokenBytesMax, tokens);
  const std::string purpose = json.text("purpose", kTokenBytesMax);
  const auto* const known = std::find(std::begin(kPurposes), std::end(kPurposes), purpose);
  if (known == std::end(kPurposes))
    json.refuse("purpose", "Give necessary, analytics, personalisation or marketing.");
  if (auto refusal = json.refusal()) return *std::move(refusal);
  if (!sources.open_vault) return not_available("The vault");
  const auto opened = sources.open_vault(tokens, static_cast<event::Purpose>(known - std::begin(kPurposes)));
  if (!opened.ok()) return not_durable(opened.error());
  std::string body;
  JsonWriter writer(body);
  writer.begin_object().key("values").begin_array();
  for (const OpenedToken& one : *opened) {
    writer.begin_object().field("token", one.token).field("state", one.state).key("value");
    if (one.state == "opened") {
      writer.value(std::string_view(one.value));
    } else {
      writer.null();
    }
    writer.end_object();
  }
  writer.end_array().end_object();
  http::Response response = json_response(std::move(body));
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

http::Response vault_openings(const Sources& sources, const http::Request& request) {
  Parameters parameters(request);
  const auto n = static_cast<std::size_t>(parameters.number("n", 100, 1, kOpeningsMax));
  if (auto refusal = parameters.refusal()) return *std::move(refusal);
  if (!sources.vault_openings) return not_available("The vault");
  std::string body;
  JsonWriter json(body);
  json.begin_object().key("openings").begin_array();
  std::size_t listed = 0;
  for (const VaultOpening& opening : sources.vault_openings()) {
    if (++listed > n) break;
    json.begin_object()
        .key("at")
        .time(opening.at)
        .field("who", opening.who)
        .field("purpose", opening.purpose);
    json.field("state", opening.state).field("token", opening.token).end_object();
  }
  json.end_array().end_object();
  return json_response(std::move(body));
}

http::Response erase_person(const Sources& sources, const http::Request& request) {
  if (!sources.erase_person) return not_available("The vault");
  const auto erased = sources.erase_person(request.parameters.front());
  if (!erased.ok()) return not_durable(erased.error());
  std::string body;
  JsonWriter json(body);
  json.begin_object().field("erased", *erased).end_object();
  return json_response(std::move(body));
}

}  // namespace

void add_privacy_routes(RouteTable& table, const Sources& sources) {
  table.answer(http::Method::get, "/v1/privacy/suppressions",
               [&sources](const http::Request& request) { return list(sources, request); });
  table.answer(http::Method::put, "/v1/privacy/suppressions/{id}", [&sources](const http::Request& request) {
    return change(sources.suppress, request, After::suppressed);
  });
  table.answer(http::Method::del, "/v1/privacy/suppressions/{id}", [&sources](const http::Request& request) {
    return change(sources.end_suppression, request, After::followed);
  });
  table.answer(http::Method::del, "/v1/privacy/persons/{id}",
               [&sources](const http::Request& request) { return erase_person(sources, request); });
  table.answer(http::Method::post, "/v1/vault/open",
               [&sources](const http::Request& request) { return open_vault(sources, request); });
  table.answer(http::Method::get, "/v1/vault/openings",
               [&sources](const http::Request& request) { return vault_openings(sources, request); });
}

}  // namespace millrace::serve
