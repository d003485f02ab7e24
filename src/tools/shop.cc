#include "tools/shop.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "base/iso_time.h"
#include "tools/json_text.h"

namespace millrace::tools {

namespace {

struct Category {
  std::string_view name;
  std::string_view things[4];
  std::int64_t cents_min, cents_max;
};
constexpr Category kCategories[] = {
    {"shoes", {"Runner", "Boot", "Sandal", "Loafer"}, 3900, 17900},
    {"jackets", {"Parka", "Windbreaker", "Anorak", "Blazer"}, 5900, 34900},
    {"bags", {"Backpack", "Tote", "Weekender", "Wallet"}, 1900, 15900},
    {"kitchen", {"Kettle", "Skillet", "Teapot", "Grinder"}, 1500, 12900},
    {"coffee", {"Espresso", "Filter Roast", "Decaf", "Sampler"}, 790, 3490},
    {"lighting", {"Desk Lamp", "Pendant", "Floor Lamp", "Lantern"}, 2900, 22900},
    {"audio", {"Headphones", "Speaker", "Turntable", "Earbuds"}, 3900, 44900},
    {"outdoor", {"Tent", "Bottle", "Stove", "Hammock"}, 1400, 39900},
};
constexpr std::string_view kBrands[] = {"Nordlicht", "Kestrel",   "Alba",  "Finch & Co",
                                        "Morava",    "Tidewater", "Oxbow", "Lumen"};
constexpr std::string_view kColours[] = {"Ink", "Sand", "Moss", "Rust", "Ivory", "Slate", "Plum", "Sky"};

struct Way {
  std::string_view campaign;  // Members of context, after a comma.
  std::string_view referrer;
  double weight;
};
constexpr Way kWays[] = {
    {"", "", 0.27},
    {"", "https://www.google.com/", 0.28},
    {R"(,"campaign":{"source":"google","medium":"cpc","name":"autumn"})", "https://www.google.com/", 0.2},
    {R"(,"campaign":{"source":"newsletter","medium":"email","name":"weekly"})", "", 0.1},
    {R"(,"campaign":{"source":"instagram","medium":"social","name":"lookbook"})",
     "https://www.instagram.com/", 0.1},
    {"", "https://blog.example.net/best-of", 0.05},
};
struct Machine {
  std::string_view agent;
  double weight;
};
constexpr Machine kMachines[] = {
    {"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
     "Version/17.5 Mobile/15E148 Safari/604.1",
     0.38},
    {"Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 "
     "Mobile Safari/537.36",
     0.2},
    {"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 "
     "Safari/537.36",
     0.26},
    {"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 "
     "Safari/605.1.15",
     0.11},
    {"Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 "
     "Mobile/15E148 Safari/604.1",
     0.05},
};
struct Country {
  std::string_view code, locale;
  double weight;
};
constexpr Country kCountries[] = {{"DE", "de-DE", 0.34}, {"FR", "fr-FR", 0.2}, {"GB", "en-GB", 0.16},
                                  {"NL", "nl-NL", 0.12}, {"ES", "es-ES", 0.1}, {"AT", "de-AT", 0.08}};
constexpr double kIntents[] = {0.3, 0.38, 0.2, 0.12};
constexpr double kBroken = 0.004, kRepeated = 0.008, kComesBack = 0.25;
constexpr std::size_t kReturningMax = 5000;

double weight_of(double weight) { return weight; }
template <class T>
double weight_of(const T& value) {
  return value.weight;
}

template <class T, std::size_t N>
std::size_t choose(base::SeededRandom& random, const T (&choices)[N]) {
  double at = random.unit();
  for (std::size_t i = 0; i + 1 < N; ++i) {
    if ((at -= weight_of(choices[i])) < 0) return i;
  }
  return N - 1;
}

std::string amount(std::int64_t cents) { return fmt::format("{}.{:02}", cents / 100, cents % 100); }

}  // namespace

Shop::Shop(ShopSettings settings)
    : settings_(settings), random_(settings.seed), by_category_(std::size(kCategories)) {
  make_catalogue();
}

void Shop::make_catalogue() {
  for (std::size_t i = 0; i < settings_.products; ++i) {
    const std::size_t which = random_.below(std::size(kCategories));
    const Category& category = kCategories[which];
    Product product;
    product.id = fmt::format("{}-{:03}", category.name.substr(0, 3), i);
    product.brand = kBrands[random_.below(std::size(kBrands))];
    product.name = fmt::format("{} {} {}", product.brand, category.things[random_.below(4)],
                               kColours[random_.below(std::size(kColours))]);
    product.category = category.name;
    const double spread = std::pow(random_.unit(), 1.7);
    product.price_cents =
        category.cents_min +
        static_cast<std::int64_t>(spread * static_cast<double>(category.cents_max - category.cents_min));
    product.price_cents -= product.price_cents % 100 - 95 + (product.price_cents % 100 < 95 ? 100 : 0);
    product.price_cents = std::max(product.price_cents, category.cents_min);
    product.stock =
        static_cast<std::int64_t>(random_.chance(0.15) ? 2 + random_.below(8) : 20 + random_.below(300));
    by_category_[which].push_back(products_.size());
    products_.push_back(std::move(product));
  }
}

std::vector<Shop::StockRequest> Shop::opening_stock() {
  std::vector<StockRequest> requests;
  for (const auto& product : products_) {
    requests.push_back({"PUT", "/v1/stock/" + product.id,
                        fmt::format(R"({{"on_hand":{},"reference":"opening"}})", product.stock)});
  }
  return requests;
}

// Zipf's law within a category: the n-th product is looked at 1/n as often as the first.
std::size_t Shop::pick(std::size_t category) {
  const auto& shelf = by_category_[category];
  if (shelf.empty()) return random_.below(products_.size());
  const double most = std::log(static_cast<double>(shelf.size()) + 1);
  const auto rank = static_cast<std::size_t>(std::exp(random_.unit() * most) - 1);
  return shelf[std::min(rank, shelf.size() - 1)];
}

double Shop::rate_at(std::int64_t ms) const {
  const double seconds = static_cast<double>(ms - started_ms_) / 1000;
  const double in_period = std::fmod(seconds, settings_.burst_every_s);
  const bool burst = in_period > settings_.burst_every_s - settings_.burst_s;
  const double wave = 1 + 0.3 * std::sin(seconds / 17);
  return settings_.sessions_per_s * wave * (burst ? settings_.burst_factor : 1);
}

void Shop::arrive(std::int64_t at_ms) {
  Shopper shopper;
  if (!returning_.empty() && random_.chance(kComesBack)) {
    shopper.id = returning_[random_.below(returning_.size())];
  } else {
    shopper.id = fmt::format("{:08x}-{:04x}-4d6c-8a10-{:012x}", random_.next() >> 32, random_.below(65536),
                             random_.below(1ull << 48));
    if (returning_.size() < kReturningMax) {
      returning_.push_back(shopper.id);
    } else {
      returning_[random_.below(kReturningMax)] = shopper.id;
    }
  }
  shopper.intent = static_cast<Intent>(choose(random_, kIntents));
  shopper.channel = choose(random_, kWays);
  shopper.device = choose(random_, kMachines);
  shopper.country = choose(random_, kCountries);
  shopper.category = random_.below(std::size(kCategories));
  constexpr int kSteps[] = {2, 7, 11, 8};
  shopper.steps = 1 + static_cast<int>(random_.below(
                          static_cast<std::uint64_t>(kSteps[static_cast<std::size_t>(shopper.intent)])));
  if (shopper.intent == Intent::buy) shopper.steps += 4;
  shopper.next_ms = at_ms;
  ++sessions_started_;
  shoppers_.emplace(at_ms, std::move(shopper));
}

void Shop::step(base::WallTime now, Output& out) {
  if (started_ms_ < 0) {
    started_ms_ = now.ms;
    next_arrival_ms_ = now.ms;
  }
  while (next_arrival_ms_ <= now.ms) {
    arrive(next_arrival_ms_);
    next_arrival_ms_ +=
        1 + static_cast<std::int64_t>(-std::log(1 - random_.unit()) * 1000 / rate_at(next_arrival_ms_));
  }
  while (!shoppers_.empty() && shoppers_.begin()->first <= now.ms) {
    auto node = shoppers_.extract(shoppers_.begin());
    if (!act(node.mapped(), node.key(), out)) continue;
    const auto pause =
        static_cast<std::int64_t>((800 + -std::log(1 - random_.unit()) * 9000) / settings_.pace);
    node.key() += pause;
    shoppers_.insert(std::move(node));
  }
}

std::string Shop::product_json(const Product& product, std::int64_t quantity) const {
  return fmt::format(R"("product_id":"{}","name":{},"brand":{},"category":"{}","price":{},"quantity":{})",
                     product.id, json_text(product.name), json_text(product.brand), product.category,
                     amount(product.price_cents), quantity);
}

// One thing the shopper does; false when the visit is over.
bool Shop::act(Shopper& shopper, std::int64_t at_ms, Output& out) {
  if (shopper.checkout > 0) return check_out(shopper, at_ms, out);
  const std::string_view category = kCategories[shopper.category].name;
  const std::string list_path = fmt::format("/c/{}", category);
  if (shopper.step++ == 0) {
    const bool home = random_.chance(0.6);
    emit(shopper, at_ms, "page", "", home ? "/" : list_path, "", out);
    return shopper.steps > 1;
  }
  if (shopper.step > shopper.steps) {
    const bool buys = !shopper.cart.empty() && random_.chance(shopper.intent == Intent::buy ? 0.75 : 0.2);
    if (!buys) return false;
    shopper.checkout = 1;
    return true;
  }
  const double what = random_.unit();
  if (what < 0.12) {
    emit(shopper, at_ms, "track", "Products Searched", "/search", fmt::format(R"("query":"{}")", category),
         out);
  } else if (what < 0.3) {
    emit(shopper, at_ms, "track", "Product List Viewed", list_path,
         fmt::format(R"("list_id":"{0}","category":"{0}")", category), out);
  } else {
    const std::size_t product =
        pick(random_.chance(0.8) ? shopper.category : random_.below(std::size(kCategories)));
    const Product& shown = products_[product];
    const std::string path = "/p/" + shown.id;
    emit(shopper, at_ms, "track", "Product Viewed", path, product_json(shown, 1) + R"(,"currency":"EUR")",
         out);
    const double wants = shopper.intent == Intent::buy       ? 0.45
                         : shopper.intent == Intent::compare ? 0.12
                                                             : 0.05;
    if (random_.chance(wants) && shopper.cart.size() < 6) {
      shopper.cart.push_back(product);
      emit(shopper, at_ms + 400, "track", "Product Added", path,
           product_json(shown, 1) + R"(,"currency":"EUR")", out);
    }
  }
  return true;
}

bool Shop::check_out(Shopper& shopper, std::int64_t at_ms, Output& out) {
  switch (shopper.checkout++) {
    case 1: emit(shopper, at_ms, "track", "Cart Viewed", "/cart", "", out); return true;
    case 2:
      emit(shopper, at_ms, "track", "Checkout Started", "/checkout", R"("currency":"EUR")", out);
      if (shopper.user.empty() && random_.chance(0.5)) {
        shopper.user = "customer-" + shopper.id.substr(0, 8);
        emit(shopper, at_ms + 300, "identify", "", "/checkout", "", out);
      }
      return random_.chance(0.85);
    case 3:
      emit(shopper, at_ms, "track", "Payment Info Entered", "/checkout/pay", R"("payment_method":"card")",
           out);
      return random_.chance(0.92);
    default: break;
  }
  std::int64_t total = 0;
  std::string lines, stock_lines;
  const std::string order = fmt::format("R{:06}-{:04x}", ++orders_, random_.below(65536));
  std::map<std::size_t, std::int64_t> quantities;
  for (const std::size_t index : shopper.cart) ++quantities[index];
  for (const auto& [index, quantity] : quantities) {
    Product& product = products_[index];
    if (product.stock < quantity) return false;  // Sold out: this shopper goes away.
    product.stock -= quantity;
    total += product.price_cents * quantity;
    lines += fmt::format("{}{{{}}}", lines.empty() ? "" : ",", product_json(product, quantity));
    stock_lines += fmt::format(R"({}{{"sku":"{}","quantity":{}}})", stock_lines.empty() ? "" : ",",
                               product.id, quantity);
  }
  out.requests.push_back({"POST", "/v1/stock/reservations",
                          fmt::format(R"({{"id":"{}","lines":[{}],"ttl_s":900}})", order, stock_lines)});
  out.requests.push_back({"POST", fmt::format("/v1/stock/reservations/{}/commit", order), ""});
  const std::int64_t shipping = total > 5000 ? 0 : 490;
  emit(
      shopper, at_ms, "track", "Order Completed", "/thanks",
      fmt::format(R"("order_id":"{}","revenue":{},"shipping":{},"total":{},"currency":"EUR","products":[{}])",
                  order, amount(total), amount(shipping), amount(total + shipping), lines),
      out);
  return false;
}

void Shop::emit(const Shopper& shopper, std::int64_t at_ms, std::string_view type, std::string_view event,
                std::string_view path, std::string_view properties, Output& out) {
  const Way& way = kWays[shopper.channel];
  const Country& country = kCountries[shopper.country];
  std::string time;
  base::append_iso_time(time, {at_ms});
  std::string item = fmt::format(R"({{"type":"{}","messageId":"shop-{}-{}","timestamp":"{}")", type,
                                 settings_.seed, ++messages_, time);
  item += fmt::format(R"(,"anonymousId":"{}")", shopper.id);
  if (!shopper.user.empty()) item += fmt::format(R"(,"userId":"{}")", shopper.user);
  if (!event.empty()) item += fmt::format(R"(,"event":"{}")", event);
  item += fmt::format(
      R"(,"context":{{"page":{{"path":"{0}","url":"https://shop.example{0}","referrer":"{1}"}},"userAgent":"{2}",)"
      R"("locale":"{3}","location":{{"country":"{4}"}},"library":{{"name":"millrace-demo","version":"1"}}{5}}})",
      path, shopper.step <= 1 ? way.referrer : "", kMachines[shopper.device].agent, country.locale,
      country.code, way.campaign);
  item += fmt::format(R"(,"{}":{{{}}}}})", type == "identify" ? "traits" : "properties", properties);
  if (random_.chance(kBroken)) {
    out.items.push_back(
        random_.chance(0.5)
            ? fmt::format(R"({{"type":"track","messageId":"shop-broken-{}","event":"Product Viewed"}})",
                          messages_)
            : fmt::format(R"({{"type":"track","messageId":"shop-broken-{}","anonymousId":"{}"}})", messages_,
                          shopper.id));
  }
  if (random_.chance(kRepeated)) out.items.push_back(item);
  out.items.push_back(std::move(item));
}

}  // namespace millrace::tools
