#include "lake/row_sorter.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <tuple>

#include "base/hash.h"
#include "event/record.h"
#include "lake/row_writers.h"

namespace millrace::lake {

namespace {

constexpr std::size_t kKeptRows = 512 * 1024;  // Memory for more is given back.

std::int32_t day_of(base::WallTime time) {
  const std::int64_t day = time.ms / base::kDayMs;
  return static_cast<std::int32_t>(time.ms < 0 && time.ms % base::kDayMs != 0 ? day - 1 : day);
}

std::size_t shared_prefix(std::string_view a, std::string_view b) {
  const std::size_t limit = std::min(a.size(), b.size());
  std::size_t same = 0;
  while (same < limit && a[same] == b[same]) ++same;
  return same;
}

}  // namespace

void RowSorter::clear() {
  refs_.clear();
  keys_.clear();
  ranks_.clear();
  days_.clear();
  json_bytes_ = 0;
  common_prefix_ = 0;
  if (refs_.capacity() <= kKeptRows) return;
  refs_ = {};
  keys_ = {};
  ranks_ = {};
}

RowSorter::Key RowSorter::key_of(Table table, RowRef& ref) {
  const RowGroup& group = *ref.segment->group;
  const auto of_visitor = [](std::string_view visitor, base::WallTime time) {
    return Key{visitor, base::hash64(visitor), time.ms, 0, day_of(time)};
  };
  switch (table) {
    case Table::events: {
      const auto head = event::decode_event_head(ref.payload);
      return head.ok() ? of_visitor(head->visitor_key(), head->event_time) : Key{};
    }
    case Table::raw_events: {
      const RawFields fields = raw_fields(ref.payload);
      json_bytes_ += static_cast<std::int64_t>(fields.raw.size());
      // Signed order as unsigned.
      const auto number = static_cast<std::uint32_t>(fields.visitor_key) ^ 0x80000000u;
      return {{}, 0, 0, number, day_of(fields.received_at)};
    }
    case Table::quarantine: return {{}, 0, 0, ref.partition, day_of(raw_fields(ref.payload).received_at)};
    case Table::sessions: {
      const auto& row = group.sessions[ref.row];
      ref.offset = row.offset;
      return of_visitor(row.visitor_id, row.started_at);
    }
    case Table::orders: {
      const auto& row = group.orders[ref.row];
      ref.offset = row.offset;
      return of_visitor(row.visitor_id, row.ordered_at);
    }
    case Table::funnel:  // Sorted by the statement that merges it with what is committed.
      return {{}, 0, 0, 0, day_of({group.funnel[ref.row].minute_ms})};
  }
  return {};
}

void RowSorter::take(const TailSnapshot& snapshot, Table table, std::uint64_t from, std::uint64_t to) {
  std::string_view first;
  for (const auto& generation : snapshot) {
    if (generation.id < from || generation.id > to) continue;
    for (const auto& segment : generation.segments) {
      for (const auto row : segment->rows[index_of(table)]) {
        RowRef& ref = refs_.emplace_back(row_ref(table, *segment, row));
        const Key& key = keys_.emplace_back(key_of(table, ref));
        if (keys_.size() == 1) {
          first = key.text;
          common_prefix_ = first.size();
        } else if (common_prefix_ > 0) {
          common_prefix_ = shared_prefix(first.substr(0, common_prefix_), key.text);
        }
      }
    }
  }
}

RowSorter::Rank RowSorter::rank_of(std::uint32_t row) const {
  const Key& key = keys_[row];
  char bytes[12] = {};
  const std::string_view text = key.text.substr(std::min(common_prefix_, key.text.size()));
  if (!text.empty()) std::memcpy(bytes, text.data(), std::min<std::size_t>(text.size(), sizeof bytes));
  Rank rank{0, 0, row};
  std::memcpy(&rank.first, bytes, 8);
  std::memcpy(&rank.second, bytes + 8, 4);
  rank.first = __builtin_bswap64(rank.first);
  rank.second = __builtin_bswap32(rank.second);
  // One of `number` and `text` is used by a table.
  rank.first |= key.text.empty() ? std::uint64_t{key.number} << 32 : 0;
  return rank;
}

// Gives each day a stretch of `ranks_`.
void RowSorter::rank_days() {
  std::map<std::int32_t, std::size_t> ends;
  for (const Key& key : keys_) ++ends[key.day];
  std::size_t begin = 0;
  for (auto& [day, end] : ends) {
    days_.push_back({day, begin, begin + end});
    end = std::exchange(begin, begin + end);  // From here on where its next row goes.
  }
  ranks_.resize(keys_.size());
  auto* last = ends.empty() ? nullptr : &*ends.begin();
  for (std::uint32_t row = 0; row < keys_.size(); ++row) {
    if (keys_[row].day != last->first) last = &*ends.find(keys_[row].day);
    ranks_[last->second++] = rank_of(row);
  }
}

// Nearly always the rows of one visitor: their texts lie in memory that is cold by now, their hashes do not.
void RowSorter::sort_ties(std::span<Rank> ranks) const {
  const auto& first = keys_[ranks.front().row];
  const bool one_text = std::all_of(ranks.begin(), ranks.end(), [&](const Rank& rank) {
    return keys_[rank.row].text_hash == first.text_hash && keys_[rank.row].text.size() == first.text.size();
  });
  std::sort(ranks.begin(), ranks.end(), [&](const Rank& a, const Rank& b) {
    const Key &x = keys_[a.row], &y = keys_[b.row];
    if (!one_text) {
      if (x.number != y.number) return x.number < y.number;
      if (const int order = x.text.compare(y.text); order != 0) return order < 0;
    }
    return std::tie(x.time, refs_[a.row].offset, a.row) < std::tie(y.time, refs_[b.row].offset, b.row);
  });
}

void RowSorter::sort(const TailSnapshot& snapshot, Table table, std::uint64_t from, std::uint64_t to) {
  clear();
  take(snapshot, table, from, to);
  rank_days();
  for (const Day& day : days_) {
    const std::span<Rank> ranks(ranks_.data() + day.begin, day.end - day.begin);
    std::sort(ranks.begin(), ranks.end());
    for (std::size_t begin = 0; begin < ranks.size();) {
      std::size_t end = begin + 1;
      while (end < ranks.size() && ranks[end].same(ranks[begin])) ++end;
      if (end - begin > 1) sort_ties(ranks.subspan(begin, end - begin));
      begin = end;
    }
  }
}

void RowSorter::copy(std::size_t begin, std::span<RowRef> out) const {
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = refs_[ranks_[begin + i].row];
}

}  // namespace millrace::lake
