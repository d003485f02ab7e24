#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/random.h"

namespace millrace::tools {

struct ShopSettings {
  std::uint64_t seed = 7;
  std::size_t products = 600;
  double sessions_per_s =
      40;                   // On an ordinary day; a session sends about ten events over one to three minutes.
  double burst_factor = 6;  // The sales-day burst: every burst_every_s, for burst_s.
  double burst_every_s = 120;
  double burst_s = 20;
  double pace = 3;  // How much faster than real shoppers they click.
};

// A simulated shop: a Zipf catalogue in categories with prices and stock, and visitors with intents, channels, devices and countries who look,
// search, fill carts, leave them or buy. Some come back, some log in, some of their events are broken or sent twice.
// A pure core: time comes in, items of the Segment dialect and stock requests come out. The same seed and the same times give
// the same bytes.
class Shop {
 public:
  explicit Shop(ShopSettings settings);

  struct StockRequest {
    std::string method;
    std::string target;
    std::string body;
  };
  struct Output {
    std::vector<std::string> items;      // For POST /v1/batch.
    std::vector<StockRequest> requests;  // In this order.
  };
  // Counts of the whole catalogue, before anything is sold.
  std::vector<StockRequest> opening_stock();
  // What happens until `now`.
  void step(base::WallTime now, Output& out);

  std::uint64_t sessions_started() const { return sessions_started_; }
  std::size_t shoppers() const { return shoppers_.size(); }

 private:
  struct Product {
    std::string id, name, brand, category;
    std::int64_t price_cents = 0;
    std::int64_t stock = 0;
  };
  enum class Intent : std::uint8_t { bounce, browse, compare, buy };
  struct Shopper {
    std::string id;
    std::string user;
    Intent intent = Intent::browse;
    std::size_t channel = 0, device = 0, country = 0;
    std::size_t category = 0;
    int step = 0;
    int steps = 0;
    std::vector<std::size_t> cart;
    int checkout = 0;  // 0: shopping; then steps towards the order.
    std::int64_t next_ms = 0;
  };

  void make_catalogue();
  std::size_t pick(std::size_t category);
  void arrive(std::int64_t at_ms);
  bool act(Shopper& shopper, std::int64_t at_ms, Output& out);
  bool check_out(Shopper& shopper, std::int64_t at_ms, Output& out);
  void emit(const Shopper& shopper, std::int64_t at_ms, std::string_view type, std::string_view event,
            std::string_view path, std::string_view properties, Output& out);
  std::string product_json(const Product& product, std::int64_t quantity) const;
  double rate_at(std::int64_t ms) const;

  const ShopSettings settings_;
  base::SeededRandom random_;
  std::vector<Product> products_;
  std::vector<std::vector<std::size_t>> by_category_;
  std::multimap<std::int64_t, Shopper> shoppers_;  // By when they act next.
  std::vector<std::string> returning_;             // Ids of earlier visitors.
  std::int64_t started_ms_ = -1;
  std::int64_t next_arrival_ms_ = 0;
  std::uint64_t sessions_started_ = 0;
  std::uint64_t orders_ = 0;
  std::uint64_t messages_ = 0;
};

}  // namespace millrace::tools
