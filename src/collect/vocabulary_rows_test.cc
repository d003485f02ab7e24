#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <memory>
#include <string>

#include "collect/event_mapper.h"

using namespace millrace;
using namespace millrace::collect;

namespace {

// A value that the target takes, and how it is found again.
std::string sample(Target target) {
  switch (target.kind) {
    case Target::Kind::amount: return "\"12.5\"";
    case Target::Kind::currency: return "\"sek\"";
    case Target::Kind::country: return "\"se\"";
    case Target::Kind::line: return "\"37\"";
    default: return "\"value-of-row\"";
  }
}

// {"a":{"b":[{"c":VALUE}]}} of "a.b[].c".
std::string nested(std::string_view path, const std::string& value) {
  const std::size_t dot = path.find('.');
  std::string_view step = path.substr(0, dot);
  const bool last = dot == std::string_view::npos;
  const bool is_array = step.ends_with("[]");
  if (is_array) step.remove_suffix(2);
  std::string below = last ? value : nested(path.substr(dot + 1), value);
  if (is_array) below = "[" + below + "]";
  return "{\"" + std::string(step) + "\":" + below + "}";
}

struct Mapped {
  JsonIndex index;
  JsonTape tape;
  std::unique_ptr<EventMapper> mapper;
  event::Event event;
  std::optional<ItemFault> fault;
};

void map(const Vocabulary& vocabulary, event::EventType type, std::string_view document, Mapped& into) {
  REQUIRE(into.index.scan(document) == JsonFault::none);
  REQUIRE(into.tape.build(into.index, 0) == TapeFault::none);
  into.mapper = std::make_unique<EventMapper>(vocabulary);
  into.fault = into.mapper->map(into.tape, {.type = type, .name = "n", .visitor = "v"}, into.event);
}

// A line that has only, say, a price is none: puts a product id beside the value.
std::string with_product(Table table, const FieldRow& field, std::string document) {
  const std::string_view path = field.path;
  const bool names_product = field.target.index <= static_cast<std::uint8_t>(LineField::sku);
  if (field.target.kind != Target::Kind::line || names_product) return document;
  for (const FieldRow& row : field_rows(table)) {
    const bool is_id = row.target.kind == Target::Kind::line &&
                       static_cast<LineField>(row.target.index) == LineField::product_id;
    const auto object_of = [](std::string_view p) { return p.substr(0, p.find_last_of('.') + 1); };
    if (!is_id || object_of(row.path) != object_of(path) || row.path == path) continue;
    const std::string key = "{\"" + std::string(path.substr(object_of(path).size())) + "\":";
    const std::size_t at = document.rfind(key);
    REQUIRE(at != std::string::npos);
    return document.insert(at + 1,
                           "\"" + std::string(row.path.substr(object_of(row.path).size())) + "\":\"37\",");
  }
  // Of a refund's line: the product is one object deeper than the quantity.
  const std::size_t refund = document.rfind("{\"quantity\":");
  if (path == "refund_line_items[].quantity") {
    document.insert(refund + 1, R"("line_item":{"product_id":"37"},)");
  }
  return document;
}

bool arrived(const FieldRow& row, const event::Event& event) {
  const std::uint8_t index = row.target.index;
  switch (row.target.kind) {
    case Target::Kind::text: return event.texts[index] == "value-of-row";
    case Target::Kind::amount:
      return event.has(static_cast<event::Amount>(index)) && event.amounts[index].micros == 12'500'000;
    case Target::Kind::currency: return event.currency.text() == "SEK";
    case Target::Kind::country: return event[event::Text::country] == "SE";
    case Target::Kind::line: break;
    default: return true;
  }
  if (event.products.size() != 1) return false;
  const event::ProductLine& line = event.products[0];
  switch (static_cast<LineField>(index)) {
    case LineField::product_id: return line.product_id == "37";
    case LineField::sku: return line.sku == "37";
    case LineField::name: return line.name == "37";
    case LineField::brand: return line.brand == "37";
    case LineField::category: return line.category == "37";
    case LineField::variant: return line.variant == "37";
    case LineField::coupon: return line.coupon == "37";
    case LineField::price: return line.has_price && line.price.micros == 37'000'000;
    case LineField::quantity: return line.quantity == 37;
    case LineField::position: return line.position == 37;
  }
  return false;
}

}  // namespace

TEST_CASE("every row of every table puts its value where it says, and leaves nothing of it over") {
  for (const Table table : kTables) {
    const Vocabulary vocabulary(table);
    for (const FieldRow& row : field_rows(table)) {
      CAPTURE(to_string(table));
      CAPTURE(row.path);
      // The first event that the row is for and that no row before it for the same path takes.
      std::uint64_t types = types_of(row.scope) & ((std::uint64_t{1} << event::kEventTypeCount) - 1);
      for (const FieldRow& earlier : field_rows(table)) {
        if (&earlier == &row) break;
        if (earlier.path == row.path) types &= ~types_of(earlier.scope);
      }
      REQUIRE(types != 0);
      const auto type = static_cast<event::EventType>(std::countr_zero(types));
      if (row.target.kind == Target::Kind::lines || row.target.kind == Target::Kind::one_line) continue;
      const std::string document = with_product(table, row, nested(row.path, sample(row.target)));
      CAPTURE(document);
      Mapped mapped;
      map(vocabulary, type, document, mapped);
      REQUIRE_FALSE(mapped.fault);
      CHECK(arrived(row, mapped.event));
      CHECK(mapped.event[event::Text::extra].empty());
    }
  }
}

TEST_CASE("every event name of every table stands for its event") {
  for (const Table table : kTables) {
    const Vocabulary vocabulary(table);
    for (const EventNameRow& row : event_name_rows(table)) {
      CAPTURE(to_string(table));
      CAPTURE(row.name);
      CHECK(vocabulary.event_type(row.name) == row.type);
      if (!row.alias.empty()) CHECK(vocabulary.event_type(row.alias) == row.type);
    }
  }
}
