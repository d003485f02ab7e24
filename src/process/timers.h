#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "process/checkpointed.h"
#include "process/entry_table.h"

namespace millrace::process {

// Deadlines of one partition, at most one for each (kind, key). They are part of its state: they go into its
// checkpoints and come back with restore(). All are in memory: about 110 bytes each, plus the key's own bytes
// when kind and key are longer than 15 (docs/formats/state.md).
//
// Moving a deadline later is the common case (every event moves its session's end) and only writes it down:
// the heap keeps the older one, which is looked at again when it comes up.
class Timers final : public Checkpointed {
 public:
  struct Due {
    base::WallTime deadline;
    std::uint8_t kind = 0;
    std::string key;
  };

  Timers(const StateStore& store, std::string prefix);

  // Before any other call. `found` gets every timer that is armed, in order of kind and key.
  using Found = std::function<void(std::uint8_t kind, std::string_view key)>;
  base::Status restore(const Found& found = [](std::uint8_t, std::string_view) {});

  // Arms it, or moves it.
  void set(std::uint8_t kind, std::string_view key, base::WallTime deadline);
  void cancel(std::uint8_t kind, std::string_view key);
  std::optional<base::WallTime> deadline(std::uint8_t kind, std::string_view key);

  // Takes the first deadline that is not after `now`, in the order of (deadline, kind, key); false when there
  // is none. What is set between two calls takes part.
  bool pop(base::WallTime now, Due& due);
  // The earliest deadline.
  std::optional<base::WallTime> next();

  std::size_t size() const { return armed_; }

  void freeze() override { table_.freeze(); }
  bool drain(StateBatch& batch, std::size_t entries) override { return table_.drain(batch, entries); }
  void committed() override { table_.committed(); }

 private:
  struct Armed {
    std::int64_t deadline_ms = 0;
    std::int64_t node_ms = 0;      // Of its one good node; not after deadline_ms.
    std::uint32_t generation = 0;  // Of that node; 0 when it has none.
    void encode(std::string& out) const;
  };
  using Table = EntryTable<Armed, TextKey>;
  struct Node {
    std::int64_t deadline_ms = 0;
    Table::Index index = 0;
    std::uint32_t generation = 0;
  };
  // A node whose deadline was the earliest and true when it left the heap; has its own key, since its slot
  // may be reused.
  struct Ready {
    Node node;
    std::string key;
  };

  std::string_view full_key(std::uint8_t kind, std::string_view key);
  void arm(Table::Index index, std::int64_t deadline_ms);
  bool good(const Node& node) const { return table_[node.index].value.generation == node.generation; }
  // Brings all timers of the earliest deadline into ready_; false when there is no timer.
  bool settle();
  // What becomes of a node that came up: true when its timer is armed for exactly that time.
  bool holds(const Node& node);
  void push(const Node& node);
  void compact();

  const StateStore& store_;
  Table table_;
  std::vector<Node> heap_;    // By deadline alone.
  std::vector<Ready> ready_;  // By deadline and key.
  std::size_t armed_ = 0;
  std::uint32_t next_generation_ = 1;
  std::string scratch_;
};

}  // namespace millrace::process
