#include "event/record.h"

#include <doctest/doctest.h>

#include "base/bytes.h"
#include "base/random.h"
#include "event/fact.h"

using namespace millrace;
using namespace millrace::event;

namespace {

std::string text_of(base::SeededRandom& random, std::size_t max) {
  std::string text(random.below(max + 1), '\0');
  for (auto& c : text) c = static_cast<char>(random.next());
  return text;
}

// Memory for an event of random content, some of it inside the raw bytes.
struct OwnedEvent {
  std::string raw;
  std::vector<std::string> texts;
  Event event;
};

OwnedEvent random_event(base::SeededRandom& random) {
  OwnedEvent owned;
  owned.raw = text_of(random, 300);
  owned.texts.reserve(kTextCount + 64);
  const auto text = [&]() -> std::string_view {
    if (random.chance(0.4)) return {};
    if (random.chance(0.5) && !owned.raw.empty()) {
      const std::size_t from = random.below(owned.raw.size());
      return std::string_view(owned.raw).substr(from, random.below(owned.raw.size() - from + 1));
    }
    return owned.texts.emplace_back(text_of(random, 20));
  };
  Event& event = owned.event;
  event.raw = owned.raw;
  event.type = static_cast<EventType>(random.below(kEventTypeCount));
  event.source = static_cast<std::uint16_t>(random.next());
  event.received_at.ms = static_cast<std::int64_t>(random.below(1ull << 42));
  event.event_time.ms = event.received_at.ms - static_cast<std::int64_t>(random.below(1ull << 33));
  event.client_time.ms = random.chance(0.5) ? 0 : event.event_time.ms + 17;
  event.flags = static_cast<std::uint32_t>(random.next());
  if (random.chance(0.5)) event.currency = parse_currency("EUR");
  if (random.chance(0.5)) {
    event.purposes.granted = static_cast<std::uint8_t>(random.below(Purposes::kAll + 1u));
    event.purposes.decided = random.chance(0.8);
  }
  if (random.chance(0.3)) {
    event.bot_score = static_cast<std::uint8_t>(random.below(101));
    event.bot_reasons = static_cast<std::uint16_t>(random.next());
  }
  for (auto& field : event.texts) field = text();
  for (std::size_t i = 0; i < kAmountCount; ++i) {
    if (random.chance(0.5)) event.set(static_cast<Amount>(i), {static_cast<std::int64_t>(random.next())});
  }
  for (std::size_t i = random.below(4); i > 0; --i) {
    ProductLine line;
    line.product_id = text();
    line.category = text();
    line.coupon = text();
    line.has_price = random.chance(0.5);
    if (line.has_price) line.price.micros = static_cast<std::int64_t>(random.next());
    line.quantity = static_cast<std::int64_t>(random.below(5));
    line.position = static_cast<std::int32_t>(random.below(3)) - 1;
    event.products.push_back(line);
  }
  return owned;
}

void check_equal(const Event& a, const Event& b) {
  REQUIRE(a.type == b.type);
  REQUIRE_EQ(a.source, b.source);
  REQUIRE_EQ(a.received_at.ms, b.received_at.ms);
  REQUIRE_EQ(a.event_time.ms, b.event_time.ms);
  REQUIRE_EQ(a.client_time.ms, b.client_time.ms);
  REQUIRE_EQ(a.flags, b.flags);
  REQUIRE(a.currency == b.currency);
  REQUIRE(a.purposes == b.purposes);
  REQUIRE_EQ(a.bot_score, b.bot_score);
  REQUIRE_EQ(a.bot_reasons, b.bot_reasons);
  REQUIRE(a.texts == b.texts);
  REQUIRE_EQ(a.present_amounts, b.present_amounts);
  REQUIRE(a.amounts == b.amounts);
  REQUIRE(a.raw == b.raw);
  REQUIRE_EQ(a.products.size(), b.products.size());
  for (std::size_t i = 0; i < a.products.size(); ++i) {
    REQUIRE(a.products[i].product_id == b.products[i].product_id);
    REQUIRE(a.products[i].category == b.products[i].category);
    REQUIRE(a.products[i].coupon == b.products[i].coupon);
    REQUIRE_EQ(a.products[i].has_price, b.products[i].has_price);
    REQUIRE_EQ(a.products[i].price.micros, b.products[i].price.micros);
    REQUIRE_EQ(a.products[i].quantity, b.products[i].quantity);
    REQUIRE_EQ(a.products[i].position, b.products[i].position);
  }
}

}  // namespace

TEST_CASE("an event survives encoding, into a decoder that held another one") {
  constexpr std::uint64_t kSeed = 20261121;
  CAPTURE(kSeed);
  base::SeededRandom random(kSeed);
  Event decoded;
  for (int i = 0; i < 2000; ++i) {
    const OwnedEvent owned = random_event(random);
    std::string payload;
    encode_event(owned.event, payload);
    REQUIRE(decode_event(payload, decoded).ok());
    check_equal(owned.event, decoded);
  }
}

TEST_CASE("an event cut off anywhere is corrupt, and no byte changed makes a decoder read outside it") {
  constexpr std::uint64_t kSeed = 7;
  CAPTURE(kSeed);
  base::SeededRandom random(kSeed);
  Event decoded;
  for (int i = 0; i < 50; ++i) {
    const OwnedEvent owned = random_event(random);
    std::string payload;
    encode_event(owned.event, payload);
    for (std::size_t size = 0; size < payload.size(); ++size) {
      REQUIRE_FALSE(decode_event(std::string_view(payload).substr(0, size), decoded).ok());
    }
    for (int j = 0; j < 200; ++j) {
      std::string damaged = payload;
      damaged[random.below(damaged.size())] = static_cast<char>(random.next());
      if (!decode_event(damaged, decoded).ok()) continue;
      for (const auto text : decoded.texts) {
        const bool inside = text.empty() || (text.data() >= damaged.data() &&
                                             text.data() + text.size() <= damaged.data() + damaged.size());
        REQUIRE(inside);
      }
    }
  }
}

TEST_CASE("times that no sum can hold wrap, and nothing else is read of them") {
  std::string payload;
  encode_event(Event{}, payload);
  payload.resize(2);  // Kind and version.
  base::ByteWriter writer(payload);
  for (int i = 0; i < 4; ++i) writer.u8(0);  // No raw bytes; type, source, flags.
  for (int i = 0; i < 3; ++i) writer.zigzag(INT64_MAX);
  writer.u8(1);
  writer.u64(0);
  const auto head = decode_event_head(payload);
  REQUIRE(head.ok());
  CHECK_EQ(head->received_at.ms, INT64_MAX);
  CHECK_EQ(head->event_time.ms, -2);
}

TEST_CASE("facts and commands survive encoding") {
  OrderPlaced placed;
  placed.order.order_id = "o-1";
  placed.order.revenue = {12'500'000};
  placed.order.currency = parse_currency("EUR");
  placed.order.lines.push_back({"sku", "name", "cat", 2, {5}});
  const SourcePosition position{Topic::events, 3, 99, 2};
  std::string payload;
  encode_fact(position, placed, payload);
  CHECK(*record_kind(payload) == RecordKind::fact);
  CHECK(*fact_position(payload) == position);
  const auto decoded = decode_fact(payload);
  REQUIRE(decoded.ok());
  const auto& order = std::get<OrderPlaced>(decoded->fact).order;
  CHECK_EQ(order.order_id, "o-1");
  CHECK_EQ(order.revenue.micros, 12'500'000);
  CHECK_EQ(order.lines.at(0).quantity, 2);
  for (std::size_t size = 0; size < payload.size(); ++size) {
    CHECK_FALSE(decode_fact(std::string_view(payload).substr(0, size)).ok());
  }

  std::string command;
  encode_command({5}, Reserve{"r", {{"a", 1}, {"b", 2}}, 900'000}, command);
  const auto timed = decode_command(command);
  REQUIRE(timed.ok());
  CHECK_EQ(timed->at.ms, 5);
  CHECK_EQ(std::get<Reserve>(timed->command).lines.at(1).sku, "b");
}

TEST_CASE("ticks and quarantined items survive encoding") {
  std::string payload;
  encode_tick({{1234}}, payload);
  CHECK_EQ(decode_tick(payload)->wall.ms, 1234);
  std::string item;
  encode_quarantined({2, {77}, "missing_identity", "/anonymousId", "no id", "{}"}, item);
  const auto decoded = decode_quarantined(item);
  REQUIRE(decoded.ok());
  CHECK_EQ(decoded->reason, "missing_identity");
  CHECK_EQ(decoded->raw, "{}");
  CHECK_FALSE(record_kind("").ok());
  CHECK_FALSE(record_kind("\x09").ok());
}

namespace {

std::string hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    out += kDigits[static_cast<unsigned char>(c) >> 4];
    out += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

Event small_event() {
  Event event;
  event.type = EventType::product_viewed;
  event.source = 3;
  event.received_at.ms = 1000;
  event.event_time.ms = 990;
  event.raw = R"({"a":"v1"})";
  event[Text::anonymous_id] = event.raw.substr(6, 2);
  return event;
}

}  // namespace

TEST_CASE("an event's bytes are the golden ones, and those of version 1 stay as they were") {
  Event event = small_event();
  std::string plain;
  encode_event(event, plain);
  constexpr std::string_view kBody =
      "0a7b2261223a227631227d"
      "0a"
      "03"
      "00"
      "d00f"
      "13"
      "00"
      "00"
      "0200000000000000"
      "0506"
      "00"
      "00";
  CHECK_EQ(hex(plain), "0101" + std::string(kBody));
  event.purposes = {Purposes::bit(Purpose::necessary), true};
  event.bot_score = 90;
  event.bot_reasons = 5;
  std::string extended;
  encode_event(event, extended);
  CHECK_EQ(hex(extended), "0102" + std::string(kBody) +
                              "03"
                              "81"
                              "5a"
                              "05");
  Event decoded;
  REQUIRE(decode_event(extended, decoded));
  CHECK_FALSE(decoded.purposes.has(Purpose::analytics));
  REQUIRE(decode_event(plain, decoded));
  CHECK(decoded.purposes == Purposes{});
  CHECK_EQ(decoded.bot_score, 0);
  extended[1] = 3;
  CHECK_FALSE(decode_event(extended, decoded).ok());
  plain += std::string_view("\x04\x00", 2);  // An extension this version does not know.
  plain[1] = 2;
  CHECK_FALSE(decode_event(plain, decoded).ok());
}

TEST_CASE("a dropped item's bytes are the golden ones, and say nothing of its content") {
  std::string payload;
  encode_dropped({7, {77}, Verdict::consent_dropped, "no_consent"}, payload);
  CHECK_EQ(hex(payload), "0601079a01050a6e6f5f636f6e73656e74");
  const auto decoded = decode_dropped(payload);
  REQUIRE(decoded.ok());
  CHECK_EQ(decoded->source, 7);
  CHECK_EQ(decoded->received_at.ms, 77);
  CHECK(decoded->verdict == Verdict::consent_dropped);
  CHECK_EQ(decoded->reason, "no_consent");
  for (std::size_t size = 0; size < payload.size(); ++size) {
    CHECK_FALSE(decode_dropped(std::string_view(payload).substr(0, size)).ok());
  }
  std::string accepted = payload;
  accepted[5] = 0;
  CHECK_FALSE(decode_dropped(accepted).ok());
}
