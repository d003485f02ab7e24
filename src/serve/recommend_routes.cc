#include <algorithm>
#include <optional>

#include "serve/json_writer.h"
#include "serve/parameters.h"
#include "serve/routes.h"
#include "serve/view_json.h"

namespace millrace::serve {

namespace {

constexpr std::int64_t kProductsMax = 100;
constexpr std::size_t kSessionItemsMax = 50;
constexpr std::size_t kItemsBytesMax = 16 * 1024;

// How a product came onto the list: the rungs of the cold-start ladder, from the most to the least personal.
enum class Rung : std::uint8_t { session, category_trending, trending, popular };

std::string_view to_string(Rung rung) {
  switch (rung) {
    case Rung::session: return "session";
    case Rung::category_trending: return "category_trending";
    case Rung::trending: return "trending";
    case Rung::popular: return "popular";
  }
  return "";
}

enum class CurrentItem : std::uint8_t { left_out, included };

struct Question {
  std::vector<std::string_view> items;  // Oldest first.
  std::uint64_t session_id = 0;
  std::size_t n = 20;
  CurrentItem current = CurrentItem::left_out;
  VisitorPointer visitor;  // Keeps `items` alive.
};

struct Pick {
  std::string product_id;
  double score = 0;
  Rung rung = Rung::session;
  ProductPointer product;
};

bool just_bought(const event::VisitorView& visitor, std::string_view product_id) {
  return std::find(visitor.bought.begin(), visitor.bought.end(), product_id) != visitor.bought.end();
}

// Fills the list rung by rung until n products are on it. None is there twice, none that is known to be sold
// out or was just bought by the visitor, and not the one that the visitor is looking at unless it was asked
// for.
class Ladder {
 public:
  Ladder(Views& views, const RecommendationSource* source, const Question& question)
      : views_(views), source_(source), question_(question) {
    picks_.reserve(question.n);
  }

  std::vector<Pick> climb() {
    if (!question_.items.empty() && source_ != nullptr) {
      // Some of what comes back is left out below.
      const std::size_t wanted =
          question_.n + 16 + (question_.visitor ? question_.visitor->bought.size() : 0);
      scored_.reserve(wanted);
      source_->recommend(question_.items, wanted, question_.session_id, scored_);
      take_scored(Rung::session);
    }
    if (!full() && !question_.items.empty()) {
      const ProductPointer last = views_.product(question_.items.back());
      if (last && !last->category.empty()) take_trending(last->category, Rung::category_trending);
    }
    if (!full()) take_trending("", Rung::trending);
    if (!full()) take_popular();
    return std::move(picks_);
  }

 private:
  bool full() const { return picks_.size() >= question_.n; }

  void take(std::string_view product_id, double score, Rung rung) {
    if (full()) return;
    if (question_.current == CurrentItem::left_out && !question_.items.empty() &&
        question_.items.back() == product_id)
      return;
    if (std::any_of(picks_.begin(), picks_.end(),
                    [&](const Pick& pick) { return pick.product_id == product_id; }))
      return;
    if (question_.visitor && just_bought(*question_.visitor, product_id)) return;
    ProductPointer product = views_.product(product_id);
    if (!sellable(product.get())) return;
    picks_.push_back({std::string(product_id), score, rung, std::move(product)});
  }

  void take_scored(Rung rung) {
    for (const ScoredProduct& product : scored_) take(product.product_id, product.score, rung);
    scored_.clear();
  }

  void take_trending(std::string_view category, Rung rung) {
    const TrendingAnswer ranking = views_.trending(category);
    if (!ranking.view) return;
    for (const event::TrendingItem& item : ranking.view->items) take(item.product_id, item.score, rung);
  }

  void take_popular() {
    for (const ProductPointer& product : views_.top_products(ProductOrder::views, question_.n + 16)) {
      take(product->product_id, static_cast<double>(product->views), Rung::popular);
    }
  }

  Views& views_;
  const RecommendationSource* source_;
  const Question& question_;
  std::vector<Pick> picks_;
  std::vector<ScoredProduct> scored_;
};

std::vector<std::string_view> split_items(std::string_view list) {
  std::vector<std::string_view> items;
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    const std::string_view item = list.substr(0, comma);
    list = comma == std::string_view::npos ? std::string_view{} : list.substr(comma + 1);
    if (!item.empty()) items.push_back(item);
  }
  return items;
}

std::optional<http::Response> read_question(const http::Request& request, Views& views, Question& question) {
  static constexpr std::string_view kFlags[] = {"0", "1"};
  Parameters parameters(request);
  const std::string_view visitor_id = parameters.text("visitor");
  const std::string_view items = parameters.text("items", kItemsBytesMax);
  question.n = static_cast<std::size_t>(parameters.number("n", 20, 1, kProductsMax));
  question.current =
      parameters.choice("include_current", kFlags, 0) == 1 ? CurrentItem::included : CurrentItem::left_out;
  question.items = split_items(items);
  if (visitor_id.empty() == items.empty()) {
    parameters.refuse("Whom are these recommendations for?",
                      "Give either visitor=ID or items=a,b,c, oldest first.");
  } else if (visitor_id.empty() && question.items.empty()) {
    parameters.refuse("The parameter items names no product.", "Give items=a,b,c, oldest first.");
  } else if (question.items.size() > kSessionItemsMax) {
    parameters.refuse("The parameter items names too many products.",
                      "Give the newest " + std::to_string(kSessionItemsMax) + " at most.");
  }
  if (auto refusal = parameters.refusal()) return refusal;
  if (visitor_id.empty()) return std::nullopt;
  // Somebody never seen is not an error: the ladder has rungs for them.
  question.visitor = views.visitor(visitor_id);
  if (question.visitor) {
    question.session_id = question.visitor->session_id;
    question.items.assign(question.visitor->items.begin(), question.visitor->items.end());
  }
  return std::nullopt;
}

}  // namespace

namespace {

// What there is to offer to a visitor: 204 when there is nothing.
http::Response offer(const http::Request& request, const Sources& sources) {
  Parameters parameters(request);
  const std::string_view visitor = parameters.text("visitor");
  if (visitor.empty())
    parameters.refuse("The parameter visitor is missing.", "Say whose offer: ?visitor=ID.");
  if (auto refusal = parameters.refusal()) return *std::move(refusal);
  if (!sources.offer) return not_available("Offers");
  http::Response response;
  response.status = 204;
  if (const auto action = sources.offer(visitor)) {
    std::string body;
    JsonWriter json(body);
    json.begin_object().key("id").id(action->id);
    json.field("kind", event::to_string(action->kind)).field("visitor_id", action->visitor_id);
    json.key("at").time(action->at).key("payload").raw(action->payload.empty() ? "{}" : action->payload);
    json.end_object();
    response = json_response(std::move(body));
  }
  response.headers.emplace_back("Access-Control-Allow-Origin", "*");
  return response;
}

}  // namespace

void add_recommend_routes(RouteTable& table, Views& views, const Sources& sources, const base::Clock& clock) {
  table.answer(http::Method::get, "/v1/recommendations", [&](const http::Request& request) {
    const base::Instant start = clock.now();
    Question question;
    if (auto refusal = read_question(request, views, question)) return *std::move(refusal);
    const std::vector<Pick> picks = Ladder(views, sources.recommendations, question).climb();

    std::string body;
    body.reserve(256 + picks.size() * 224);
    JsonWriter json(body);
    json.begin_object().key("items").begin_array();
    for (const Pick& pick : picks) {
      json.begin_object()
          .field("product_id", pick.product_id)
          .field("score", pick.score)
          .field("source", to_string(pick.rung));
      write_product_card(json, pick.product.get());
      json.end_object();
    }
    json.end_array();
    // That of the first product; each names its own.
    json.field("source", to_string(picks.empty() ? Rung::popular : picks.front().rung));
    json.key("session_items").begin_array();
    for (const std::string_view item : question.items) json.value(item);
    json.end_array().field("took_us", (clock.now() - start) / 1000).end_object();
    http::Response response = json_response(std::move(body));
    response.headers.emplace_back("Access-Control-Allow-Origin", "*");
    return response;
  });
  table.answer(http::Method::get, "/v1/offers",
               [&](const http::Request& request) { return offer(request, sources); });
}

}  // namespace millrace::serve
