#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "event/event.h"

namespace millrace::collect {

// Which calls and events a row of the field table is for.
enum class Scope : std::uint8_t {
  any,
  page,          // page and screen calls
  track,         // track calls
  line,          // Events about one product, whose own fields they carry.
  not_line,      // All others.
  list,          // Product List Viewed and Filtered.
  coupon_event,  // Coupon Entered, Applied, Denied, Removed.
  order,         // Order Completed, Updated, Refunded, Cancelled.
  identify,      // identify calls
  checkout,      // Checkout Started, Step Viewed, Step Completed, Payment Info Entered.
  cart,          // Cart Viewed.
};

// The product-line fields a row can fill.
enum class LineField : std::uint8_t {
  product_id,
  sku,
  name,
  brand,
  category,
  variant,
  coupon,
  price,
  quantity,
  position
};
constexpr std::size_t kLineFieldCount = 10;

// What becomes of a value.
struct Target {
  enum class Kind : std::uint8_t {
    text,    // event::Text `index`
    amount,  // event::Amount `index`
    line,    // LineField `index` of the product line in hand.
    currency,
    country,   // Text::country, if it is an ISO 3166-1 alpha-2 code.
    lines,     // An array of products.
    one_line,  // An object that is one product.
    envelope,  // Read before the mapping: type, times, write key.
  };
  Kind kind = Kind::text;
  std::uint8_t index = 0;
};
constexpr Target to(event::Text field) { return {Target::Kind::text, static_cast<std::uint8_t>(field)}; }
constexpr Target to(event::Amount field) { return {Target::Kind::amount, static_cast<std::uint8_t>(field)}; }
constexpr Target to(LineField field) { return {Target::Kind::line, static_cast<std::uint8_t>(field)}; }
constexpr Target to(Target::Kind kind) { return {kind, 0}; }

// The tables, one for each shape of item that dialects read.
enum class Table : std::uint8_t { segment, snowplow, ga4_protocol, ga4_tag, shopify };
constexpr Table kTables[] = {Table::segment, Table::snowplow, Table::ga4_protocol, Table::ga4_tag,
                             Table::shopify};

// One row: the path as docs/guide/vocabulary.md writes it, "properties.products[].price". Of two rows for one target the
// earlier one wins.
struct FieldRow {
  std::string_view path;
  Scope scope;
  Target target;
};

struct EventNameRow {
  std::string_view name;   // As the dialect's specification writes it.
  std::string_view alias;  // Another name, of an older version of the specification; may be empty.
  event::EventType type;
};

std::span<const EventNameRow> event_name_rows(Table table = Table::segment);
std::span<const FieldRow> field_rows(Table table = Table::segment);
std::string_view to_string(Table table);
std::string_view to_string(Scope scope);
std::string to_string(Target target);  // "text order_id", "amount revenue", "line price", "currency"

// The target that a mapping file names: a text ("order_id"), an amount ("revenue"), "currency" or "country"; of a line, one of
// its fields.
std::optional<Target> parse_target(std::string_view name);
std::optional<Target> parse_line_target(std::string_view name);

// The events that a row of that scope is for: a bit for each event::EventType.
std::uint64_t types_of(Scope scope);

// One of the tables above, compiled for lookup. Immutable; one serves all threads.
class Vocabulary {
 public:
  explicit Vocabulary(Table table = Table::segment);
  // The texts of the rows must outlive this.
  Vocabulary(std::span<const FieldRow> fields, std::span<const EventNameRow> names);

  // EventType::other for a name we do not know. Upper and lower case, blanks, '_' and '-' make no difference.
  event::EventType event_type(std::string_view name) const;

  // The object that a member's value opens, or what the member means; sections are numbered by the compiled table.
  using Section = std::uint8_t;
  static constexpr Section kRoot = 0;
  // The first and the last bytes of a key: keys of at most 16 bytes and of one length are equal when these are.
  struct Ends {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    bool operator==(const Ends&) const = default;
  };
  struct Entry {
    std::string_view key;
    Ends ends;
    Section section = 0;  // In which the key stands.
    Section opens = 0;    // The section of the value when it is an object or array; 0: none.
    std::uint8_t row_count = 0;
    std::uint16_t first_row = 0;  // Into rows(): those for this key, in table order.
  };
  struct Row {
    std::uint64_t types = 0;  // Bit per event::EventType it is for.
    Target target;
    std::uint16_t rank = 0;  // Position in the table.
  };
  // Null when the table has nothing for the key.
  const Entry* find(Section section, std::string_view key) const;
  const Row* row_for(const Entry& entry, event::EventType type) const {
    for (std::size_t i = entry.first_row; i < entry.first_row + entry.row_count; ++i) {
      if ((rows_[i].types >> static_cast<unsigned>(type)) & 1u) return &rows_[i];
    }
    return nullptr;
  }

 private:
  static constexpr std::size_t kSlots = 512;
  static std::size_t slot(Section section, std::string_view key, Ends ends);
  struct NameEntry {
    std::string normal;
    event::EventType type;
  };
  Entry& entry_for(Section section, std::string_view key);
  void compile_fields(std::span<const FieldRow> fields);
  void compile_names(std::span<const EventNameRow> names);

  std::vector<Entry> entries_;
  std::vector<Row> rows_;
  std::array<std::uint16_t, kSlots> slots_{};  // Index + 1 into entries_.
  std::vector<NameEntry> names_;
  std::array<std::uint16_t, kSlots> name_slots_{};
};

}  // namespace millrace::collect
