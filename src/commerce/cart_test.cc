#include "commerce/cart.h"

#include <doctest/doctest.h>

#include <string>

using namespace millrace;
using namespace millrace::commerce;

namespace {

constexpr std::uint64_t kVisitor = 7;
constexpr std::int64_t kHour = 3'600'000;

CartChange change(CartChange::Kind kind, std::int64_t at_ms) {
  CartChange made;
  made.kind = kind;
  made.mark.at_ms = at_ms;
  made.line.product_id = "p";
  made.line.quantity = 1;
  return made;
}

Cart read_again(const Cart& cart) {
  std::string bytes;
  base::ByteWriter writer(bytes);
  cart.encode(writer);
  Cart read;
  base::ByteReader reader(bytes);
  REQUIRE(read.decode(reader));
  REQUIRE(reader.at_end());
  std::string again;
  base::ByteWriter second(again);
  read.encode(second);
  CHECK(again == bytes);
  return read;
}

std::vector<event::CartLine> lines(const Cart& cart) {
  std::vector<event::CartLine> found;
  event::Currency currency;
  cart.contents({}, found, currency);
  return found;
}

}  // namespace

TEST_CASE("a new cart that took over a bought one is read as it was written, and knows of the purchase") {
  const CartSettings settings;
  CartEffects effects;
  Cart bought, fresh;
  bought.apply(change(CartChange::Kind::purchase, 2 * kHour), settings, kVisitor, 3 * kHour, effects);
  fresh.merge(bought, settings);
  CHECK_FALSE(fresh.untouched());
  Cart read = read_again(fresh);
  CHECK_FALSE(read.untouched());
  read.apply(change(CartChange::Kind::add, kHour), settings, kVisitor, 3 * kHour, effects);
  CHECK(lines(read).empty());
  read.apply(change(CartChange::Kind::add, 3 * kHour), settings, kVisitor, 3 * kHour, effects);
  CHECK(lines(read).size() == 1);
}

TEST_CASE(
    "a new cart that took over an abandoned one whose message went to nobody is read as it was written") {
  CartSettings settings;
  settings.silence_ms = 1000 * kHour;
  CartEffects effects;
  Cart abandoned, fresh;
  abandoned.apply(change(CartChange::Kind::add, kHour), settings, kVisitor, kHour, effects);
  abandoned.settle(settings, kVisitor, 100 * kHour, effects);
  REQUIRE(effects.abandoned.size() == 1);
  abandoned.withhold(effects.abandoned[0].trigger_id);
  abandoned.apply(change(CartChange::Kind::remove, 100 * kHour), settings, kVisitor, 100 * kHour, effects);
  fresh.merge(abandoned, settings);
  CHECK(lines(fresh).empty());
  Cart read = read_again(fresh);
  effects.clear();
  read.apply(change(CartChange::Kind::add, 101 * kHour), settings, kVisitor, 101 * kHour, effects);
  read.settle(settings, kVisitor, 200 * kHour, effects);
  CHECK(effects.silenced == 1);
}

TEST_CASE("what marks an untouched cart as bought or abandoned is read past, and anything else is refused") {
  for (int bits = 0; bits < 256; ++bits) {
    if ((bits & 1) != 0 && bits < 16) continue;
    CAPTURE(bits);
    const std::string bytes(1, static_cast<char>(bits));
    base::ByteReader reader(bytes);
    Cart cart;
    CHECK(cart.decode(reader) == ((bits & ~12) == 0));
    if ((bits & ~12) == 0) CHECK(cart.untouched());
  }
}
