#include "app/offer_board.h"

#include <doctest/doctest.h>

using namespace millrace;
using namespace millrace::app;
using event::ActionKind;

namespace {

event::Action action(std::uint64_t id, ActionKind kind, std::string visitor, std::int64_t at_ms) {
  event::Action made;
  made.id = id;
  made.kind = kind;
  made.visitor_id = std::move(visitor);
  made.at = {at_ms};
  return made;
}

}  // namespace

TEST_CASE("a cart that was left is an offer until it is bought") {
  OfferBoard board;
  const auto cancel = [&](std::uint64_t id, std::string visitor, std::int64_t at_ms) {
    board.apply(action(commerce::cancellation_id(id), ActionKind::cart_abandonment_cancelled,
                       std::move(visitor), at_ms));
  };
  CHECK_FALSE(board.find("v"));
  board.apply(action(1, ActionKind::cart_abandoned, "v", 100));
  board.apply(action(2, ActionKind::cart_abandoned, "w", 100));
  REQUIRE(board.find("v"));
  CHECK_EQ(board.find("v")->id, 1);
  cancel(1, "v", 200);
  CHECK_FALSE(board.find("v"));
  CHECK(board.find("w"));
  board.apply(action(4, ActionKind::cart_abandoned, "v", 300));
  cancel(1, "v", 200);
  REQUIRE(board.find("v"));
  CHECK_EQ(board.find("v")->id, 4);
  cancel(5, "nobody", 200);
  // The purchase was before the abandonment, and told of behind it.
  cancel(4, "v", 250);
  CHECK_FALSE(board.find("v"));
  // Another visitor of the same user took the cart over, and bought.
  cancel(2, "x", 900);
  CHECK_FALSE(board.find("w"));
}

TEST_CASE("the oldest visitors leave the board") {
  OfferBoard board;
  for (std::size_t i = 0; i < OfferBoard::kVisitorsMax + 10; ++i) {
    board.apply(action(i, ActionKind::cart_abandoned, "v" + std::to_string(i), 1));
  }
  CHECK_FALSE(board.find("v9"));
  CHECK(board.find("v10"));
  // A newer offer makes its visitor one of the newest.
  board.apply(action(1'000'000, ActionKind::cart_abandoned, "v10", 2));
  board.apply(action(1'000'001, ActionKind::cart_abandoned, "new", 2));
  CHECK(board.find("v10"));
  CHECK_FALSE(board.find("v11"));
}
