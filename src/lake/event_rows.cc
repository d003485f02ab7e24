#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "base/hash.h"
#include "event/record.h"
#include "lake/duck_column.h"
#include "lake/file_column.h"
#include "lake/json_text.h"
#include "lake/row_writers.h"

namespace millrace::lake {

namespace {

using event::Amount;
using event::Event;
using event::Text;

// The text column of conformed.events, by column id; the ids of other columns are absent.
constexpr std::array<std::pair<int, Text>, 28> kTextColumns = {{
    {3, Text::event_name},        {5, Text::user_id},
    {9, Text::page_url},          {10, Text::page_path},
    {11, Text::page_title},       {12, Text::page_referrer},
    {13, Text::campaign_source},  {14, Text::campaign_medium},
    {15, Text::campaign_name},    {16, Text::campaign_term},
    {17, Text::campaign_content}, {18, Text::click_id},
    {19, Text::device_type},      {20, Text::country},
    {21, Text::locale},           {31, Text::order_id},
    {32, Text::checkout_id},      {33, Text::cart_id},
    {34, Text::coupon},           {43, Text::query},
    {44, Text::category},         {45, Text::list_id},
    {46, Text::promotion_id},     {47, Text::payment_method},
    {48, Text::shipping_method},  {49, Text::step},
    {50, Text::library_name},     {52, Text::extra},
}};
constexpr int kFirstAmount = 36;
constexpr int kColumnIdMax = 58;

enum class Kind : std::uint8_t { special, text, amount, product };
struct Source {
  Kind kind = Kind::special;
  Text text = Text::extra;
};

constexpr std::array<Source, kColumnIdMax + 1> sources_by_id() {
  std::array<Source, kColumnIdMax + 1> out{};
  for (const auto& [id, text] : kTextColumns) {
    out[static_cast<std::size_t>(id)] = {Kind::text, text};
  }
  for (std::size_t i = 0; i < event::kAmountCount; ++i) out[kFirstAmount + i].kind = Kind::amount;
  for (int id = 22; id <= 28; ++id) out[static_cast<std::size_t>(id)].kind = Kind::product;
  return out;
}
constexpr auto kSources = sources_by_id();

std::string products_json(const Event& event) {
  std::string out = "[";
  for (const auto& line : event.products) {
    if (out.size() > 1) out += ',';
    out += "{\"product_id\":";
    append_json_string(out, line.product_id);
    const std::pair<const char*, std::string_view> texts[] = {
        {"sku", line.sku},           {"name", line.name},       {"brand", line.brand},
        {"category", line.category}, {"variant", line.variant}, {"coupon", line.coupon}};
    for (const auto& [name, value] : texts) {
      if (value.empty() || (name[0] == 's' && value == line.product_id)) continue;
      out += fmt::format(",\"{}\":", name);
      append_json_string(out, value);
    }
    if (line.has_price) out += fmt::format(",\"price\":{}", event::to_string(line.price));
    out += fmt::format(",\"quantity\":{}}}", line.quantity);
  }
  return out += ']';
}

template <class Column>
void write_product(const Event& event, int id, Column& column, std::size_t row) {
  if (event.products.empty()) return column.null(row);
  const auto& line = event.products.front();
  switch (id) {
    case 22: return column.text(row, line.product_id);
    case 23: return column.text(row, line.name);
    case 24: return column.text(row, line.category);
    case 25: return column.text(row, line.brand);
    case 26: return column.text(row, line.variant);
    case 27: return line.has_price ? column.money(row, line.price) : column.null(row);
    default: return column.int64(row, line.quantity);
  }
}

// Names of the bits set, with commas between.
template <class Enum>
std::string names_of(unsigned bits, std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) {
    if ((bits >> i & 1u) == 0) continue;
    if (!out.empty()) out += ',';
    out += event::to_string(static_cast<Enum>(i));
  }
  return out;
}

struct EventCell {
  const Event& event;
  const RowRef& ref;
  const SourceNames& sources;
};

template <class Column>
void write_special(const EventCell& cell, int id, Column& column, std::size_t row) {
  const Event& event = cell.event;
  switch (id) {
    case 1: return column.time(row, event.event_time);
    case 2: return column.text(row, event::to_string(event.type));
    case 4: return column.text(row, event.visitor_key());
    case 6: return column.hex(row, cell.ref.session_id);
    case 7: return column.text(row, source_name(cell.sources, event.source));
    case 29: return column.int32(row, static_cast<std::int64_t>(event.products.size()));
    case 30:
      return event.products.size() > 1 ? column.copied_text(row, products_json(event)) : column.null(row);
    case 35:
      return event.currency.known() ? column.copied_text(row, event.currency.text()) : column.null(row);
    case 51: return column.int32(row, event.flags);
    case 53: return column.int32(row, cell.ref.partition);
    case 54: return column.int64(row, static_cast<std::int64_t>(cell.ref.offset));
    case 55: return column.text(row, event::to_string(cell.ref.verdict));
    case 56:
      if (!event.purposes.decided) return column.null(row);
      return column.copied_text(row, names_of<event::Purpose>(event.purposes.granted, event::kPurposeCount));
    case 57: return column.int32(row, event.bot_score);
    case 58:
      return column.copied_text(row, names_of<event::BotReason>(event.bot_reasons, event::kBotReasonCount));
    default: return column.null(row);
  }
}

// Rows that are decoded together, then written column by column.
constexpr std::size_t kBlockRows = 32;

struct EventBlock {
  std::span<const RowRef> rows;
  std::size_t first_row = 0;
  std::array<Event, kBlockRows> events;
  std::array<bool, kBlockRows> readable{};
};

template <class Column>
void write_block(const EventBlock& block, const SourceNames& sources, Column& column) {
  const int id = spec_of(Table::events).columns[column.column()].id;
  const Source source = kSources[static_cast<std::size_t>(id)];
  const auto each = [&](const auto& write) {
    for (std::size_t i = 0; i < block.rows.size(); ++i) {
      if (block.readable[i]) {
        write(i, block.events[i], block.first_row + i);
      } else {
        column.null(block.first_row + i);
      }
    }
  };
  switch (source.kind) {
    case Kind::text:
      return each(
          [&](std::size_t, const Event& event, std::size_t row) { column.text(row, event[source.text]); });
    case Kind::product:
      return each(
          [&](std::size_t, const Event& event, std::size_t row) { write_product(event, id, column, row); });
    case Kind::amount:
      return each([&](std::size_t, const Event& event, std::size_t row) {
        const auto amount = static_cast<Amount>(id - kFirstAmount);
        event.has(amount) ? column.money(row, event[amount]) : column.null(row);
      });
    case Kind::special:
      return each([&](std::size_t i, const Event& event, std::size_t row) {
        write_special({event, block.rows[i], sources}, id, column, row);
      });
  }
}

// Sorted rows lie all over memory. Asked for some rows ahead, their cache misses overlap with the work on those before them.
constexpr std::size_t kPrefetchAhead = 6;
void prefetch(std::span<const RowRef> rows, std::size_t row) {
  if (row >= rows.size()) return;
  const std::string_view payload = rows[row].payload;
  for (std::size_t i = 0; i < std::min<std::size_t>(payload.size(), 1024); i += 64)
    __builtin_prefetch(payload.data() + i);
}

// Columns that need no decoding: session_id, partition, offset, verdict.
template <class Column>
bool needs_decoding(std::span<Column> columns) {
  for (const auto& column : columns) {
    const int id = spec_of(Table::events).columns[column.column()].id;
    if (id != 6 && id != 53 && id != 54 && id != 55) return true;
  }
  return false;
}

constexpr std::size_t kAssignedId = 7;  // Position in raw.events.
constexpr std::string_view kBlanks = " \t\r\n";

// How deep in objects and lists the end of `text` lies, from where it begins; nullopt when it ends inside a string.
std::optional<int> depth_behind(std::string_view text) {
  int depth = 0;
  bool in_text = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_text) {
      if (c == '\\') ++i;
      if (c == '"') in_text = false;
    } else if (c == '"') {
      in_text = true;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return in_text ? std::nullopt : std::optional(depth);
}

bool contains(std::string_view text, std::string_view part) {
  return memmem(text.data(), text.size(), part.data(), part.size()) != nullptr;
}

// What stands before the member `"name": "` whose value begins at `value`; nullopt when that is of another name.
std::optional<std::string_view> before_member(std::string_view raw, std::size_t value,
                                              std::string_view name) {
  std::string_view front = raw.substr(0, value - 1);
  front = front.substr(0, front.find_last_not_of(kBlanks) + 1);
  if (!front.ends_with(':')) return std::nullopt;
  front.remove_suffix(1);
  front = front.substr(0, front.find_last_not_of(kBlanks) + 1);
  if (!front.ends_with(name)) return std::nullopt;
  front.remove_suffix(name.size());
  return front;
}

// Whether `id`, a view into `raw`, is the value of the item's own "messageId", or, where that name does not occur, of its
// own "eid"; of several members of a name the first. Where it cannot be told cheaply: no.
bool is_member(std::string_view raw, std::string_view id) {
  constexpr std::string_view kFirst = "\"messageId\"", kSecond = "\"eid\"";
  if (id.data() <= raw.data() || id.data() + id.size() >= raw.data() + raw.size()) return false;
  const auto begin = static_cast<std::size_t>(id.data() - raw.data());
  if (raw[begin - 1] != '"' || raw[begin + id.size()] != '"') return false;
  auto front = before_member(raw, begin, kFirst);
  if (front) {
    if (contains(*front, kFirst)) return false;
  } else {
    front = before_member(raw, begin, kSecond);
    if (!front || contains(*front, kSecond) || contains(raw, kFirst)) return false;
  }
  const std::string_view behind = raw.substr(begin + id.size() + 1);
  return front->size() < behind.size() ? depth_behind(*front) == 1 : depth_behind(behind) == -1;
}

}  // namespace

std::string_view source_name(const SourceNames& sources, std::uint16_t index) {
  return index < sources.size() ? std::string_view(sources[index]) : std::string_view();
}

std::int32_t visitor_key_of(std::string_view visitor) {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(base::hash64(visitor) >> 32));
}

RawFields raw_fields(std::string_view payload) {
  const auto kind = event::record_kind(payload);
  if (kind.ok() && *kind == event::RecordKind::event) {
    if (const auto head = event::decode_event_head(payload); head.ok())
      return {head->received_at, head->source, visitor_key_of(head->visitor_key()), head->raw,
              head->raw.empty() ? std::string_view() : head->message_id};
  }
  if (kind.ok() && *kind == event::RecordKind::quarantined) {
    if (auto item = event::decode_quarantined(payload); item.ok()) {
      return {item->received_at, item->source, 0, item->raw, {}};
    }
  }
  return {{}, UINT16_MAX, 0, payload, {}};
}

std::string_view assigned_id(std::string_view raw, std::string_view message_id) {
  return is_member(raw, message_id) ? std::string_view() : message_id;
}

template <class Column>
void write_event_rows(std::span<const RowRef> rows, std::span<Column> columns, const SourceNames& sources) {
  const bool decode = needs_decoding(columns);
  EventBlock block;
  for (; block.first_row < rows.size(); block.first_row += block.rows.size()) {
    block.rows = rows.subspan(block.first_row, std::min(kBlockRows, rows.size() - block.first_row));
    for (std::size_t i = 0; i < block.rows.size(); ++i) {
      prefetch(rows, block.first_row + i + kPrefetchAhead);
      block.readable[i] = !decode || event::decode_event(block.rows[i].payload, block.events[i]).ok();
    }
    for (auto& column : columns) write_block(block, sources, column);
  }
}

template <class Column>
void write_raw_rows(std::span<const RowRef> rows, std::span<Column> columns, const SourceNames& sources) {
  bool decode = false;
  for (const auto& column : columns)
    decode = decode || column.column() < 2 || column.column() == 3 || column.column() == 4 ||
             column.column() == kAssignedId;
  for (std::size_t row = 0; row < rows.size(); ++row) {
    prefetch(rows, row + kPrefetchAhead);
    const RowRef& ref = rows[row];
    const RawFields fields = decode ? raw_fields(ref.payload) : RawFields{};
    for (auto& column : columns) {
      switch (column.column()) {
        case 0: column.time(row, fields.received_at); break;
        case 1: column.text(row, source_name(sources, fields.source)); break;
        case 2: column.text(row, event::to_string(ref.verdict)); break;
        case 3: column.int32(row, fields.visitor_key); break;
        case 4: column.binary(row, fields.raw); break;
        case 5: column.int32(row, ref.partition); break;
        case kAssignedId: column.text(row, assigned_id(fields.raw, fields.message_id)); break;
        default: column.int64(row, static_cast<std::int64_t>(ref.offset)); break;
      }
    }
  }
}

template <class Column>
void write_quarantine_rows(std::span<const RowRef> rows, std::span<Column> columns,
                           const SourceNames& sources) {
  for (std::size_t row = 0; row < rows.size(); ++row) {
    const RowRef& ref = rows[row];
    const RowGroup& group = *ref.segment->group;
    event::QuarantinedItem item;
    if ((ref.row & kOfRecords) != 0) {
      if (auto decoded = event::decode_quarantined(ref.payload); decoded.ok()) item = *decoded;
    } else {
      const auto fields = raw_fields(ref.payload);
      item = {fields.source, fields.received_at, "poison", {}, group.poison[ref.row].second, fields.raw};
    }
    for (auto& column : columns) {
      switch (column.column()) {
        case 0: column.time(row, item.received_at); break;
        case 1: column.text(row, source_name(sources, item.source)); break;
        case 2: column.text(row, item.reason); break;
        case 3: column.text(row, item.pointer); break;
        case 4: column.text(row, item.detail); break;
        case 5: column.binary(row, item.raw); break;
        case 6: column.int32(row, ref.partition); break;
        default: column.int64(row, static_cast<std::int64_t>(ref.offset)); break;
      }
    }
  }
}

template void write_event_rows(std::span<const RowRef>, std::span<DuckColumn>, const SourceNames&);
template void write_event_rows(std::span<const RowRef>, std::span<FileColumn>, const SourceNames&);
template void write_raw_rows(std::span<const RowRef>, std::span<DuckColumn>, const SourceNames&);
template void write_raw_rows(std::span<const RowRef>, std::span<FileColumn>, const SourceNames&);
template void write_quarantine_rows(std::span<const RowRef>, std::span<DuckColumn>, const SourceNames&);
template void write_quarantine_rows(std::span<const RowRef>, std::span<FileColumn>, const SourceNames&);

}  // namespace millrace::lake
