#include "event/record.h"

#include <bit>

#include "base/bytes.h"
#include "event/field_writer.h"

namespace millrace::event {

namespace {

using base::ByteReader;
using base::ByteWriter;
using base::Error;
using base::ErrorCode;

constexpr std::uint8_t kVersion = 1;
// An event with anything of kExtension: version 1 and these behind it. Events without are written as version 1.
constexpr std::uint8_t kExtendedVersion = 2;

// Bits of an event's extension mask.
constexpr std::uint64_t kHasPurposes = 1u << 0;
constexpr std::uint64_t kHasBot = 1u << 1;
constexpr std::uint8_t kPurposesDecided = 0x80;

// Bits of a product line's mask.
constexpr std::uint64_t kLineTexts = 7;
constexpr std::uint64_t kHasPrice = 1u << 7;
constexpr std::uint64_t kHasQuantity = 1u << 8;
constexpr std::uint64_t kHasPosition = 1u << 9;

// Text as a reference into the raw bytes where it lies inside them, else in place: the low bit of the length tells.
class TextWriter {
 public:
  TextWriter(FieldWriter& writer, std::string_view raw) : writer_(writer), raw_(raw) {}
  void write(std::string_view text) {
    const bool inside = text.data() >= raw_.data() && text.data() + text.size() <= raw_.data() + raw_.size();
    writer_.varint((text.size() << 1) | (inside ? 1u : 0u));
    if (inside) {
      writer_.varint(static_cast<std::uint64_t>(text.data() - raw_.data()));
    } else {
      writer_.raw(text);
    }
  }

 private:
  FieldWriter& writer_;
  std::string_view raw_;
};

class TextReader {
 public:
  TextReader(ByteReader& reader, std::string_view raw) : reader_(reader), raw_(raw) {}
  std::string_view read() {
    const std::uint64_t tagged = reader_.varint();
    const std::uint64_t size = tagged >> 1;
    if ((tagged & 1) == 0) return reader_.raw(size);
    const std::uint64_t offset = reader_.varint();
    if (offset > raw_.size() || size > raw_.size() - offset) {
      ok_ = false;
      return {};
    }
    return raw_.substr(offset, size);
  }
  bool ok() const { return ok_ && reader_.ok(); }

 private:
  ByteReader& reader_;
  std::string_view raw_;
  bool ok_ = true;
};

std::array<std::string_view, kLineTexts> texts_of(const ProductLine& line) {
  return {line.product_id, line.sku, line.name, line.brand, line.category, line.variant, line.coupon};
}

void write_line(const ProductLine& line, FieldWriter& writer, TextWriter& texts) {
  const auto fields = texts_of(line);
  std::uint64_t mask = 0;
  for (std::size_t i = 0; i < fields.size(); ++i) mask |= fields[i].empty() ? 0u : std::uint64_t{1} << i;
  if (line.has_price) mask |= kHasPrice;
  if (line.quantity != 1) mask |= kHasQuantity;
  if (line.position >= 0) mask |= kHasPosition;
  writer.varint(mask);
  for (const auto& field : fields) {
    if (!field.empty()) texts.write(field);
  }
  if (line.has_price) writer.zigzag(line.price.micros);
  if (line.quantity != 1) writer.zigzag(line.quantity);
  if (line.position >= 0) writer.varint(static_cast<std::uint64_t>(line.position));
}

ProductLine read_line(ByteReader& reader, TextReader& texts) {
  ProductLine line;
  const std::uint64_t mask = reader.varint();
  const auto next = [&](unsigned bit) { return (mask >> bit) & 1u ? texts.read() : std::string_view(); };
  line.product_id = next(0);
  line.sku = next(1);
  line.name = next(2);
  line.brand = next(3);
  line.category = next(4);
  line.variant = next(5);
  line.coupon = next(6);
  line.has_price = (mask & kHasPrice) != 0;
  if (line.has_price) line.price.micros = reader.zigzag();
  if (mask & kHasQuantity) line.quantity = reader.zigzag();
  if (mask & kHasPosition) line.position = static_cast<std::int32_t>(reader.varint());
  return line;
}

// Of damaged bytes the sum may be none.
std::int64_t wrapping_sum(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}

Error corrupt(std::string_view what) { return Error(ErrorCode::corrupt, std::string(what)); }

// What an event's record begins with.
struct FrontFields {
  std::uint8_t version = 0;
  std::string_view raw;
  EventType type = EventType::other;
  std::uint16_t source = 0;
  std::uint32_t flags = 0;
  base::WallTime received_at, event_time, client_time;
};

base::Status read_front(ByteReader& reader, FrontFields& front) {
  if (reader.u8() != static_cast<std::uint8_t>(RecordKind::event))
    return corrupt("record is of another kind");
  front.version = reader.u8();
  if (front.version != kVersion && front.version != kExtendedVersion)
    return corrupt("record has an unknown version");
  front.raw = reader.text();
  const std::uint8_t type = reader.u8();
  if (type >= kEventTypeCount) return corrupt("event has an unknown type");
  front.type = static_cast<EventType>(type);
  front.source = static_cast<std::uint16_t>(reader.varint());
  front.flags = static_cast<std::uint32_t>(reader.varint());
  front.received_at.ms = reader.zigzag();
  front.event_time.ms = wrapping_sum(front.received_at.ms, reader.zigzag());
  const std::int64_t client_delta = reader.zigzag();
  front.client_time.ms = reader.u8() == 0 ? 0 : wrapping_sum(front.event_time.ms, client_delta);
  return base::Ok{};
}

base::Result<ByteReader> open(std::string_view payload, RecordKind kind) {
  ByteReader reader(payload);
  if (reader.u8() != static_cast<std::uint8_t>(kind)) return corrupt("record is of another kind");
  if (reader.u8() != kVersion) return corrupt("record has an unknown version");
  return reader;
}

std::uint64_t extension_of(const Event& event) {
  const bool bot = (event.bot_score | event.bot_reasons) != 0;
  return (event.purposes == Purposes{} ? 0 : kHasPurposes) | (bot ? kHasBot : 0);
}

void write_extension(const Event& event, std::uint64_t mask, FieldWriter& writer) {
  writer.varint(mask);
  if (mask & kHasPurposes) {
    writer.u8(
        static_cast<std::uint8_t>(event.purposes.granted | (event.purposes.decided ? kPurposesDecided : 0)));
  }
  if (mask & kHasBot) {
    writer.u8(event.bot_score);
    writer.varint(event.bot_reasons);
  }
}

bool read_extension(ByteReader& reader, Event& into) {
  const std::uint64_t mask = reader.varint();
  if (mask == 0 || (mask & ~(kHasPurposes | kHasBot)) != 0) return false;
  if (mask & kHasPurposes) {
    const std::uint8_t bits = reader.u8();
    into.purposes.granted = bits & Purposes::kAll;
    into.purposes.decided = (bits & kPurposesDecided) != 0;
  }
  if (mask & kHasBot) {
    into.bot_score = reader.u8();
    into.bot_reasons = static_cast<std::uint16_t>(reader.varint());
  }
  return reader.ok();
}

}  // namespace

base::Result<RecordKind> record_kind(std::string_view payload) {
  if (payload.empty()) return corrupt("empty record");
  const auto kind = static_cast<std::uint8_t>(payload.front());
  if (kind < 1 || kind > static_cast<std::uint8_t>(RecordKind::dropped))
    return corrupt("unknown record kind");
  return static_cast<RecordKind>(kind);
}

void encode_event(const Event& event, std::string& out) {
  FieldWriter writer(out);
  const std::uint64_t extension = extension_of(event);
  writer.u8(static_cast<std::uint8_t>(RecordKind::event));
  writer.u8(extension == 0 ? kVersion : kExtendedVersion);
  writer.varint(event.raw.size());
  writer.raw(event.raw);
  writer.u8(static_cast<std::uint8_t>(event.type));
  writer.varint(event.source);
  writer.varint(event.flags);
  writer.zigzag(event.received_at.ms);
  writer.zigzag(event.event_time - event.received_at);
  writer.zigzag(event.client_time.ms == 0 ? 0 : event.client_time - event.event_time);
  writer.u8(event.client_time.ms == 0 ? 0 : 1);

  TextWriter texts(writer, event.raw);
  std::uint64_t mask = 0;
  for (std::size_t i = 0; i < kTextCount; ++i) mask |= event.texts[i].empty() ? 0u : std::uint64_t{1} << i;
  writer.u64(mask);
  for (std::uint64_t left = mask; left != 0; left &= left - 1)
    texts.write(event.texts[static_cast<std::size_t>(std::countr_zero(left))]);
  writer.varint((event.present_amounts << 1) | (event.currency.known() ? 1u : 0u));
  for (std::size_t i = 0; i < kAmountCount; ++i) {
    if (event.has(static_cast<Amount>(i))) writer.zigzag(event.amounts[i].micros);
  }
  if (event.currency.known()) writer.raw(event.currency.text());
  writer.varint(event.products.size());
  for (const auto& line : event.products) write_line(line, writer, texts);
  if (extension != 0) write_extension(event, extension, writer);
}

base::Result<EventHead> decode_event_head(std::string_view payload) {
  static_assert(static_cast<int>(Text::message_id) == 0 && static_cast<int>(Text::anonymous_id) == 1 &&
                static_cast<int>(Text::user_id) == 2);
  ByteReader reader(payload);
  FrontFields front;
  TRY(read_front(reader, front));
  TextReader texts(reader, front.raw);
  const std::uint64_t mask = reader.u64();
  EventHead head{front.type, front.source, front.received_at, front.event_time, front.raw, {}, {}, {}};
  if (mask & 1) head.message_id = texts.read();
  if (mask & 2) head.anonymous_id = texts.read();
  if (mask & 4) head.user_id = texts.read();
  if (!texts.ok()) return corrupt("event is cut off");
  return head;
}

base::Status decode_event(std::string_view payload, Event& into) {
  ByteReader reader(payload);
  FrontFields front;
  TRY(read_front(reader, front));
  into.raw = front.raw;
  into.type = front.type;
  into.source = front.source;
  into.flags = front.flags;
  into.received_at = front.received_at;
  into.event_time = front.event_time;
  into.client_time = front.client_time;

  TextReader texts(reader, into.raw);
  const std::uint64_t mask = reader.u64();
  if (mask >> kTextCount != 0) return corrupt("event has an unknown field");
  for (std::size_t i = 0; i < kTextCount; ++i) {
    into.texts[i] = (mask >> i) & 1u ? texts.read() : std::string_view();
  }
  const std::uint64_t amounts = reader.varint();
  into.present_amounts = amounts >> 1;
  if (into.present_amounts >> kAmountCount != 0) return corrupt("event has an unknown amount");
  for (std::size_t i = 0; i < kAmountCount; ++i) {
    into.amounts[i].micros = into.has(static_cast<Amount>(i)) ? reader.zigzag() : 0;
  }
  into.currency = {};
  if (amounts & 1) {
    const std::string_view code = reader.raw(3);
    if (code.size() == 3) into.currency.code = {code[0], code[1], code[2]};
  }
  const std::uint64_t lines = reader.varint();
  // A line takes at least one byte: a count beyond what is left is a lie, and must not size an allocation.
  if (lines > reader.remaining()) return corrupt("event has more lines than bytes");
  into.products.clear();
  for (std::uint64_t i = 0; i < lines; ++i) into.products.push_back(read_line(reader, texts));
  into.purposes = {};
  into.bot_score = 0;
  into.bot_reasons = 0;
  if (front.version == kExtendedVersion && !read_extension(reader, into))
    return corrupt("event has an unknown extension");
  if (!texts.ok() || !reader.at_end()) return corrupt("event is cut off or has bytes left over");
  return base::Ok{};
}

void encode_quarantined(const QuarantinedItem& item, std::string& out) {
  ByteWriter writer(out);
  writer.u8(static_cast<std::uint8_t>(RecordKind::quarantined));
  writer.u8(kVersion);
  writer.varint(item.source);
  writer.zigzag(item.received_at.ms);
  writer.text(item.reason);
  writer.text(item.pointer);
  writer.text(item.detail);
  writer.text(item.raw);
}

base::Result<QuarantinedItem> decode_quarantined(std::string_view payload) {
  TRY_ASSIGN(ByteReader reader, open(payload, RecordKind::quarantined));
  QuarantinedItem item;
  item.source = static_cast<std::uint16_t>(reader.varint());
  item.received_at.ms = reader.zigzag();
  item.reason = reader.text();
  item.pointer = reader.text();
  item.detail = reader.text();
  item.raw = reader.text();
  if (!reader.ok() || !reader.at_end()) return corrupt("quarantined item is cut off or has bytes left over");
  return item;
}

void encode_dropped(const DroppedItem& item, std::string& out) {
  ByteWriter writer(out);
  writer.u8(static_cast<std::uint8_t>(RecordKind::dropped));
  writer.u8(kVersion);
  writer.varint(item.source);
  writer.zigzag(item.received_at.ms);
  writer.u8(static_cast<std::uint8_t>(item.verdict));
  writer.text(item.reason);
}

base::Result<DroppedItem> decode_dropped(std::string_view payload) {
  TRY_ASSIGN(ByteReader reader, open(payload, RecordKind::dropped));
  DroppedItem item;
  item.source = static_cast<std::uint16_t>(reader.varint());
  item.received_at.ms = reader.zigzag();
  item.verdict = static_cast<Verdict>(reader.u8());
  item.reason = reader.text();
  if (!reader.ok() || !reader.at_end()) return corrupt("dropped item is cut off or has bytes left over");
  const bool known = item.verdict == Verdict::quarantined || item.verdict == Verdict::suppressed ||
                     item.verdict == Verdict::consent_dropped;
  if (!known) return corrupt("dropped item has a verdict that drops nothing");
  return item;
}

void encode_tick(Tick tick, std::string& out) {
  ByteWriter writer(out);
  writer.u8(static_cast<std::uint8_t>(RecordKind::tick));
  writer.u8(kVersion);
  writer.zigzag(tick.wall.ms);
}

base::Result<Tick> decode_tick(std::string_view payload) {
  TRY_ASSIGN(ByteReader reader, open(payload, RecordKind::tick));
  Tick tick;
  tick.wall.ms = reader.zigzag();
  if (!reader.ok() || !reader.at_end()) return corrupt("tick is cut off or has bytes left over");
  return tick;
}

}  // namespace millrace::event
