#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "app/worker.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "disk/disk.h"
#include "event/fact.h"
#include "journal/group_commit.h"
#include "journal/segment_journal.h"

namespace millrace::app {

struct JournalSettings {
  std::uint32_t event_partitions = 1;
  std::uint32_t fact_partitions = 1;
  std::uint64_t segment_bytes = 64ull << 20;
  journal::Compression compression = journal::Compression::lz4;
  std::uint64_t pending_bytes_max = 64ull << 20;
  std::int64_t retention_hours = 7 * 24;
  std::uint64_t retention_bytes = 0;  // Of each partition; 0 without limit.
};

// Every partition of every topic, each with its writer thread, and one thread that prepares segments ahead and drops those
// past retention.
class JournalSet {
 public:
  static base::Result<std::unique_ptr<JournalSet>> open(const JournalSettings& settings, disk::Disk& disk,
                                                        const base::Clock& clock, base::Random& random);
  ~JournalSet() { stop(); }

  // Where reading will start again after a crash, which retention must not pass; asked about every second.
  using Needed = std::function<journal::Offset(event::Topic topic, std::uint32_t partition)>;
  void start(Needed needed);
  void stop();

  std::uint32_t partitions(event::Topic topic) const {
    return static_cast<std::uint32_t>(topics_[static_cast<std::size_t>(topic)].size());
  }
  journal::SegmentJournal& journal(event::Topic topic, std::uint32_t partition) {
    return *unit(topic, partition).journal;
  }
  journal::GroupCommit& commit(event::Topic topic, std::uint32_t partition) {
    return *unit(topic, partition).commit;
  }

  struct Totals {
    std::uint64_t bytes = 0;
    std::uint64_t segments = 0;
  };
  Totals totals() const;
  // How often the next segment could not be prepared; the journal then grows its files as it writes.
  std::uint64_t prepare_failures(event::Topic topic, std::uint32_t partition) const {
    return topics_[static_cast<std::size_t>(topic)][partition]->prepare_failures.load();
  }

 private:
  struct Unit {
    event::Topic topic;
    std::uint32_t partition;
    std::unique_ptr<journal::SegmentJournal> journal;
    std::unique_ptr<journal::GroupCommit> commit;
    std::unique_ptr<Worker> writer;
    std::atomic<std::uint64_t> trim_before{0};  // Only the writer may trim.
    std::atomic<std::uint64_t> prepare_failures{0};
    bool unprepared = false;     // The last attempt to prepare failed. The housekeeper's.
    base::Instant prepare_next;  // Not before. The housekeeper's.
    std::string name() const;
    std::int64_t write();
  };
  JournalSet(const JournalSettings& settings, disk::Disk& disk, const base::Clock& clock)
      : settings_(settings), disk_(disk), clock_(clock) {}
  Unit& unit(event::Topic topic, std::uint32_t partition) {
    return *topics_[static_cast<std::size_t>(topic)][partition];
  }
  std::int64_t keep_house();
  bool prepare(Unit& unit);
  void trim(Unit& unit);
  bool has_room(std::uint64_t bytes) const;

  const JournalSettings settings_;
  disk::Disk& disk_;
  const base::Clock& clock_;
  std::array<std::vector<std::unique_ptr<Unit>>, event::kTopicCount> topics_;
  Needed needed_;
  std::unique_ptr<Worker> housekeeper_;
  base::Instant next_trim_;
  base::Instant next_release_;
};

}  // namespace millrace::app
