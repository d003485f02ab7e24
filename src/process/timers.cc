#include "process/timers.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"

namespace millrace::process {

namespace {

constexpr auto later_node = [](const auto& a, const auto& b) { return a.deadline_ms > b.deadline_ms; };
constexpr auto later_ready = [](const auto& a, const auto& b) {
  if (a.node.deadline_ms != b.node.deadline_ms) return a.node.deadline_ms > b.node.deadline_ms;
  return a.key > b.key;
};

}  // namespace

void Timers::Armed::encode(std::string& out) const { base::ByteWriter(out).zigzag(deadline_ms); }

Timers::Timers(const StateStore& store, std::string prefix) : store_(store), table_(std::move(prefix)) {}

base::Status Timers::restore(const Found& found) {
  base::Status outcome = base::Ok{};
  const std::size_t prefix_size = table_.prefix().size();
  TRY(store_.scan(table_.prefix(), [&](std::string_view stored_key, std::string_view value) {
    base::ByteReader reader(value);
    const std::int64_t deadline_ms = reader.zigzag();
    const std::string_view key = stored_key.substr(prefix_size);
    if (!reader.ok() || !reader.at_end() || key.empty()) {
      outcome = base::Error(base::ErrorCode::corrupt, "timer cannot be decoded");
      return false;
    }
    const Table::Index index = table_.insert(key, TextKey::hash(key));
    table_[index].stored = true;
    table_[index].present = true;
    ++armed_;
    arm(index, deadline_ms);
    found(static_cast<std::uint8_t>(key.front()), key.substr(1));
    return true;
  }));
  return outcome;
}

void Timers::set(std::uint8_t kind, std::string_view key, base::WallTime deadline) {
  const std::string_view full = full_key(kind, key);
  const std::uint64_t hash = TextKey::hash(full);
  Table::Index index = table_.find(full, hash);
  if (index == Table::kNone) index = table_.insert(full, hash);
  table_.change(index);
  auto& entry = table_[index];
  if (!entry.present) {
    entry.present = true;
    ++armed_;
  }
  arm(index, deadline.ms);
}

void Timers::cancel(std::uint8_t kind, std::string_view key) {
  const std::string_view full = full_key(kind, key);
  const Table::Index index = table_.find(full, TextKey::hash(full));
  if (index == Table::kNone || !table_[index].present) return;
  table_.change(index);
  // The value stays: when it is armed again soon, its node still serves.
  table_[index].present = false;
  --armed_;
}

std::optional<base::WallTime> Timers::deadline(std::uint8_t kind, std::string_view key) {
  const std::string_view full = full_key(kind, key);
  const Table::Index index = table_.find(full, TextKey::hash(full));
  if (index == Table::kNone || !table_[index].present) return std::nullopt;
  return base::WallTime{table_[index].value.deadline_ms};
}

bool Timers::pop(base::WallTime now, Due& due) {
  if (!settle() || ready_.front().node.deadline_ms > now.ms) return false;
  std::pop_heap(ready_.begin(), ready_.end(), later_ready);
  const Ready first = std::move(ready_.back());
  ready_.pop_back();
  due.deadline = {first.node.deadline_ms};
  due.kind = static_cast<std::uint8_t>(first.key.front());
  due.key.assign(first.key, 1);
  table_.erase(first.node.index);
  --armed_;
  return true;
}

std::optional<base::WallTime> Timers::next() {
  if (!settle()) return std::nullopt;
  return base::WallTime{ready_.front().node.deadline_ms};
}

std::string_view Timers::full_key(std::uint8_t kind, std::string_view key) {
  scratch_.assign(1, static_cast<char>(kind));
  scratch_.append(key);
  return scratch_;
}

void Timers::arm(Table::Index index, std::int64_t deadline_ms) {
  Armed& armed = table_[index].value;
  armed.deadline_ms = deadline_ms;
  if (armed.generation != 0 && armed.node_ms <= deadline_ms) return;
  armed.node_ms = deadline_ms;
  armed.generation = next_generation_;
  next_generation_ = next_generation_ == 0xffffffffu ? 1 : next_generation_ + 1;
  push({deadline_ms, index, armed.generation});
  if (heap_.size() > 4 * armed_ + 4096) compact();
}

bool Timers::settle() {
  while (!ready_.empty() && !holds(ready_.front().node)) {
    std::pop_heap(ready_.begin(), ready_.end(), later_ready);
    ready_.pop_back();
  }
  while (!heap_.empty() && (ready_.empty() || heap_.front().deadline_ms <= ready_.front().node.deadline_ms)) {
    std::pop_heap(heap_.begin(), heap_.end(), later_node);
    const Node node = heap_.back();
    heap_.pop_back();
    if (!holds(node)) continue;
    ready_.push_back({node, std::string(std::string_view(table_[node.index].key))});
    std::push_heap(ready_.begin(), ready_.end(), later_ready);
  }
  return !ready_.empty();
}

bool Timers::holds(const Node& node) {
  if (!good(node)) return false;
  auto& entry = table_[node.index];
  Armed& armed = entry.value;
  if (!entry.present) {
    armed.generation = 0;
    return false;
  }
  if (armed.deadline_ms == node.deadline_ms) return true;
  armed.node_ms = armed.deadline_ms;
  push({armed.deadline_ms, node.index, node.generation});
  return false;
}

void Timers::push(const Node& node) {
  heap_.push_back(node);
  std::push_heap(heap_.begin(), heap_.end(), later_node);
}

void Timers::compact() {
  std::erase_if(heap_, [this](const Node& node) { return !good(node); });
  std::make_heap(heap_.begin(), heap_.end(), later_node);
}

}  // namespace millrace::process
