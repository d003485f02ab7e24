#include "app/outcome_board.h"

#include <doctest/doctest.h>

using namespace millrace;
using app::OutcomeBoard;

namespace {

struct Client {
  int status = 0;
  std::string body;
  int answers = 0;
  OutcomeBoard::Answer answer() {
    return [this](int with, std::string text) {
      status = with;
      body = std::move(text);
      ++answers;
    };
  }
};

}  // namespace

TEST_CASE("an answer needs both the outcome and the durable record, in either order") {
  OutcomeBoard board(journal::Offset{0});
  Client early, late;
  board.claim({1}, early.answer());
  CHECK(early.answers == 0);
  board.publish({{1, 201, "first"}, {2, 409, "second"}});
  CHECK(early.status == 201);
  CHECK(early.body == "first");
  board.claim({2}, late.answer());
  CHECK(late.status == 409);
  CHECK(late.body == "second");
  CHECK(early.answers == 1);
  CHECK(late.answers == 1);
}

TEST_CASE("outcomes of records from before the start have nobody waiting") {
  OutcomeBoard board(journal::Offset{10});
  Client client;
  board.publish({{9, 200, "a repeat"}, {10, 200, "new"}});
  // Offsets below the start are never given to anyone again; had the repeat been kept it would be kept for ever.
  board.claim({9}, client.answer());
  CHECK(client.answers == 0);
  board.claim({10}, client.answer());
  CHECK(client.body == "new");
}

TEST_CASE("an outcome is answered once, and whoever answers may claim another at once") {
  OutcomeBoard board(journal::Offset{0});
  Client client;
  board.publish({{7, 200, "seven"}});
  board.claim({6}, [&](int, std::string) { board.claim({7}, client.answer()); });
  board.publish({{6, 200, "six"}});
  CHECK(client.body == "seven");
  Client nobody;
  board.claim({7}, nobody.answer());
  CHECK(nobody.answers == 0);
}
