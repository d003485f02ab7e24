#include "commerce/entity_stage.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <variant>

#include "base/hash.h"
#include "event/fact.h"
#include "event/record.h"

namespace millrace::commerce {

namespace {

constexpr std::uint8_t kVersion = 1;

base::Error unusable(std::string_view why) {
  return base::Error(base::ErrorCode::invalid_argument, std::string(why));
}

// What cannot be decoded cannot be processed; the partition goes on without it.
base::Error poison(base::Error error) {
  return base::Error(base::ErrorCode::invalid_argument, error.message());
}

}  // namespace

EntityStage::EntityStage(const process::StateStore& store, EntitySettings settings)
    : store_(store),
      settings_(settings),
      clock_(store, "clock"),
      products_(store, std::string(kProductPrefix), settings.cached_products),
      trends_(store, "trend/", settings.trend, products_),
      stock_(store, "stock/", settings.stock),
      orders_(store, "order/", settings.order),
      parts_({&clock_, &products_, &trends_, &stock_, &orders_}) {}

base::Status EntityStage::restore(process::Outputs& out, const process::Publish& /*publish*/) {
  TRY(clock_.restore());
  const base::WallTime now = clock_.get().now;
  TRY(stock_.restore(now));
  orders_.restore(now);
  TRY(trends_.restore_state(now));
  bool readable = true;
  TRY(store_.scan(kProductPrefix, [&](std::string_view key, std::string_view value) {
    Product product;
    readable = Product::decode(value, product);
    if (!readable) return false;
    const std::string_view id = key.substr(kProductPrefix.size());
    trends_.restore_product(id, product);
    out.views.emplace_back(
        std::make_shared<const event::ProductView>(product_view(id, product.counters, product.stock)));
    return true;
  }));
  if (!readable) return base::Error(base::ErrorCode::corrupt, "a product cannot be decoded");
  return trends_.publish_all(out.views);
}

base::Status EntityStage::on_record(const process::Position& position, std::string_view payload,
                                    process::Outputs& out) {
  const std::uint64_t offset = position.offset.value;
  const auto kind = event::record_kind(payload);
  if (!kind.ok()) return poison(kind.error());
  if (*kind == event::RecordKind::fact) {
    auto fact = event::decode_fact(payload);
    if (!fact.ok()) return poison(std::move(fact).error());
    return on_fact(offset, fact->fact, out);
  }
  if (*kind == event::RecordKind::command) {
    const auto command = event::decode_command(payload);
    if (!command.ok()) return poison(command.error());
    return on_command(offset, *command, out);
  }
  if (*kind == event::RecordKind::tick) {
    const auto tick = event::decode_tick(payload);
    if (!tick.ok()) return poison(tick.error());
    const bool set_back =
        settings_.time == process::TimeMode::wall && tick->wall + process::kClockSetBackMs < clock_.get().now;
    set_back ? this->set_back(tick->wall) : advance(tick->wall, offset, out);
    return base::Ok{};
  }
  return unusable("an event does not belong among the facts");
}

void EntityStage::advance(base::WallTime now, std::uint64_t offset, process::Outputs& out) {
  if (now <= clock_.get().now) return;
  clock_.edit().now = now;
  stock_.advance(now);
  emit_stock_levels(offset, out);
  orders_.advance(now);
  trends_.advance(now, out.views);
}

void EntityStage::set_back(base::WallTime now) {
  clock_.edit().now = now;
  stock_.set_back(now);
  orders_.set_back(now);
  trends_.set_back(now);
}

void EntityStage::advance_to_event(base::WallTime at, std::uint64_t offset, process::Outputs& out) {
  if (settings_.time == process::TimeMode::events) advance(at, offset, out);
}

base::Status EntityStage::on_fact(std::uint64_t offset, event::Fact& fact, process::Outputs& out) {
  if (const auto* activity = std::get_if<event::ProductActivity>(&fact)) {
    return on_activity(offset, *activity, out);
  }
  if (auto* order = std::get_if<event::OrderPlaced>(&fact)) {
    return on_order(offset, *order, out);
  }
  if (const auto* level = std::get_if<event::StockLevel>(&fact)) return on_stock_level(*level, out);
  return unusable("a fact of this kind belongs to another topic");
}

base::Status EntityStage::on_activity(std::uint64_t offset, const event::ProductActivity& fact,
                                      process::Outputs& out) {
  if (fact.product_id.empty() || fact.product_id.size() > settings_.id_bytes_max) {
    return unusable("a product's id is missing or too long");
  }
  advance_to_event(fact.at, offset, out);
  Product& product = products_.edit(fact.product_id);
  product.counters.count(fact);
  trends_.count(fact.product_id, fact, product);
  list_for_view(fact.product_id, product);
  return base::Ok{};
}

base::Status EntityStage::on_order(std::uint64_t offset, event::OrderPlaced& fact, process::Outputs& out) {
  if (fact.order.order_id.empty() || fact.order.order_id.size() > settings_.id_bytes_max) {
    return unusable("an order's id is missing or too long");
  }
  advance_to_event(fact.order.ordered_at, offset, out);
  OrderOutcome outcome = orders_.apply(offset, std::move(fact.order));
  if (outcome.duplicate) ++clock_.edit().duplicate_orders;
  for (auto& row : outcome.rows) out.orders.push_back(std::move(row));
  for (auto& sale : outcome.sales) {
    const std::uint64_t key = base::hash64(sale.product_id);
    out.emit(event::Topic::facts, key, offset, sale);
  }
  return base::Ok{};
}

base::Status EntityStage::on_stock_level(const event::StockLevel& fact, process::Outputs& out) {
  if (fact.sku.empty() || fact.sku.size() > settings_.id_bytes_max)
    return unusable("a SKU is missing or too long");
  Product& product = products_.edit(fact.sku);
  const bool was_sold_out = product.stock.sold_out();
  product.stock.set(fact);
  if (product.stock.sold_out() != was_sold_out) trends_.on_stock(fact.sku, product, out.views);
  list_for_view(fact.sku, product);
  return base::Ok{};
}

base::Status EntityStage::on_command(std::uint64_t offset, const event::TimedCommand& command,
                                     process::Outputs& out) {
  advance(command.at, offset, out);
  StockAnswer answer = stock_.apply(offset, command.command);
  out.outcomes.push_back({offset, answer.status, std::move(answer.body)});
  emit_stock_levels(offset, out);
  return base::Ok{};
}

void EntityStage::emit_stock_levels(std::uint64_t offset, process::Outputs& out) {
  for (auto& level : stock_.take_changes()) {
    const std::uint64_t key = base::hash64(level.sku);
    out.emit(event::Topic::facts, key, offset, event::Fact(std::move(level)));
  }
}

void EntityStage::list_for_view(std::string_view id, Product& product) {
  if (product.viewed_in_batch == batch_) return;
  product.viewed_in_batch = batch_;
  changed_products_.emplace_back(id);
}

void EntityStage::on_batch_end(process::Outputs& out) {
  for (const auto& id : changed_products_) {
    const Product* product = products_.find(id);
    if (product == nullptr) continue;
    out.views.emplace_back(
        std::make_shared<const event::ProductView>(product_view(id, product->counters, product->stock)));
  }
  changed_products_.clear();
  ++batch_;
}

std::vector<process::StageFigure> EntityStage::figures() const {
  using Kind = process::StageFigure::Kind;
  return {{kReservationsOpen, "Stock reservations that are neither committed, released nor expired.",
           Kind::gauge, stock_.pending()},
          {"millrace_duplicate_orders_total", "Tellings of orders that were known already.", Kind::counter,
           clock_.get().duplicate_orders}};
}

void EntityStage::StageClock::encode(std::string& out) const {
  base::ByteWriter writer(out);
  writer.u8(kVersion);
  writer.zigzag(now.ms);
  writer.varint(duplicate_orders);
}

bool EntityStage::StageClock::decode(std::string_view bytes, StageClock& into) {
  base::ByteReader reader(bytes);
  if (reader.u8() != kVersion) return false;
  into.now.ms = reader.zigzag();
  into.duplicate_orders = reader.varint();
  return reader.ok() && reader.at_end();
}

}  // namespace millrace::commerce
