#include "commerce/visitor_oracle.h"

#include <doctest/doctest.h>

#include "base/random.h"

using namespace millrace;
using namespace millrace::commerce;
using event::EventType;
using event::Text;

namespace {

TestEvent random_event(base::SeededRandom& random, std::int64_t now) {
  constexpr EventType kTypes[] = {
      EventType::page_viewed,      EventType::page_viewed,     EventType::product_viewed,
      EventType::product_viewed,   EventType::product_added,   EventType::product_removed,
      EventType::checkout_started, EventType::order_completed, EventType::product_searched};
  TestEvent event;
  event.type = kTypes[random.below(std::size(kTypes))];
  event.visitor = "visitor-" + std::to_string(random.below(4));
  event.source = static_cast<std::uint16_t>(random.below(2));
  event.received_ms = now;
  event.at_ms = now;
  if (random.chance(0.4)) event.at_ms -= static_cast<std::int64_t>(random.below(40)) * base::kSecondMs;
  if (random.chance(0.1)) event.at_ms -= static_cast<std::int64_t>(random.below(25)) * base::kMinuteMs;
  if (random.chance(0.02)) event.at_ms -= static_cast<std::int64_t>(random.below(5)) * base::kHourMs;
  if (random.chance(0.05)) event.at_ms += static_cast<std::int64_t>(random.below(5)) * base::kMinuteMs;
  event.texts.emplace_back(Text::message_id, "m" + std::to_string(random.next() % 1'000'000'007));
  if (random.chance(0.7)) event.texts.emplace_back(Text::page_path, "/" + std::to_string(random.below(9)));
  if (random.chance(0.5))
    event.texts.emplace_back(Text::campaign_name, "c" + std::to_string(random.below(5)));
  if (event.type == EventType::product_viewed || event.type == EventType::product_added ||
      event.type == EventType::product_removed) {
    const auto number = random.below(6);
    event.lines.push_back(
        {"p" + std::to_string(number), number < 4 ? "k" + std::to_string(number) : "", 1, 1'500'000});
  }
  if (event.type == EventType::order_completed) {
    event.texts.emplace_back(Text::order_id, "o" + std::to_string(random.below(40)));
    event.revenue_micros = static_cast<std::int64_t>(random.below(1000)) * 10'000;
    event.currency = "EUR";
  }
  // What consent took out of an event changes what the ledger says of it, and nothing else.
  if (random.chance(0.1))
    event.set(random.chance(0.5) ? event::Flag::pseudonymised : event::Flag::anonymised);
  return event;
}

std::vector<TestEvent> random_history(base::SeededRandom& random) {
  std::vector<TestEvent> history;
  std::int64_t now = 1'700'000'000'000;
  const std::size_t size = 5 + random.below(70);
  for (std::size_t i = 0; i < size; ++i) {
    now += static_cast<std::int64_t>(random.below(random.chance(0.2) ? 50 : 6)) * base::kMinuteMs;
    if (random.chance(0.1)) now += base::kSecondMs * static_cast<std::int64_t>(random.below(100));
    // A day's end at the latest, so that no session can reach the longest a session may be.
    if (now > 1'700'000'000'000 + 20 * base::kHourMs) break;
    if (!history.empty() && random.chance(0.08)) {
      history.push_back(history[random.below(history.size())]);
      history.back().received_ms = now;
      continue;
    }
    history.push_back(random_event(random, now));
  }
  return history;
}

using Sessions = std::map<std::string, std::vector<VisitorOracle::SessionFigures>>;

// The sessions that stand when every correction and retraction has been followed.
Sessions final_sessions(const VisitorHarness& harness) {
  std::map<std::uint64_t, event::SessionClosed> newest;
  for (const auto& closed : harness.facts<event::SessionClosed>()) {
    const auto known = newest.find(closed.row.session_id);
    if (known != newest.end()) CHECK(closed.row.version == known->second.row.version + 1);
    if (known == newest.end()) CHECK(closed.row.version == 1);
    newest[closed.row.session_id] = closed;
  }
  Sessions sessions;
  for (const auto& [id, closed] : newest) {
    const event::SessionRow& row = closed.row;
    CHECK(id != 0);
    if (row.retracted) continue;
    sessions[row.visitor_id].push_back({row.started_at.ms, row.ended_at.ms, row.events, row.page_views,
                                        row.product_views, row.cart_adds, row.orders, row.revenue.micros,
                                        row.level, row.campaign_name, row.category, row.entry_page,
                                        row.exit_page, closed.items});
  }
  for (auto& [visitor, list] : sessions) std::sort(list.begin(), list.end());
  return sessions;
}

void compare(VisitorHarness& harness, const VisitorOracle::Figures& expected) {
  std::vector<event::Verdict> verdicts;
  for (const auto& row : harness.out().events) verdicts.push_back(row.verdict);
  CHECK(verdicts == expected.verdicts);
  CHECK(harness.stage().totals().late_events == expected.late);

  auto sessions = expected.sessions;
  std::erase_if(sessions, [](const auto& entry) { return entry.second.empty(); });
  CHECK((final_sessions(harness) == sessions));

  std::map<VisitorOracle::CellKey, std::array<std::uint32_t, event::kFunnelStepCount>> funnel;
  for (const auto& cell : harness.out().funnel) funnel[{cell.minute_ms, cell.category}] = cell.sessions;
  std::erase_if(funnel, [](const auto& entry) { return entry.second[0] == 0; });
  CHECK((funnel == expected.funnel));

  std::map<std::string, std::multiset<std::int64_t>> abandoned;
  std::map<std::string, std::size_t> cancelled;
  for (const auto& action : harness.facts<event::Action>()) {
    if (action.kind == event::ActionKind::cart_abandoned) abandoned[action.visitor_id].insert(action.at.ms);
    if (action.kind == event::ActionKind::cart_abandonment_cancelled) ++cancelled[action.visitor_id];
  }
  CHECK((abandoned == expected.abandoned));
  auto cancelled_expected = expected.cancelled;
  std::erase_if(cancelled_expected, [](const auto& entry) { return entry.second == 0; });
  CHECK((cancelled == cancelled_expected));

  auto ledger = expected.ledger;
  for (const auto& cell : harness.views<event::LedgerCell>()) {
    std::uint64_t sum = 0;
    for (const auto count : cell.verdicts) sum += count;
    CHECK(cell.received == sum);
    const auto key = std::pair(cell.source, cell.minute_ms / base::kMinuteMs);
    const std::array<std::uint64_t, 2> consent = {cell.pseudonymised, cell.anonymised};
    if (ledger.contains(key) && ledger[key] == cell.verdicts && expected.consent.at(key) == consent) {
      ledger.erase(key);
    }
  }
  CHECK(ledger.empty());
}

void finish(VisitorHarness& harness, const std::vector<TestEvent>& history) {
  harness.tick(history.back().received() + 3 * base::kDayMs);
  harness.end_batch();
}

std::map<std::string, std::string> contents(VisitorHarness& harness) {
  harness.checkpoint();
  std::map<std::string, std::string> entries;
  INVARIANT(harness.store()
                .scan("",
                      [&](std::string_view key, std::string_view value) {
                        if (!key.starts_with(process::kDerivedPrefix)) entries.emplace(key, value);
                        return true;
                      })
                .ok());
  return entries;
}

}  // namespace

TEST_CASE(
    "the stage agrees with the naive oracle on random histories with late, duplicate and reordered events") {
  VisitorTotals met;
  for (std::uint64_t seed = 1; seed <= 3000; ++seed) {
    CAPTURE(seed);
    base::SeededRandom random(seed);
    const auto history = random_history(random);
    VisitorSettings settings;
    if (random.chance(0.5)) settings.cart.silence_ms = 0;
    VisitorHarness harness(settings);
    for (const auto& event : history) {
      harness.feed(event);
      if (random.chance(0.1)) harness.end_batch();
    }
    finish(harness, history);
    compare(harness, VisitorOracle(settings).compute(history));
    met.late_events += harness.stage().totals().late_events;
    met.sessions_joined += harness.stage().totals().sessions_joined;
    met.abandonments_cancelled += harness.stage().totals().abandonments_cancelled;
    met.carts_silenced += harness.stage().totals().carts_silenced;
  }
  // The histories are worth nothing unless they hold what is hard.
  CHECK(met.late_events > 100);
  CHECK(met.sessions_joined > 50);
  CHECK(met.abandonments_cancelled > 100);
  CHECK(met.carts_silenced > 100);
}

TEST_CASE("crashes and checkpoints between records change neither the state nor what is told") {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    CAPTURE(seed);
    base::SeededRandom random(seed);
    const auto history = random_history(random);
    VisitorHarness calm;
    for (const auto& event : history) calm.feed(event);
    finish(calm, history);

    VisitorHarness troubled;
    std::map<std::uint64_t, std::vector<event::SessionRow>> rows;
    for (std::uint64_t at = 0; at < history.size();) {
      troubled.out().clear();
      troubled.feed(history[at]);
      rows[at] = troubled.out().sessions;
      ++at;
      if (random.chance(0.2)) troubled.end_batch();
      if (random.chance(0.1)) troubled.checkpoint();
      if (random.chance(0.1)) {
        troubled.restart();
        at = troubled.checkpoint_offset();
      }
    }
    troubled.out().clear();
    finish(troubled, history);
    std::vector<std::pair<std::uint64_t, std::uint32_t>> expected, found;
    for (const auto& row : calm.out().sessions) expected.emplace_back(row.session_id, row.version);
    rows[history.size()] = troubled.out().sessions;
    for (const auto& [offset, list] : rows) {
      for (const auto& row : list) found.emplace_back(row.session_id, row.version);
    }
    CHECK(expected == found);
    CHECK((contents(calm) == contents(troubled)));
  }
}
