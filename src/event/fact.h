#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "event/row.h"

namespace millrace::event {

// The journals. Values are persisted; append only.
enum class Topic : std::uint8_t {
  events = 0,    // Partitioned by visitor: the source of truth.
  facts = 1,     // Partitioned by the entity: product, order; stock commands.
  sessions = 2,  // Closed sessions, one partition, read whole by every serving node.
  actions = 3,   // What leaves: one partition, read by the deliverer.
};
constexpr std::size_t kTopicCount = 4;
std::string_view to_string(Topic topic);

// Where a re-keyed record came from. The reader keeps the highest one per (topic, partition) in its own state batch and
// drops what is not above it.
struct SourcePosition {
  Topic topic = Topic::events;
  std::uint32_t partition = 0;
  std::uint64_t offset = 0;
  std::uint32_t index = 0;  // Of the record among those its offset emitted.
  auto operator<=>(const SourcePosition&) const = default;
};

// Persisted; append only. `purchase` and `correction` come from the order stage alone, once per accepted order and change
// of it; a correction moves units and revenue (its quantity may be negative) and is not a purchase.
enum class ProductAction : std::uint8_t { view, add_to_cart, remove_from_cart, purchase, correction };

struct ProductActivity {
  ProductAction action = ProductAction::view;
  std::string product_id;
  std::string name;
  std::string category;
  std::uint64_t visitor_hash = 0;
  base::WallTime at;
  std::int64_t quantity = 1;
  Money price;
  Currency currency;
};

struct OrderPlaced {
  OrderRow order;
};

struct SessionClosed {
  SessionRow row;
  std::vector<std::string> items;  // Products in click order, consecutive repeats kept.
};

enum class ActionKind : std::uint8_t { cart_abandoned, cart_abandonment_cancelled };
std::string_view to_string(ActionKind kind);

// What leaves Millrace. `id` is derived from the source position: delivered at least once, idempotent to its receiver.
struct Action {
  std::uint64_t id = 0;
  ActionKind kind = ActionKind::cart_abandoned;
  std::string visitor_id;
  std::string user_id;
  base::WallTime at;
  std::string payload;  // JSON object.
};

// Stock commands; docs in commerce/stock.h.
struct StockLine {
  std::string sku;
  std::int64_t quantity = 0;
  bool operator==(const StockLine&) const = default;
};
struct SetStock {  // Absolute count; `reference` makes a repeat a no-op when not empty.
  std::string sku;
  std::int64_t on_hand = 0;
  std::int64_t safety = 0;
  std::string reference;
};
struct Reserve {
  std::string id;
  std::vector<StockLine> lines;
  std::int64_t ttl_ms = 0;
};
struct CommitReservation {
  std::string id;
};
struct ReleaseReservation {
  std::string id;
};
using StockCommand = std::variant<SetStock, Reserve, CommitReservation, ReleaseReservation>;

// What is in stock of a product after a change: absolute, from the one partition that decides stock to the product's.
struct StockLevel {
  std::string sku;
  std::int64_t on_hand = 0;
  std::int64_t reserved = 0;
  std::int64_t available = 0;  // on_hand - reserved - safety, not below 0.
  base::WallTime at;
};

using Fact = std::variant<ProductActivity, OrderPlaced, SessionClosed, Action, StockLevel>;

// Payload of a RecordKind::fact record: position, then the fact. The encoding is a function of the values.
void encode_fact(const SourcePosition& position, const Fact& fact, std::string& out);
// The two halves of it, for whoever learns the position after the fact.
void encode_fact_position(const SourcePosition& position, std::string& out);
void encode_fact_body(const Fact& fact, std::string& out);
void encode_fact_body(const ProductActivity& fact, std::string& out);
base::Result<Fact> decode_fact_body(std::string_view body);
struct PositionedFact {
  SourcePosition position;
  Fact fact;
};
base::Result<PositionedFact> decode_fact(std::string_view payload);
// The position alone, cheaply.
base::Result<SourcePosition> fact_position(std::string_view payload);

// Payload of a RecordKind::command record. `at` is the wall clock at the door.
void encode_command(base::WallTime at, const StockCommand& command, std::string& out);
struct TimedCommand {
  base::WallTime at;
  StockCommand command;
};
base::Result<TimedCommand> decode_command(std::string_view payload);

}  // namespace millrace::event
