#include "serve/json_writer.h"
#include "serve/parameters.h"
#include "serve/routes.h"
#include "serve/view_json.h"

namespace millrace::serve {

namespace {

constexpr std::int64_t kItemsMax = 100;
constexpr std::int64_t kSessionsMax = 500;
constexpr std::string_view kOrders[kProductOrderCount] = {"revenue", "views", "purchases"};

// Read by a shop's pages, from another origin.
http::Response public_response(std::string body) {
  http::Response response = json_response(std::move(body));
  response.headers.emplace_back("Access-Control-Allow-Origin", "*");
  return response;
}

http::Response trending(const http::Request& request, Views& views) {
  Parameters parameters(request);
  const std::string_view category = parameters.text("category");
  const auto n = static_cast<std::size_t>(parameters.number("n", 20, 1, kItemsMax));
  if (auto refusal = parameters.refusal()) return *std::move(refusal);
  std::string body;
  JsonWriter json(body);
  write_trending(json, views, category, n);
  return public_response(std::move(body));
}

http::Response visitor(const http::Request& request, Views& views) {
  Parameters parameters(request);
  if (auto refusal = parameters.refusal()) return *std::move(refusal);
  const VisitorPointer view = views.visitor(request.parameters[0]);
  if (!view) {
    return http::error_response(404, "unknown_visitor", "No event of this visitor has been seen.",
                                "The id is the event's anonymousId, or its userId when it has none.");
  }
  std::string body;
  JsonWriter json(body);
  write_visitor(json, *view);
  return json_response(std::move(body));
}

http::Response product(const http::Request& request, Views& views) {
  Parameters parameters(request);
  if (auto refusal = parameters.refusal()) return *std::move(refusal);
  const ProductPointer view = views.product(request.parameters[0]);
  if (!view) {
    return http::error_response(404, "unknown_product",
                                "No event or stock count of this product has been seen.",
                                "The id is the event's product_id, or its sku when it has none.");
  }
  std::string body;
  JsonWriter json(body);
  write_product(json, *view);
  return public_response(std::move(body));
}

http::Response products(const http::Request& request, Views& views) {
  Parameters parameters(request);
  const auto order = static_cast<ProductOrder>(parameters.choice("sort", kOrders, 0));
  const auto n = static_cast<std::size_t>(parameters.number("n", 20, 1, kItemsMax));
  if (auto refusal = parameters.refusal()) return *std::move(refusal);
  std::string body;
  JsonWriter json(body);
  write_top_products(json, views, order, n);
  return public_response(std::move(body));
}

http::Response sessions(const http::Request& request, Views& views) {
  Parameters parameters(request);
  const auto n = static_cast<std::size_t>(parameters.number("n", 20, 1, kSessionsMax));
  if (auto refusal = parameters.refusal()) return *std::move(refusal);
  std::string body;
  JsonWriter json(body);
  json.begin_object().key("items").begin_array();
  for (const auto& change : views.recent_sessions().changed_after(0, n)) write_session(json, change.session);
  json.end_array().end_object();
  return json_response(std::move(body));
}

}  // namespace

void add_view_routes(RouteTable& table, Views& views) {
  using http::Method;
  const auto with_views = [&views](auto function) {
    return [&views, function](const http::Request& request) { return function(request, views); };
  };
  table.answer(Method::get, "/v1/trending", with_views(trending));
  table.answer(Method::get, "/v1/visitors/{id}", with_views(visitor));
  table.answer(Method::get, "/v1/products", with_views(products));
  table.answer(Method::get, "/v1/products/{sku}", with_views(product));
  table.answer(Method::get, "/v1/sessions", with_views(sessions));
}

}  // namespace millrace::serve
