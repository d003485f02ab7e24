#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "http/recorder.h"
#include "serve/api.h"
#include "serve/test_clock.h"

namespace millrace::serve {

// Recommends what it is told to, and remembers what it was asked.
class FakeRecommendations final : public RecommendationSource {
 public:
  void recommend(std::span<const std::string_view> items, std::size_t n, std::uint64_t exclude_session,
                 std::vector<ScoredProduct>& out) const override {
    asked_items.assign(items.begin(), items.end());
    asked_session = exclude_session;
    for (std::size_t i = 0; i < std::min(n, session.size()); ++i) out.push_back(session[i]);
  }

  std::vector<ScoredProduct> session;
  mutable std::vector<std::string> asked_items;
  mutable std::uint64_t asked_session = 0;
};

// For tests: the API over fakes, asked without a socket.
struct ApiBench {
  TestClock clock;
  Views views{ViewLimits{}, ViewLoaders{}, clock};
  FakeRecommendations recommendations;
  Metrics metrics;
  http::Router router;
  Sources sources;
  ApiSettings settings;
  std::unique_ptr<Api> api;
  std::uint64_t offset = 0;
  std::vector<std::pair<event::StockCommand, StockAnswer>> stock_commands;

  ApiBench() {
    sources.recommendations = &recommendations;
    sources.source_names = [] { return std::vector<std::string>{"shop", "app"}; };
    sources.submit_stock = [this](const event::StockCommand& command, StockAnswer answer) -> base::Status {
      stock_commands.emplace_back(command, std::move(answer));
      return base::Ok{};
    };
  }

  Api& get_api() {
    if (!api) api = std::make_unique<Api>(router, views, sources, metrics, clock, settings);
    return *api;
  }
  void apply(event::ViewUpdate update, std::uint32_t partition = 0) {
    views.apply({.topic = 0,
                 .partition = partition,
                 .epoch = 1,
                 .offset = ++offset,
                 .received_at = clock.wall(),
                 .updates = {std::move(update)},
                 .visitors = {}});
  }
  void apply(const std::shared_ptr<event::VisitorView>& visitor) {
    event::ViewGroup group;
    group.epoch = 1;
    group.offset = ++offset;
    group.received_at = clock.wall();
    group.visitors.add(*visitor);
    views.apply(group);
  }
  // Null response: not answered yet.
  std::shared_ptr<http::Recorder> ask(
      http::Method method, std::string_view target, std::string_view body = {},
      std::vector<std::pair<std::string_view, std::string_view>> headers = {}) {
    get_api();
    auto recorder = std::make_shared<http::Recorder>();
    http::Request request;
    request.method = method;
    request.target = target;
    request.body = body;
    request.headers = std::move(headers);
    REQUIRE(http::parse_target(target, request));
    router.dispatch(request, http::Responder(recorder));
    return recorder;
  }
  http::Response get(std::string_view target) {
    const auto recorder = ask(http::Method::get, target);
    REQUIRE(recorder->response);
    return *recorder->response;
  }
};

inline std::shared_ptr<event::ProductView> make_product(std::string id, std::string category = "shoes",
                                                        std::int64_t available = -1) {
  auto view = std::make_shared<event::ProductView>();
  view->product_id = std::move(id);
  view->name = "Product " + view->product_id;
  view->category = std::move(category);
  view->price.micros = 59'900'000;
  view->currency = event::parse_currency("EUR");
  view->views = 10;
  if (available >= 0) {
    view->stock_known = true;
    view->on_hand = view->available = available;
  }
  return view;
}

inline std::shared_ptr<event::VisitorView> make_visitor(std::string id, std::vector<std::string> items) {
  auto view = std::make_shared<event::VisitorView>();
  view->visitor_id = std::move(id);
  view->first_seen = view->last_seen = view->session_started = {1'795'258'000'000};
  view->session_id = 0xabc;
  view->open = true;
  view->items = std::move(items);
  view->cart.push_back({"shoe-1", "Trail \"shoe\"", 2, {59'900'000}});
  view->currency = event::parse_currency("EUR");
  return view;
}

inline std::shared_ptr<event::TrendingView> make_trending(std::string category,
                                                          std::vector<std::string> ids) {
  auto view = std::make_shared<event::TrendingView>();
  view->category = std::move(category);
  double score = 10;
  for (auto& id : ids) view->items.push_back({std::move(id), view->category, score -= 1, 100});
  return view;
}

}  // namespace millrace::serve
