#include "serve/ledger_cells.h"

#include <algorithm>
#include <mutex>
#include <numeric>
#include <tuple>

namespace millrace::serve {

namespace {

std::int64_t floor_to(std::int64_t value, std::int64_t unit) {
  const std::int64_t rest = value % unit;
  return value - (rest < 0 ? rest + unit : rest);
}

std::int64_t row_time(std::int64_t minute_ms, const LedgerQuery& query) {
  switch (query.step) {
    case LedgerStep::minute: return minute_ms;
    case LedgerStep::hour: return floor_to(minute_ms, base::kHourMs);
    case LedgerStep::range: return query.from.ms;
  }
  return minute_ms;
}

}  // namespace

void LedgerCounts::add(const LedgerCounts& other) {
  received += other.received;
  for (std::size_t i = 0; i < verdicts.size(); ++i) verdicts[i] += other.verdicts[i];
  pseudonymised += other.pseudonymised;
  anonymised += other.anonymised;
}

std::uint64_t LedgerCounts::stored() const {
  std::uint64_t kept = 0;
  for (const auto verdict : {event::Verdict::accepted, event::Verdict::duplicate, event::Verdict::bot})
    kept += verdicts[static_cast<std::size_t>(verdict)];
  return kept - pseudonymised - anonymised;
}

bool LedgerCounts::closed() const {
  return received == std::accumulate(verdicts.begin(), verdicts.end(), std::uint64_t{0});
}

void LedgerCells::apply(std::uint32_t partition, std::span<const event::LedgerCell* const> cells) {
  std::unique_lock lock(mutex_);
  for (const event::LedgerCell* update : cells) {
    if (update->minute_ms == event::LedgerCell::kEarlier) {
      replace(earlier_[{partition, update->source}], *update);
      continue;
    }
    if (update->minute_ms < dropped_before_ms_) continue;
    auto& minute = minutes_[update->minute_ms];
    auto at = std::find_if(minute.begin(), minute.end(), [&](const Cell& cell) {
      return cell.partition == partition && cell.source == update->source;
    });
    if (at == minute.end()) {
      at = minute.insert(minute.end(), Cell{partition, update->source, {}});
      ++size_;
    }
    replace(at->counts, *update);
  }
  while (size_ > cells_max_ && minutes_.size() > 1) {
    const auto oldest = minutes_.begin();
    size_ -= oldest->second.size();
    dropped_before_ms_ = oldest->first + base::kMinuteMs;
    minutes_.erase(oldest);
  }
}

void LedgerCells::replace(LedgerCounts& counts, const event::LedgerCell& update) {
  total_.received += update.received - counts.received;
  for (std::size_t i = 0; i < update.verdicts.size(); ++i) {
    total_.verdicts[i] += update.verdicts[i] - counts.verdicts[i];
  }
  total_.pseudonymised += update.pseudonymised - counts.pseudonymised;
  total_.anonymised += update.anonymised - counts.anonymised;
  counts = {update.received, update.verdicts, update.pseudonymised, update.anonymised};
}

LedgerAnswer LedgerCells::query(const LedgerQuery& query) const {
  LedgerAnswer answer;
  std::size_t step_begin = 0;  // First row of the time that is being added up.
  std::shared_lock lock(mutex_);
  for (auto minute = minutes_.lower_bound(query.from.ms);
       minute != minutes_.end() && minute->first < query.to.ms; ++minute) {
    const std::int64_t time = row_time(minute->first, query);
    if (step_begin < answer.rows.size() && answer.rows[step_begin].minute_ms != time)
      step_begin = answer.rows.size();
    for (const Cell& cell : minute->second) {
      if (query.source >= 0 && cell.source != query.source) continue;
      const auto begin = answer.rows.begin() + static_cast<std::ptrdiff_t>(step_begin);
      auto row =
          std::find_if(begin, answer.rows.end(), [&](const LedgerRow& r) { return r.source == cell.source; });
      if (row == answer.rows.end()) row = answer.rows.insert(row, LedgerRow{cell.source, time, {}});
      row->counts.add(cell.counts);
      answer.total.add(cell.counts);
    }
  }
  std::sort(answer.rows.begin(), answer.rows.end(), [](const LedgerRow& a, const LedgerRow& b) {
    return std::tie(a.minute_ms, a.source) < std::tie(b.minute_ms, b.source);
  });
  answer.complete = query.from.ms >= std::max(dropped_before_ms_, incomplete_before_ms_);
  return answer;
}

LedgerCounts LedgerCells::total() const {
  std::shared_lock lock(mutex_);
  return total_;
}

void LedgerCells::incomplete_before(base::WallTime time) {
  std::unique_lock lock(mutex_);
  incomplete_before_ms_ = std::max(incomplete_before_ms_, time.ms);
}

base::WallTime LedgerCells::newest_end() const {
  std::shared_lock lock(mutex_);
  if (minutes_.empty()) return {};
  return {minutes_.rbegin()->first + base::kMinuteMs};
}

}  // namespace millrace::serve
