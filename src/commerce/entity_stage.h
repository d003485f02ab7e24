#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "commerce/checkpointed_value.h"
#include "commerce/order.h"
#include "commerce/product_state.h"
#include "commerce/stock.h"
#include "commerce/trend_board.h"
#include "process/stage.h"
#include "process/watermark.h"

namespace millrace::commerce {

// The figure of stock reservations that are pending.
constexpr std::string_view kReservationsOpen = "millrace_stock_reservations_open";

struct EntitySettings {
  process::TimeMode time = process::TimeMode::wall;
  TrendSettings trend;
  StockSettings stock;
  OrderSettings order;
  std::size_t cached_products = 500'000;
  std::size_t id_bytes_max = 512;  // Of a product or order.
};

// The second stage, over one partition of the facts: products and what is trending, orders, stock.
//
// Time is that of ticks and commands; of facts too in `events` mode. It goes back only when ticks show that the server's clock was
// ahead.
//
// A fact about a product is keyed by hash64(product_id), one about an order by hash64(order_id), and what one
// entity has to tell another of is sent as a fact through the journal even within one partition: a sale from
// its order to the product, a stock level from partition 0, where all stock commands go, to the product.
class EntityStage final : public process::Stage {
 public:
  EntityStage(const process::StateStore& store, EntitySettings settings);

  base::Status restore(process::Outputs& out, const process::Publish& publish) override;
  base::Status on_record(const process::Position& position, std::string_view payload,
                         process::Outputs& out) override;
  void on_batch_end(process::Outputs& out) override;

  void freeze() override { parts_.freeze(); }
  bool drain(process::StateBatch& batch, std::size_t entries) override {
    return parts_.drain(batch, entries);
  }
  void committed() override { parts_.committed(); }
  std::vector<process::StageFigure> figures() const override;

  Stock& stock() { return stock_; }
  Orders& orders() { return orders_; }
  std::uint64_t duplicate_orders() const { return clock_.get().duplicate_orders; }

 private:
  struct StageClock {
    base::WallTime now;
    std::uint64_t duplicate_orders = 0;
    void encode(std::string& out) const;
    static bool decode(std::string_view bytes, StageClock& into);
  };

  void advance(base::WallTime now, std::uint64_t offset, process::Outputs& out);
  void set_back(base::WallTime now);
  void advance_to_event(base::WallTime at, std::uint64_t offset, process::Outputs& out);
  base::Status on_fact(std::uint64_t offset, event::Fact& fact, process::Outputs& out);
  base::Status on_activity(std::uint64_t offset, const event::ProductActivity& fact, process::Outputs& out);
  base::Status on_order(std::uint64_t offset, event::OrderPlaced& fact, process::Outputs& out);
  base::Status on_stock_level(const event::StockLevel& fact, process::Outputs& out);
  base::Status on_command(std::uint64_t offset, const event::TimedCommand& command, process::Outputs& out);
  void emit_stock_levels(std::uint64_t offset, process::Outputs& out);
  void list_for_view(std::string_view id, Product& product);

  const process::StateStore& store_;
  EntitySettings settings_;
  CheckpointedValue<StageClock> clock_;
  Products products_;
  TrendBoard trends_;
  Stock stock_;
  Orders orders_;
  process::CheckpointedParts parts_;
  std::uint64_t batch_ = 1;
  std::vector<std::string> changed_products_;  // In this batch.
};

}  // namespace millrace::commerce
