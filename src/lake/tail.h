#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "lake/duck.h"
#include "lake/row_group.h"
#include "lake/tables.h"

namespace millrace::lake {

// A row group, and which of its rows each table takes. Immutable, so queries read it while the lake goes on.
struct Segment {
  std::uint64_t ordinal = 0;  // Grows with every segment: of two values for one funnel cell the later counts.
  std::shared_ptr<const RowGroup> group;
  // Meaning of a number, by table: events and raw_events - position in group->events, or, with kOfRecords, a
  // quarantined record's in group->records; quarantine - the same for records, without for group->poison; else the
  // position in the vector of that name.
  std::array<std::vector<std::uint32_t>, kTableCount> rows;
  std::int64_t bytes = 0;
};
constexpr std::uint32_t kOfRecords = 1u << 31;

// A row of a segment, with what a writer would otherwise fetch through the segment: sorted rows lie all over memory, where
// each step of that way is a cache miss. From `offset` on for events, raw bytes and quarantined items alone.
struct RowRef {
  const Segment* segment = nullptr;
  std::uint32_t row = 0;
  std::uint32_t partition = 0;
  std::uint64_t offset = 0;
  std::uint64_t session_id = 0;
  std::string_view payload;  // The record.
  event::Verdict verdict = event::Verdict::quarantined;
};
RowRef row_ref(Table table, const Segment& segment, std::uint32_t row);

// The segments between two commits.
struct Generation {
  std::uint64_t id = 0;
  std::vector<std::shared_ptr<const Segment>> segments;
};
using TailSnapshot = std::vector<Generation>;

// Rows in the order they are to be written, and the segments they lie in.
struct SortedRows {
  TailSnapshot owner;
  std::vector<RowRef> rows;
};

// The rows that are in no commit yet, in memory, readable from SQL as table functions:
// tail_<table>(g) gives the rows of generation g and later, sorted_curated_funnel() what the connection was handed to write.
//
// A query sees the tail as it was when its connection was pinned, however often it looks. A pin must be older than the
// transaction: then every generation the views of that transaction ask for is in it, even if dropped meanwhile.
//
// Safe from any thread.
class Tail {
 public:
  explicit Tail(std::vector<std::string> source_names);

  base::Status register_functions(DuckConnection& connection);

  void append(std::shared_ptr<const Segment> segment);
  // Ends the open generation and returns its id; later rows go to the next.
  std::uint64_t rotate();
  // Forgets the generations up to and with `id`.
  void drop(std::uint64_t id);

  std::shared_ptr<const TailSnapshot> snapshot() const;
  void pin(std::uint64_t connection_id);
  void unpin(std::uint64_t connection_id);
  void hand_over(std::uint64_t connection_id, std::shared_ptr<const SortedRows> rows);

  std::uint64_t open_generation() const;
  std::array<std::int64_t, kTableCount> row_counts() const;
  std::int64_t bytes() const;

  // What a connection's table functions read.
  struct Input {
    std::shared_ptr<const TailSnapshot> snapshot;
    std::shared_ptr<const SortedRows> sorted;
  };
  Input input_of(std::uint64_t connection_id) const;
  std::shared_ptr<const std::vector<std::string>> source_names() const;
  // By event::Event::source, for rows read from now on.
  void set_source_names(std::vector<std::string> names);

 private:
  mutable std::mutex mutex_;  // Guards all below.
  std::shared_ptr<const std::vector<std::string>> source_names_;
  std::vector<Generation> generations_;                 // The last one is open.
  mutable std::shared_ptr<const TailSnapshot> cached_;  // Until the next change.
  std::array<std::int64_t, kTableCount> counts_{};
  std::int64_t bytes_ = 0;
  std::map<std::uint64_t, Input> inputs_;
};

// Keeps a connection pinned while it lives.
class TailPin {
 public:
  TailPin(Tail& tail, std::uint64_t connection_id) : tail_(tail), connection_id_(connection_id) {
    tail_.pin(connection_id_);
  }
  TailPin(const TailPin&) = delete;
  TailPin& operator=(const TailPin&) = delete;
  ~TailPin() { tail_.unpin(connection_id_); }

 private:
  Tail& tail_;
  std::uint64_t connection_id_;
};

}  // namespace millrace::lake
