#include "app/journal_set.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace millrace::app {

namespace {
constexpr std::int64_t kWriterWaitMs = 1000;
constexpr std::int64_t kHousekeepingMs = 20;
constexpr std::int64_t kTrimIntervalNs = 1'000'000'000;
constexpr std::int64_t kPrepareRetryNs = 1'000'000'000;
constexpr std::uint64_t kRoomBytes = 4 << 20;
// Longer than the lake goes from commit to commit: what comes free at one is needed before the next.
constexpr std::int64_t kReleaseIntervalNs = 60'000'000'000;
}  // namespace

base::Result<std::unique_ptr<JournalSet>> JournalSet::open(const JournalSettings& settings, disk::Disk& disk,
                                                           const base::Clock& clock, base::Random& random) {
  std::unique_ptr<JournalSet> set(new JournalSet(settings, disk, clock));
  const std::array<std::uint32_t, event::kTopicCount> counts = {settings.event_partitions,
                                                                settings.fact_partitions, 1, 1};
  for (std::size_t topic = 0; topic < event::kTopicCount; ++topic) {
    for (std::uint32_t partition = 0; partition < counts[topic]; ++partition) {
      auto owned = std::make_unique<Unit>();
      Unit& unit = *owned;
      unit.topic = static_cast<event::Topic>(topic);
      unit.partition = partition;
      journal::SegmentJournalSettings journal_settings;
      journal_settings.directory = fmt::format("journal/{}/{}", event::to_string(unit.topic), partition);
      journal_settings.segment_bytes = settings.segment_bytes;
      journal_settings.compression = settings.compression;
      TRY(disk.make_directory(journal_settings.directory));
      TRY_ASSIGN(unit.journal, journal::SegmentJournal::open(journal_settings, disk, clock, random));
      journal::GroupCommitSettings commit_settings;
      commit_settings.pending_bytes_max = settings.pending_bytes_max;
      unit.commit = std::make_unique<journal::GroupCommit>(*unit.journal, clock, commit_settings);
      set->topics_[topic].push_back(std::move(owned));
    }
  }
  return set;
}

void JournalSet::start(Needed needed) {
  needed_ = std::move(needed);
  for (auto& units : topics_) {
    for (auto& owned : units) {
      Unit& unit = *owned;
      unit.writer =
          std::make_unique<Worker>(fmt::format("j-{}-{}", event::to_string(unit.topic), unit.partition),
                                   Priority::normal, [&unit] { return unit.write(); });
      unit.writer->start();
    }
  }
  housekeeper_ = std::make_unique<Worker>("j-house", Priority::background, [this] { return keep_house(); });
  housekeeper_->start();
}

void JournalSet::stop() {
  if (!housekeeper_) return;
  housekeeper_.reset();
  for (auto& units : topics_) {
    for (auto& owned : units) {
      Unit& unit = *owned;
      unit.writer->announce_stop();
      unit.commit->wake();
      unit.writer.reset();
      while (unit.commit->run_once()) {
      }
      if (const auto closed = unit.journal->close(); !closed.ok()) {
        spdlog::error("{}: close: {}", unit.name(), closed.error().message());
      }
    }
  }
}

std::string JournalSet::Unit::name() const {
  return fmt::format("journal {}/{}", event::to_string(topic), partition);
}

std::int64_t JournalSet::Unit::write() {
  if (const journal::Offset before{trim_before.load()}; before > journal->begin()) {
    trim_before = 0;
    if (const auto trimmed = journal->trim(before); !trimmed.ok()) {
      spdlog::warn("{}: trim: {}", name(), trimmed.error().message());
    }
  }
  if (!commit->run_once()) commit->wait(kWriterWaitMs);
  return 0;
}

std::int64_t JournalSet::keep_house() {
  bool more = false;
  const bool trims = clock_.now() >= next_trim_;
  if (trims) next_trim_ = {clock_.now().ns + kTrimIntervalNs};
  const bool releases = clock_.now() >= next_release_;
  if (releases) next_release_ = {clock_.now().ns + kReleaseIntervalNs};
  for (auto& units : topics_) {
    for (auto& owned : units) {
      more = prepare(*owned) || more;
      if (releases) owned->journal->release_idle_memory();
      if (!trims) continue;
      trim(*owned);
      // Where nothing but events moves time on, no tick would find out.
      if (owned->commit->disk_full() && has_room(kRoomBytes)) owned->commit->room_again();
    }
  }
  return more ? 1 : kHousekeepingMs;
}

// True when there is more to prepare at once. A disk without room is left alone: what a spare segment takes, even for the
// moment until it is given back, the segment in use does not have.
bool JournalSet::prepare(Unit& unit) {
  if (unit.unprepared) {
    if (clock_.now() < unit.prepare_next) return false;
    unit.prepare_next = {clock_.now().ns + kPrepareRetryNs};
    if (!has_room(2 * settings_.segment_bytes)) return false;
  }
  const auto left = unit.journal->prepare_next();
  if (left.ok()) {
    if (unit.unprepared) spdlog::info("{}: prepares its next segment again", unit.name());
    unit.unprepared = false;
    return *left > 0;
  }
  ++unit.prepare_failures;
  if (!unit.unprepared) {
    spdlog::warn("{}: goes on without a segment prepared ahead: {}", unit.name(), left.error().message());
  }
  unit.unprepared = true;
  unit.prepare_next = {clock_.now().ns + kPrepareRetryNs};
  return false;
}

void JournalSet::trim(Unit& unit) {
  const journal::Retention retention{settings_.retention_bytes, settings_.retention_hours * base::kHourMs};
  const journal::Offset before =
      std::min(unit.journal->retained_from(retention), needed_(unit.topic, unit.partition));
  if (before <= unit.journal->begin()) return;
  unit.trim_before = before.value;
  unit.commit->wake();
}

// A file system that cannot say is asked by writing.
bool JournalSet::has_room(std::uint64_t bytes) const {
  const auto free = disk_.free_bytes();
  return !free.ok() || *free >= bytes;
}

JournalSet::Totals JournalSet::totals() const {
  Totals totals;
  for (const auto& units : topics_) {
    for (const auto& unit : units) {
      totals.bytes += unit->journal->bytes();
      totals.segments += unit->journal->segments();
    }
  }
  return totals;
}

}  // namespace millrace::app
