#include "collect/snowplow_dialect.h"

#include "collect/answers.h"
#include "collect/item_desk.h"
#include "collect/snowplow_reader.h"

namespace millrace::collect {

using http::Method;
using http::Request;
using http::Response;

namespace {

enum Shape : int { payload, pixel, preflight_answer, robots, healthy };

constexpr std::string_view kPostPath = "/com.snowplowanalytics.snowplow/tp2";

}  // namespace

SnowplowDialect::SnowplowDialect(const SourceTable& sources, ItemLimits limits, SnowplowSettings settings)
    : sources_(sources), limits_(within_journal_limits(limits)), settings_(std::move(settings)) {}

std::vector<Dialect::Endpoint> SnowplowDialect::endpoints() const {
  std::vector<Endpoint> endpoints;
  const auto add = [&](Method method, std::string_view path, Shape shape, Endpoint::Role role) {
    Endpoint& added = endpoints.emplace_back();
    added.method = method;
    added.pattern = path;
    added.id = shape;
    added.role = role;
  };
  const auto post = [&](std::string_view path) {
    add(Method::post, path, payload, Endpoint::Role::collects);
    add(Method::options, path, preflight_answer, Endpoint::Role::informs);
  };
  post(kPostPath);
  for (const std::string& path : settings_.post_paths) post(path);
  for (const std::string_view path : {"/i", "/ice.png"}) {
    add(Method::get, path, pixel, Endpoint::Role::collects);
    add(Method::options, path, preflight_answer, Endpoint::Role::informs);
  }
  add(Method::get, "/robots.txt", robots, Endpoint::Role::informs);
  add(Method::get, "/sink-health", healthy, Endpoint::Role::informs);
  return endpoints;
}

std::unique_ptr<Reader> SnowplowDialect::reader() const {
  return std::make_unique<SnowplowReader>(vocabulary_, sources_, limits_, settings_);
}

Response SnowplowDialect::answer(const Request& request, int endpoint, const Outcome&) const {
  Response response = endpoint == pixel ? gif() : plain(request, 200, "ok");
  if (endpoint == pixel) allow_origin(request, response);
  if (auto cookie = cookie_of(request, settings_); !cookie.empty()) {
    response.headers.emplace_back("Set-Cookie", std::move(cookie));
  }
  return response;
}

Response SnowplowDialect::refuse(const Request& request, int, const Refusal& refusal) const {
  return refusal_answer(request, refusal);
}

Response SnowplowDialect::inform(const Request& request, int endpoint) const {
  if (endpoint == preflight_answer) return preflight(request, sources_);
  return plain(request, 200, endpoint == robots ? "User-agent: *\nDisallow: /\n" : "ok");
}

}  // namespace millrace::collect
