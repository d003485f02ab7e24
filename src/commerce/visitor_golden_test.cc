// Published numbers of public data sets (docs/guide/replay-formats.md says how their rows become events).
#include <doctest/doctest.h>
#include <zlib.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <set>

#include "base/iso_time.h"
#include "commerce/visitor_harness.h"

using namespace millrace;
using namespace millrace::commerce;
using event::EventType;
using event::Text;

namespace {

constexpr char kRetailRocket[] =
    MILLRACE_SOURCE_DIR "/../shared/data/clickstream/retailrocket_sample_events_5000_visitors.csv";
constexpr char kRetentioneering[] =
    MILLRACE_SOURCE_DIR "/../shared/data/clickstream/retentioneering_ecom.csv.gz";

using Row = std::vector<std::string>;

// Rows of a file of commas without quotes, plain or gzipped, without its header. Nothing when it is not there.
std::optional<std::vector<Row>> read_rows(const char* path) {
  gzFile file = gzopen(path, "rb");
  if (file == nullptr) return std::nullopt;
  std::string text;
  char buffer[65536];
  for (int size = 0; (size = gzread(file, buffer, sizeof(buffer))) > 0;)
    text.append(buffer, static_cast<std::size_t>(size));
  gzclose(file);
  std::vector<Row> rows;
  for (std::size_t from = text.find('\n') + 1; from < text.size();) {
    const std::size_t end = std::min(text.find('\n', from), text.size());
    Row row(1);
    for (const char c : std::string_view(text).substr(from, end - from)) {
      if (c == ',') {
        row.emplace_back();
      } else if (c != '\r') {
        row.back().push_back(c);
      }
    }
    rows.push_back(std::move(row));
    from = end + 1;
  }
  return rows;
}

std::vector<TestEvent> retailrocket(const std::vector<Row>& rows) {
  std::vector<TestEvent> events;
  std::map<std::string, std::size_t> orders;
  std::size_t number = 0;
  for (const Row& row : rows) {
    const std::string id = "retailrocket-" + std::to_string(number++);
    const std::int64_t at = std::stoll(row[0]);
    const TestEvent::Line line{row[3], "", 1, 0};
    if (row[2] == "transaction") {
      if (const auto [order, fresh] = orders.emplace(row[4], events.size()); !fresh) {
        TestEvent& first = events[order->second];
        first.lines.push_back(line);
        first.at_ms = std::min(first.at_ms, at);
        continue;
      }
    }
    TestEvent event{.visitor = row[1], .at_ms = at, .texts = {{Text::message_id, id}}, .lines = {line}};
    event.type = row[2] == "view"        ? EventType::product_viewed
                 : row[2] == "addtocart" ? EventType::product_added
                                         : EventType::order_completed;
    if (row[2] == "transaction") event.texts.emplace_back(Text::order_id, row[4]);
    events.push_back(std::move(event));
  }
  std::stable_sort(events.begin(), events.end(),
                   [](const auto& a, const auto& b) { return a.at_ms < b.at_ms; });
  return events;
}

std::vector<TestEvent> retentioneering(const std::vector<Row>& rows) {
  const std::map<std::string, EventType> types = {
      {"catalog", EventType::product_list_viewed},
      {"search", EventType::product_searched},
      {"filter_results", EventType::product_list_filtered},
      {"product_view", EventType::product_viewed},
      {"wishlist_add", EventType::wishlist_added},
      {"add_to_cart", EventType::product_added},
      {"cart", EventType::cart_viewed},
      {"shipping_details", EventType::checkout_step_viewed},
      {"payment_details", EventType::payment_info_entered},
      {"payment_error", EventType::payment_failed},
      {"checkout_bug", EventType::other},
      {"support_chat", EventType::other},
      {"purchase", EventType::order_completed},
  };
  const std::map<std::string, std::string> mediums = {{"paid_search", "cpc"},
                                                      {"organic", "organic"},
                                                      {"email", "email"},
                                                      {"social", "social"},
                                                      {"direct", ""}};
  std::vector<TestEvent> events;
  for (const Row& row : rows) {
    TestEvent event{.visitor = row[0], .at_ms = (*base::parse_iso_time(row[3])).ms};
    const auto type = types.find(row[2]);
    event.type = type == types.end() ? EventType::page_viewed : type->second;
    event.texts = {{Text::message_id, "retentioneering-" + std::to_string(events.size())},
                   {Text::device_type, row[4]},
                   {Text::campaign_medium, mediums.at(row[5])},
                   {Text::group_id, row[1]}};  // Their session, to compare with; no operator looks at it.
    if (event.type == EventType::order_completed)
      event.texts.emplace_back(Text::order_id, row[0] + "-" + row[1]);
    events.push_back(std::move(event));
  }
  std::stable_sort(events.begin(), events.end(),
                   [](const auto& a, const auto& b) { return a.at_ms < b.at_ms; });
  return events;
}

VisitorSettings replay_settings() {
  VisitorSettings settings;
  settings.watermark.mode = process::TimeMode::events;
  settings.cart.silence_ms = 0;
  return settings;
}

void replay(VisitorHarness& harness, const std::vector<TestEvent>& events) {
  for (const auto& event : events) {
    harness.feed(event);
    if (harness.out().events.size() % 500 == 0) harness.end_batch();
  }
  harness.tick(events.back().at_ms + base::kDayMs);
  harness.end_batch();
  CHECK(harness.refused() == 0);
}

// The cells as they were published last.
std::map<std::string, event::FunnelCell> newest_cells(const VisitorHarness& harness) {
  std::map<std::string, event::FunnelCell> cells;
  for (const auto& cell : harness.views<event::FunnelCell>()) {
    cells[std::to_string(cell.minute_ms) + "/" + std::to_string(static_cast<int>(cell.channel)) + "/" +
          std::to_string(static_cast<int>(cell.device)) + "/" + cell.category] = cell;
  }
  return cells;
}

std::size_t count_actions(const VisitorHarness& harness, event::ActionKind kind) {
  const auto actions = harness.facts<event::Action>();
  return static_cast<std::size_t>(
      std::count_if(actions.begin(), actions.end(), [&](const auto& action) { return action.kind == kind; }));
}

}  // namespace

TEST_CASE("the RetailRocket sample has 6,229 sessions, 123 abandoned carts and 34 bought in time") {
  const auto rows = read_rows(kRetailRocket);
  if (!rows) {
    MESSAGE("skipped: " << kRetailRocket << " is not there");
    return;
  }
  VisitorSettings settings = replay_settings();
  settings.visitor_retention_ms = 365 * base::kDayMs;  // The sample covers more than the default's 90 days.
  VisitorHarness harness(settings);
  replay(harness, retailrocket(*rows));
  const VisitorTotals& totals = harness.stage().totals();
  CHECK(totals.visitors == 5000);
  CHECK(totals.sessions == 6229);
  CHECK(totals.orders == 40);
  CHECK(totals.carts_abandoned == 123);
  CHECK(totals.carts_purchased_in_time == 34);
  CHECK(totals.abandonments_cancelled == 5);
  CHECK(harness.out().sessions.size() == 6229);
  CHECK(count_actions(harness, event::ActionKind::cart_abandoned) == 123);
  CHECK(count_actions(harness, event::ActionKind::cart_abandonment_cancelled) == 5);
  std::uint64_t landed = 0;
  for (const auto& [key, cell] : newest_cells(harness)) landed += cell.sessions[0];
  CHECK(landed == 6229);
}

TEST_CASE("retentioneering's sessions are its own, and its purchases come by channel as published") {
  const auto rows = read_rows(kRetentioneering);
  if (!rows) {
    MESSAGE("skipped: " << kRetentioneering << " is not there");
    return;
  }
  const auto events = retentioneering(*rows);
  VisitorHarness harness(replay_settings());
  replay(harness, events);
  const VisitorTotals& totals = harness.stage().totals();
  CHECK(totals.sessions == 3605);
  CHECK(totals.carts_abandoned == 856);
  CHECK(totals.carts_purchased_in_time == 364);
  CHECK(count_actions(harness, event::ActionKind::cart_abandoned) == 856);

  std::map<std::string, std::set<std::uint64_t>> theirs;
  std::map<std::uint64_t, std::set<std::string>> ours;
  REQUIRE(harness.out().events.size() == events.size());
  for (std::size_t i = 0; i < events.size(); ++i) {
    const std::string& session = events[i].texts[3].second;
    theirs[session].insert(harness.out().events[i].session_id);
    ours[harness.out().events[i].session_id].insert(session);
  }
  CHECK(theirs.size() == 3605);
  CHECK(
      std::all_of(theirs.begin(), theirs.end(), [](const auto& entry) { return entry.second.size() == 1; }));
  CHECK(std::all_of(ours.begin(), ours.end(), [](const auto& entry) { return entry.second.size() == 1; }));

  std::map<event::Channel, std::uint32_t> bought;
  std::uint32_t landed = 0;
  for (const auto& [key, cell] : newest_cells(harness)) {
    bought[cell.channel] += cell.sessions[static_cast<std::size_t>(event::FunnelStep::purchase)];
    landed += cell.sessions[0];
  }
  CHECK(landed == 3605);
  CHECK(bought[event::Channel::paid] == 161);
  CHECK(bought[event::Channel::organic] == 161);
  CHECK(bought[event::Channel::email] == 75);
  CHECK(bought[event::Channel::social] == 55);
  CHECK(bought[event::Channel::direct] == 18);
  CHECK(bought[event::Channel::referral] == 0);
}
