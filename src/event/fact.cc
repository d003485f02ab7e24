#include "event/fact.h"

#include "base/bytes.h"
#include "event/record.h"
#include "event/row_codec.h"

namespace millrace::event {

namespace {

using base::ByteReader;
using base::ByteWriter;
using base::Error;
using base::ErrorCode;

constexpr std::uint8_t kVersion = 1;

// The index in the variant is the persisted tag: append only.
struct FactWriter {
  ByteWriter& writer;
  void operator()(const ProductActivity& fact) {
    writer.u8(static_cast<std::uint8_t>(fact.action));
    writer.text(fact.product_id);
    writer.text(fact.name);
    writer.text(fact.category);
    writer.u64(fact.visitor_hash);
    writer.zigzag(fact.at.ms);
    writer.zigzag(fact.quantity);
    writer.zigzag(fact.price.micros);
    write_currency(fact.currency, writer);
  }
  void operator()(const OrderPlaced& fact) { write_order(fact.order, writer); }
  void operator()(const SessionClosed& fact) {
    write_session(fact.row, writer);
    writer.varint(fact.items.size());
    for (const auto& item : fact.items) writer.text(item);
  }
  void operator()(const Action& fact) {
    writer.u64(fact.id);
    writer.u8(static_cast<std::uint8_t>(fact.kind));
    writer.text(fact.visitor_id);
    writer.text(fact.user_id);
    writer.zigzag(fact.at.ms);
    writer.text(fact.payload);
  }
  void operator()(const StockLevel& fact) {
    writer.text(fact.sku);
    writer.zigzag(fact.on_hand);
    writer.zigzag(fact.reserved);
    writer.zigzag(fact.available);
    writer.zigzag(fact.at.ms);
  }
};

bool read(ByteReader& reader, ProductActivity& fact) {
  const std::uint8_t action = reader.u8();
  fact.action = static_cast<ProductAction>(action);
  fact.product_id = reader.text();
  fact.name = reader.text();
  fact.category = reader.text();
  fact.visitor_hash = reader.u64();
  fact.at.ms = reader.zigzag();
  fact.quantity = reader.zigzag();
  fact.price.micros = reader.zigzag();
  fact.currency = read_currency(reader);
  return action <= static_cast<std::uint8_t>(ProductAction::correction);
}

bool read(ByteReader& reader, OrderPlaced& fact) { return read_order(reader, fact.order); }

bool read(ByteReader& reader, SessionClosed& fact) {
  if (!read_session(reader, fact.row)) return false;
  const std::uint64_t items = reader.varint();
  if (items > reader.remaining()) return false;
  fact.items.resize(items);
  for (auto& item : fact.items) item = reader.text();
  return true;
}

bool read(ByteReader& reader, Action& fact) {
  fact.id = reader.u64();
  const std::uint8_t kind = reader.u8();
  fact.kind = static_cast<ActionKind>(kind);
  fact.visitor_id = reader.text();
  fact.user_id = reader.text();
  fact.at.ms = reader.zigzag();
  fact.payload = reader.text();
  return kind <= static_cast<std::uint8_t>(ActionKind::cart_abandonment_cancelled);
}

bool read(ByteReader& reader, StockLevel& fact) {
  fact.sku = reader.text();
  fact.on_hand = reader.zigzag();
  fact.reserved = reader.zigzag();
  fact.available = reader.zigzag();
  fact.at.ms = reader.zigzag();
  return true;
}

struct CommandWriter {
  ByteWriter& writer;
  void operator()(const SetStock& command) {
    writer.text(command.sku);
    writer.zigzag(command.on_hand);
    writer.zigzag(command.safety);
    writer.text(command.reference);
  }
  void operator()(const Reserve& command) {
    writer.text(command.id);
    writer.zigzag(command.ttl_ms);
    writer.varint(command.lines.size());
    for (const auto& line : command.lines) {
      writer.text(line.sku);
      writer.zigzag(line.quantity);
    }
  }
  void operator()(const CommitReservation& command) { writer.text(command.id); }
  void operator()(const ReleaseReservation& command) { writer.text(command.id); }
};

bool read(ByteReader& reader, SetStock& command) {
  command.sku = reader.text();
  command.on_hand = reader.zigzag();
  command.safety = reader.zigzag();
  command.reference = reader.text();
  return true;
}

bool read(ByteReader& reader, Reserve& command) {
  command.id = reader.text();
  command.ttl_ms = reader.zigzag();
  const std::uint64_t lines = reader.varint();
  if (lines > reader.remaining()) return false;
  command.lines.resize(lines);
  for (auto& line : command.lines) {
    line.sku = reader.text();
    line.quantity = reader.zigzag();
  }
  return true;
}

bool read(ByteReader& reader, CommitReservation& command) {
  command.id = reader.text();
  return true;
}

bool read(ByteReader& reader, ReleaseReservation& command) {
  command.id = reader.text();
  return true;
}

// Reads the alternative with index `tag` of a variant.
template <class Variant, std::size_t I = 0>
bool read_alternative(ByteReader& reader, std::size_t tag, Variant& into) {
  if constexpr (I == std::variant_size_v<Variant>) {
    return false;
  } else {
    if (tag != I) return read_alternative<Variant, I + 1>(reader, tag, into);
    return read(reader, into.template emplace<I>());
  }
}

Error corrupt(std::string_view what) { return Error(ErrorCode::corrupt, std::string(what)); }

bool open(ByteReader& reader, RecordKind kind) {
  return reader.u8() == static_cast<std::uint8_t>(kind) && reader.u8() == kVersion;
}

bool read_position(ByteReader& reader, SourcePosition& position) {
  const std::uint8_t topic = reader.u8();
  position.topic = static_cast<Topic>(topic);
  position.partition = static_cast<std::uint32_t>(reader.varint());
  position.offset = reader.varint();
  position.index = static_cast<std::uint32_t>(reader.varint());
  return reader.ok() && topic < kTopicCount;
}

}  // namespace

void encode_fact_position(const SourcePosition& position, std::string& out) {
  ByteWriter writer(out);
  writer.u8(static_cast<std::uint8_t>(RecordKind::fact));
  writer.u8(kVersion);
  writer.u8(static_cast<std::uint8_t>(position.topic));
  writer.varint(position.partition);
  writer.varint(position.offset);
  writer.varint(position.index);
}

void encode_fact_body(const Fact& fact, std::string& out) {
  ByteWriter writer(out);
  writer.u8(static_cast<std::uint8_t>(fact.index()));
  std::visit(FactWriter{writer}, fact);
}

void encode_fact_body(const ProductActivity& fact, std::string& out) {
  static_assert(std::is_same_v<std::variant_alternative_t<0, Fact>, ProductActivity>);
  ByteWriter writer(out);
  writer.u8(0);
  FactWriter{writer}(fact);
}

void encode_fact(const SourcePosition& position, const Fact& fact, std::string& out) {
  encode_fact_position(position, out);
  encode_fact_body(fact, out);
}

base::Result<Fact> decode_fact_body(std::string_view body) {
  ByteReader reader(body);
  Fact fact;
  const std::uint8_t tag = reader.u8();
  if (!read_alternative(reader, tag, fact) || !reader.ok() || !reader.at_end()) {
    return corrupt("fact is cut off or has bytes left over");
  }
  return fact;
}

base::Result<SourcePosition> fact_position(std::string_view payload) {
  ByteReader reader(payload);
  SourcePosition position;
  if (!open(reader, RecordKind::fact) || !read_position(reader, position)) return corrupt("not a fact");
  return position;
}

base::Result<PositionedFact> decode_fact(std::string_view payload) {
  ByteReader reader(payload);
  PositionedFact result;
  if (!open(reader, RecordKind::fact) || !read_position(reader, result.position))
    return corrupt("not a fact");
  TRY_ASSIGN(result.fact, decode_fact_body(reader.rest()));
  return result;
}

void encode_command(base::WallTime at, const StockCommand& command, std::string& out) {
  ByteWriter writer(out);
  writer.u8(static_cast<std::uint8_t>(RecordKind::command));
  writer.u8(kVersion);
  writer.zigzag(at.ms);
  writer.u8(static_cast<std::uint8_t>(command.index()));
  std::visit(CommandWriter{writer}, command);
}

base::Result<TimedCommand> decode_command(std::string_view payload) {
  ByteReader reader(payload);
  TimedCommand result;
  if (!open(reader, RecordKind::command)) return corrupt("not a command");
  result.at.ms = reader.zigzag();
  const std::uint8_t tag = reader.u8();
  if (!read_alternative(reader, tag, result.command) || !reader.ok() || !reader.at_end()) {
    return corrupt("command is cut off or has bytes left over");
  }
  return result;
}

}  // namespace millrace::event
