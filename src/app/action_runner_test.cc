#include "app/action_runner.h"

#include <doctest/doctest.h>

#include "journal/memory_journal.h"
#include "sim/sim_clock.h"
#include "sim/sim_disk.h"

using namespace millrace;
using namespace millrace::app;

namespace {

std::uint64_t next_offset = 0;

void tell(journal::MemoryJournal& actions, event::ActionKind kind, std::uint64_t id,
          const std::string& visitor) {
  event::Action action;
  action.id = kind == event::ActionKind::cart_abandoned ? id : commerce::cancellation_id(id);
  action.kind = kind;
  action.visitor_id = visitor;
  journal::RecordBuffer record;
  event::encode_fact({event::Topic::events, 0, next_offset++, 0}, event::Fact(std::move(action)),
                     record.begin());
  record.finish();
  REQUIRE(actions.append(record).ok());
  REQUIRE(actions.sync().ok());
}

}  // namespace

TEST_CASE("offers are there after a restart, but for those of carts that were bought") {
  using event::ActionKind;
  journal::MemoryJournal actions;
  sim::SimDisk disk(7);
  sim::SimClock clock;
  base::SeededRandom random(7);
  for (int start = 0; start < 3; ++start) {
    if (start == 1) {
      tell(actions, ActionKind::cart_abandoned, 1, "v");
      tell(actions, ActionKind::cart_abandoned, 2, "w");
      tell(actions, ActionKind::cart_abandonment_cancelled, 1, "v");
    }
    auto runner = ActionRunner::open({}, disk, actions, clock, random);
    REQUIRE(runner.ok());
    CHECK_FALSE((*runner)->offers().find("v"));
    CHECK((*runner)->offers().find("w").has_value() == (start > 0));
    (*runner)->stop();
  }
}

TEST_CASE("an address that actions cannot be posted to is an error that names the setting") {
  journal::MemoryJournal actions;
  sim::SimDisk disk(7);
  sim::SimClock clock;
  base::SeededRandom random(7);
  for (const char* url : {"ftp://shop.example", "shop.example", "https://shop.example/a b", "http://"}) {
    INFO(url);
    WebhookSettings settings;
    settings.url = url;
    const auto runner = ActionRunner::open(settings, disk, actions, clock, random);
    REQUIRE_FALSE(runner.ok());
    CHECK_NE(runner.error().message().find("webhook.url"), std::string::npos);
  }
}
