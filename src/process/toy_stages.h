#pragma once

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>

#include "base/bytes.h"
#include "base/hash.h"
#include "event/record.h"
#include "process/checkpointed.h"
#include "process/dedup_index.h"
#include "process/keyed_state.h"
#include "process/stage.h"
#include "process/timers.h"
#include "process/watermark.h"

// Two small stages for tests of the runtime. Together they use every part of it: message ids, keyed state,
// timers, the watermark, facts.
namespace millrace::process {

struct ToyCount {
  std::uint64_t count = 0;
  std::int64_t last_ms = 0;
  void encode(std::string& out) const {
    base::ByteWriter writer(out);
    writer.varint(count);
    writer.zigzag(last_ms);
  }
  static bool decode(std::string_view bytes, ToyCount& into) {
    base::ByteReader reader(bytes);
    into.count = reader.varint();
    into.last_ms = reader.zigzag();
    return reader.ok() && reader.at_end();
  }
};

// Counts events of visitors and closes their sessions after a minute. An event named "poison" is refused, one
// named "throw" throws.
class ToyVisitors final : public Stage {
 public:
  explicit ToyVisitors(const StateStore& store)
      : ids_(store, "d/", {.horizon_ms = 10'000, .bucket_ms = 2'000, .filter_ids_min = 64, .run_ids = 10}),
        counts_(store, "v/", 1024),
        timers_(store, "t/"),
        watermark_(store, "w", {.lateness_ms = 500, .idle_timeout_ms = 2'000}),
        parts_({&ids_, &counts_, &timers_, &watermark_}) {}

  base::Status restore(Outputs&, const Publish&) override {
    TRY(ids_.restore());
    TRY(timers_.restore());
    return watermark_.restore();
  }

  base::Status on_record(const Position& position, std::string_view payload, Outputs& out) override {
    TRY_ASSIGN(const event::RecordKind kind, event::record_kind(payload));
    if (kind == event::RecordKind::tick) {
      TRY_ASSIGN(const event::Tick tick, event::decode_tick(payload));
      watermark_.on_tick(tick.wall);
    } else {
      TRY(event::decode_event(payload, event_));
      if (event_[event::Text::event_name] == "poison") {
        out.views.emplace_back(event::FunnelCell{});
        return base::Error(base::ErrorCode::invalid_argument, "poison");
      }
      if (event_[event::Text::event_name] == "throw") throw std::runtime_error("library");
      on_event(position, out);
    }
    Timers::Due due;
    while (timers_.pop(watermark_.now(), due)) close(position, due, out);
    return base::Ok{};
  }
  void on_batch_end(Outputs&) override {}

  void freeze() override { parts_.freeze(); }
  bool drain(StateBatch& batch, std::size_t entries) override { return parts_.drain(batch, entries); }
  void committed() override { parts_.committed(); }

 private:
  void on_event(const Position& position, Outputs& out) {
    const std::string_view visitor = event_.visitor_key();
    event::EventRow row;
    row.index = position.index;
    const bool first = ids_.first_time(base::hash64(visitor), base::hash128(event_[event::Text::message_id]),
                                       event_.received_at);
    if (!first) {
      row.verdict = event::Verdict::duplicate;
      out.events.push_back(row);
      return;
    }
    watermark_.on_event(event_.event_time, event_.received_at);
    ToyCount& count = counts_.edit(visitor);
    ++count.count;
    count.last_ms = std::max(count.last_ms, event_.event_time.ms);
    timers_.set(1, visitor, {count.last_ms + 60'000});
    row.session_id = count.count;
    out.events.push_back(row);
    event::ProductActivity activity;
    activity.product_id = std::string(event_[event::Text::event_name]);
    activity.at = event_.event_time;
    out.emit(event::Topic::facts, base::hash64(activity.product_id), position.offset.value, activity);
  }

  void close(const Position& position, const Timers::Due& due, Outputs& out) {
    const ToyCount* count = counts_.find(due.key);
    REQUIRE(count != nullptr);
    event::SessionRow row;
    row.offset = position.offset.value;
    row.visitor_id = due.key;
    row.ended_at = due.deadline;
    row.events = static_cast<std::uint32_t>(count->count);
    out.sessions.push_back(row);
    out.emit(event::Topic::sessions, 0, position.offset.value, event::SessionClosed{row, {}});
    counts_.erase(due.key);
  }

  DedupIndex ids_;
  KeyedState<ToyCount> counts_;
  Timers timers_;
  Watermark watermark_;
  CheckpointedParts parts_;
  event::Event event_;
};

// Counts products; every third activity of one gives an action.
class ToyProducts final : public Stage {
 public:
  explicit ToyProducts(const StateStore& store) : counts_(store, "p/", 1024) {}
  base::Status restore(Outputs&, const Publish&) override { return base::Ok{}; }
  base::Status on_record(const Position& position, std::string_view payload, Outputs& out) override {
    TRY_ASSIGN(const event::RecordKind kind, event::record_kind(payload));
    if (kind != event::RecordKind::fact) return base::Ok{};
    TRY_ASSIGN(const event::PositionedFact fact, event::decode_fact(payload));
    const auto* activity = std::get_if<event::ProductActivity>(&fact.fact);
    if (activity == nullptr) return base::Error(base::ErrorCode::invalid_argument, "not a product's");
    ToyCount& count = counts_.edit(activity->product_id);
    ++count.count;
    out.orders.emplace_back().offset = position.offset.value;
    if (count.count % 3 != 0) return base::Ok{};
    event::Action action;
    action.id = position.offset.value;
    action.visitor_id = activity->product_id + "#" + std::to_string(count.count);
    out.emit(event::Topic::actions, 0, position.offset.value, action);
    return base::Ok{};
  }
  void on_batch_end(Outputs&) override {}
  void freeze() override { counts_.freeze(); }
  bool drain(StateBatch& batch, std::size_t entries) override { return counts_.drain(batch, entries); }
  void committed() override { counts_.committed(); }

 private:
  KeyedState<ToyCount> counts_;
};

}  // namespace millrace::process
