#include "serve/funnel_cells.h"

#include <algorithm>
#include <mutex>
#include <tuple>

namespace millrace::serve {

namespace {

constexpr std::uint64_t kPartitionShift = 48;
constexpr std::uint64_t kCategoryShift = 16;
constexpr std::uint64_t kDeviceShift = 8;
constexpr std::uint64_t kWithoutPartition = (std::uint64_t{1} << kPartitionShift) - 1;

std::int64_t floor_to(std::int64_t value, std::int64_t unit) {
  const std::int64_t rest = value % unit;
  return value - (rest < 0 ? rest + unit : rest);
}

std::uint64_t mask_of(FunnelDimensions by) {
  std::uint64_t mask = 0;
  if (by.channel) mask |= 0xff;
  if (by.device) mask |= std::uint64_t{0xff} << kDeviceShift;
  if (by.category) mask |= std::uint64_t{0xffff'ffff} << kCategoryShift;
  return mask;
}

}  // namespace

// Adds cells up by those parts of their keys that a query asks for.
class FunnelCells::Sums {
 public:
  explicit Sums(FunnelDimensions by) : mask_(mask_of(by)) {}

  void add(const Cells& cells) {
    for (const Cell& cell : cells) {
      auto& sum = sums_[cell.key & mask_];
      for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += cell.sessions[i];
    }
  }

  FunnelAnswer answer(const std::vector<std::string>& categories) const {
    FunnelAnswer answer;
    for (const auto& [key, sessions] : sums_) {
      for (std::size_t i = 0; i < sessions.size(); ++i) answer.total[i] += sessions[i];
      if (mask_ == 0 || sessions[0] == 0) continue;
      FunnelRow row;
      row.channel = static_cast<event::Channel>(key & 0xff);
      row.device = static_cast<event::Device>((key >> kDeviceShift) & 0xff);
      if ((mask_ >> kCategoryShift) != 0) row.category = categories[(key >> kCategoryShift) & 0xffff'ffff];
      row.sessions = sessions;
      answer.rows.push_back(std::move(row));
    }
    std::sort(answer.rows.begin(), answer.rows.end(), [](const FunnelRow& a, const FunnelRow& b) {
      if (a.sessions[0] != b.sessions[0]) return a.sessions[0] > b.sessions[0];
      return std::tie(a.channel, a.device, a.category) < std::tie(b.channel, b.device, b.category);
    });
    return answer;
  }

 private:
  const std::uint64_t mask_;
  std::unordered_map<std::uint64_t, std::array<std::uint64_t, event::kFunnelStepCount>> sums_;
};

FunnelCells::Cell& FunnelCells::cell_of(Cells& cells, std::uint64_t key) {
  const auto at = std::lower_bound(cells.begin(), cells.end(), key,
                                   [](const Cell& cell, std::uint64_t wanted) { return cell.key < wanted; });
  if (at != cells.end() && at->key == key) return *at;
  return *cells.insert(at, Cell{key, {}});
}

std::uint64_t FunnelCells::category_id(const std::string& category) {
  const auto found = category_ids_.find(category);
  if (found != category_ids_.end()) return found->second;
  if (categories_.size() >= limits_.categories_max && category != "(other)") return category_id("(other)");
  const std::uint64_t id = categories_.size();
  categories_.push_back(category);
  category_ids_.emplace(category, id);
  return id;
}

void FunnelCells::apply(std::uint32_t partition, std::span<const event::FunnelCell* const> cells) {
  std::unique_lock lock(mutex_);
  for (const event::FunnelCell* update : cells) {
    if (update->minute_ms < dropped_before_ms_) continue;
    const std::uint64_t key = static_cast<std::uint64_t>(update->channel) |
                              static_cast<std::uint64_t>(update->device) << kDeviceShift |
                              category_id(update->category) << kCategoryShift;
    Hour& hour = hours_[floor_to(update->minute_ms, base::kHourMs)];
    Cells& minute = hour.minutes[update->minute_ms];
    const std::size_t before = minute.size();
    Cell& cell = cell_of(minute, key | static_cast<std::uint64_t>(partition & 0xffff) << kPartitionShift);
    size_ += minute.size() - before;
    Cell& sum = cell_of(hour.sums, key);
    // Unsigned wrap-around makes a falling count right too.
    for (std::size_t i = 0; i < cell.sessions.size(); ++i)
      sum.sessions[i] += update->sessions[i] - cell.sessions[i];
    cell.sessions = update->sessions;
  }
  while (size_ > limits_.cells_max && hours_.size() > 1) drop_oldest_hour();
}

void FunnelCells::drop_oldest_hour() {
  const auto oldest = hours_.begin();
  for (const auto& [minute, cells] : oldest->second.minutes) size_ -= cells.size();
  dropped_before_ms_ = oldest->first + base::kHourMs;
  hours_.erase(oldest);
}

FunnelAnswer FunnelCells::query(const FunnelQuery& query) const {
  Sums sums(query.by);
  std::shared_lock lock(mutex_);
  for (auto hour = hours_.lower_bound(floor_to(query.from.ms, base::kHourMs));
       hour != hours_.end() && hour->first < query.to.ms; ++hour) {
    if (hour->first >= query.from.ms && hour->first + base::kHourMs <= query.to.ms) {
      sums.add(hour->second.sums);
      continue;
    }
    const auto& minutes = hour->second.minutes;
    for (auto minute = minutes.lower_bound(query.from.ms);
         minute != minutes.end() && minute->first < query.to.ms; ++minute) {
      sums.add(minute->second);
    }
  }
  FunnelAnswer answer = sums.answer(categories_);
  answer.complete = query.from.ms >= std::max(dropped_before_ms_, incomplete_before_ms_);
  return answer;
}

void FunnelCells::incomplete_before(base::WallTime time) {
  std::unique_lock lock(mutex_);
  incomplete_before_ms_ = std::max(incomplete_before_ms_, time.ms);
}

base::WallTime FunnelCells::newest_end() const {
  std::shared_lock lock(mutex_);
  if (hours_.empty() || hours_.rbegin()->second.minutes.empty()) return {};
  return {hours_.rbegin()->second.minutes.rbegin()->first + base::kMinuteMs};
}

std::size_t FunnelCells::size() const {
  std::shared_lock lock(mutex_);
  return size_;
}

}  // namespace millrace::serve
