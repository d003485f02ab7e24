#include "app/lake_runner.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "base/iso_time.h"

namespace millrace::app {

namespace {
constexpr std::int64_t kPollMs = 5;
constexpr std::int64_t kIdleMs = 1000;
constexpr std::int64_t kRetryMinMs = 250;
constexpr std::int64_t kRetryMaxMs = 10'000;
constexpr std::int64_t kMillisecond = 1'000'000;
constexpr std::int64_t kOrphansEveryNs = 24 * base::kHourMs * kMillisecond;
constexpr std::int64_t kOrphansFirstNs = base::kHourMs * kMillisecond;  // A start has better to do.
constexpr std::string_view kCommits = "the lake takes no commit, and checkpoints wait for one,";

// A full disk in the words of ours, of RocksDB's and of the operating system's.
bool is_full_disk(std::string_view message) {
  return message.find("No space left") != std::string_view::npos ||
         message.find("no room") != std::string_view::npos;
}
}  // namespace

LakeRunner::LakeRunner(lake::Lake& lake, const base::Clock& clock, LakeRunnerSettings settings)
    : lake_(lake),
      clock_(clock),
      settings_(settings),
      background_("lake", Priority::background, [this] { return turn(Priority::background); }),
      urgent_("lake-urgent", Priority::bulk, [this] { return turn(Priority::bulk); }) {}

void LakeRunner::start(std::vector<StageRunner*> stages) {
  stages_ = std::move(stages);
  next_round_ = {clock_.now().ns + settings_.commit_interval_ms * kMillisecond};
  next_orphans_ = {clock_.now().ns + kOrphansFirstNs};
  background_.start();
  urgent_.start();
}

void LakeRunner::stop() {
  background_.stop();
  urgent_.stop();
}

void LakeRunner::append(process::RowBatch&& batch) {
  auto group = std::make_shared<lake::RowGroup>();
  group->topic = batch.topic;
  group->partition = batch.partition;
  group->from = batch.from;
  group->to = batch.to;
  group->records = std::move(batch.records);
  group->events = std::move(batch.events);
  group->sessions = std::move(batch.sessions);
  group->orders = std::move(batch.orders);
  group->funnel = std::move(batch.funnel);
  group->poison = std::move(batch.poison);
  std::int64_t expected = 0;
  oldest_ns_.compare_exchange_strong(expected, clock_.now().ns);
  if (const auto appended = lake_.append(std::move(group)); !appended.ok()) {
    spdlog::error("lake: append: {}", appended.error().message());
  }
  const bool had_backlog = is_backlog();
  note_tail_bytes();
  if (is_backlog() && !had_backlog) urgent_.wake();
}

bool LakeRunner::ready() const {
  return tail_bytes_.load(std::memory_order_relaxed) < settings_.tail_bytes_max;
}

bool LakeRunner::is_backlog() const {
  return tail_bytes_.load(std::memory_order_relaxed) >= settings_.backlog_bytes();
}

void LakeRunner::hurry() {
  hurry_ = true;
  background_.wake();
  urgent_.wake();
}

double LakeRunner::lag_s() const {
  const std::int64_t oldest = oldest_ns_.load(std::memory_order_relaxed);
  return oldest == 0 ? 0 : static_cast<double>(clock_.now().ns - oldest) / 1e9;
}

std::int64_t LakeRunner::turn(Priority priority) {
  const std::lock_guard lock(turn_mutex_);
  const base::Instant now = clock_.now();
  if (round_ == Round::waiting) round_priority_ = is_backlog() ? Priority::bulk : Priority::background;
  if (priority != round_priority_) {
    (round_priority_ == Priority::bulk ? urgent_ : background_).wake();
    return kIdleMs;
  }
  if (round_ == Round::waiting) {
    // A backlog is no reason to try again sooner what has just failed.
    if (now < next_round_ && !hurry_ && (!is_backlog() || retry_ms_ > 0)) {
      return std::clamp<std::int64_t>((next_round_ - now) / kMillisecond, 1, kIdleMs);
    }
    hurry_ = false;
    for (auto* stage : stages_) stage->request_checkpoint();
    round_ = Round::settling;
    return 0;
  }
  bool settled = true;
  for (auto* stage : stages_) {
    if (stage->checkpoint_settled() || !stage->stopped_by().empty()) continue;
    stage->request_checkpoint();  // Again: it may not have noticed yet that the last one was committed.
    settled = false;
  }
  if (!settled) return kPollMs;
  // What lies below a barrier was appended before its batch was prepared: the commit takes it.
  finish_round();
  return 0;
}

void LakeRunner::note_tail_bytes() {
  tail_bytes_ = static_cast<std::uint64_t>(std::max<std::int64_t>(lake_.tail().bytes(), 0));
}

// What commits and expiries that were cut short have left.
void LakeRunner::remove_orphans() {
  if (clock_.now() < next_orphans_) return;
  next_orphans_ = {clock_.now().ns + kOrphansEveryNs};
  if (const auto removed = lake_.remove_orphans(); !removed.ok()) {
    spdlog::warn("lake: removing orphans: {}", removed.error().message());
  }
}

void LakeRunner::compact() {
  if (const auto compacted = lake_.compact(); !compacted.ok()) {
    spdlog::warn("lake: compaction: {}", compacted.error().message());
  }
}

void LakeRunner::note_fault(std::string_view what, const base::Status& done) {
  const std::lock_guard lock(faults_mutex_);
  const auto known = faults_.find(what);
  if (done.ok()) {
    if (known != faults_.end()) faults_.erase(known);
  } else if (known != faults_.end()) {
    known->second.reason = done.error().message();
  } else {
    faults_.emplace(what, Fault{clock_.wall(), done.error().message()});
  }
}

std::vector<std::string> LakeRunner::waiting() const {
  std::vector<std::string> sentences;
  const std::lock_guard lock(faults_mutex_);
  for (const auto& [what, fault] : faults_) {
    std::string since;
    base::append_iso_time(since, fault.since);
    const auto* advice = is_full_disk(fault.reason)
                             ? "Free space on the disk of the data directory, and it goes on."
                             : "It is tried again every few seconds; the log has more.";
    sentences.push_back(fmt::format("{} since {}: {}. {}", what, since, fault.reason, advice));
  }
  if (!faults_.empty() && !ready()) {
    sentences.emplace_back(
        "processing waits, as memory has no room for more rows before a commit: events are taken and stored, "
        "but figures and SQL do not show them yet.");
  }
  return sentences;
}

void LakeRunner::commit_states() {
  for (auto* stage : stages_) {
    const process::StateBatch* batch = stage->checkpoint_batch();
    if (!batch) continue;
    // A state must not pass rows that the lake refused: a restart hands them over again.
    if (lake_.taken(stage->topic(), stage->partition()) < stage->checkpoint_barrier()) continue;
    const auto committed = stage->store().commit(*batch);
    const std::string name = fmt::format("{}/{}", event::to_string(stage->topic()), stage->partition());
    note_fault("the state of " + name + " takes no checkpoint", committed);
    if (!committed.ok()) {
      spdlog::error("state of {}: commit: {}", name, committed.error().message());
      continue;  // Stays prepared; the next round tries again.
    }
    stage->checkpoint_committed();
  }
}

void LakeRunner::finish_round() {
  const std::int64_t started_ns = clock_.now().ns;
  // Rows that come during the commit are not in it.
  const std::int64_t oldest_ns = oldest_ns_.exchange(0);
  const auto committed = lake_.commit();
  note_fault(kCommits, committed);
  if (!committed.ok()) {
    oldest_ns_ = oldest_ns;
    retry_ms_ = std::clamp(retry_ms_ * 2, kRetryMinMs, kRetryMaxMs);
    spdlog::error("lake: commit: {}; again in {} ms", committed.error().message(), retry_ms_);
    next_round_ = {clock_.now().ns + retry_ms_ * kMillisecond};
    round_ = Round::waiting;
    return;
  }
  retry_ms_ = 0;
  commit_states();
  note_tail_bytes();
  if (!is_backlog()) compact();
  remove_orphans();
  ++rounds_;
  next_round_ = {std::max(clock_.now().ns, started_ns + settings_.commit_interval_ms * kMillisecond)};
  round_ = Round::waiting;
}

}  // namespace millrace::app
