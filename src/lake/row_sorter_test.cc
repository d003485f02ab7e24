#include "lake/row_sorter.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "lake/lake_fixture.h"

using namespace millrace;
using namespace millrace::lake;

namespace {

// Ids that begin alike, are each other's beginning, or end in zero bytes, which a prefix filled with zeros does not tell apart.
std::string visitor(base::SeededRandom& random, bool alike) {
  std::string id = alike ? "visitor-of-the-shop-" : "";
  for (auto i = random.below(16); i > 0; --i) id += "ab\0"[random.below(3)];
  if (random.chance(0.3)) id += fmt::format("{:020}", random.below(5));
  return id.empty() ? "a" : id;
}

struct Wanted {
  std::int32_t day;
  std::string visitor;
  std::int64_t time;
  std::uint64_t offset;
  bool operator<(const Wanted& other) const {
    return std::tie(day, visitor, time, offset) <
           std::tie(other.day, other.visitor, other.time, other.offset);
  }
  bool operator==(const Wanted&) const = default;
};

std::shared_ptr<const Segment> segment_of(std::shared_ptr<const RowGroup> group) {
  auto segment = std::make_shared<Segment>();
  for (std::uint32_t i = 0; i < group->events.size(); ++i)
    segment->rows[index_of(Table::events)].push_back(i);
  segment->group = std::move(group);
  return segment;
}

}  // namespace

TEST_CASE("rows come by day, visitor, time and offset, as a plain sort has them") {
  RowSorter sorter;  // One for all: what a commit leaves must not show in the next.
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    CAPTURE(seed);
    base::SeededRandom random(seed);
    const bool alike = random.chance(0.5);
    TailSnapshot snapshot;
    std::vector<Wanted> wanted;
    GroupBuilder builder;
    for (std::uint64_t generation = 1; generation <= 4; ++generation) {
      snapshot.push_back({generation, {}});
      for (auto segments = random.below(4); segments > 0; --segments) {
        for (auto i = 1 + random.below(60); i > 0; --i) {
          const std::string id = visitor(random, alike);
          event::Event event;
          event[event::Text::anonymous_id] = id;
          event.received_at = {kNoonMs};
          event.event_time = {kNoonMs + static_cast<std::int64_t>(random.below(3)) +
                              (random.chance(0.2) ? -base::kDayMs : 0)};
          if (generation == 2 || generation == 3)
            wanted.push_back({static_cast<std::int32_t>(event.event_time.ms / base::kDayMs), id,
                              event.event_time.ms, builder.next()});
          builder.event(event);
        }
        snapshot.back().segments.push_back(segment_of(builder.take()));
      }
    }
    std::sort(wanted.begin(), wanted.end());
    sorter.sort(snapshot, Table::events, 2, 3);

    std::vector<Wanted> found;
    for (const auto& day : sorter.days()) {
      std::vector<RowRef> rows(day.end - day.begin);
      sorter.copy(day.begin, rows);
      for (const RowRef& row : rows) {
        event::Event event;
        REQUIRE(event::decode_event(row.payload, event).ok());
        found.push_back({day.day, std::string(event.visitor_key()), event.event_time.ms, row.offset});
      }
    }
    CHECK(found == wanted);
  }
}
