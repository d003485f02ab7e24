#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "lake/duck.h"
#include "lake/lake_table.h"
#include "lake/object_store.h"
#include "lake/row_group.h"
#include "lake/row_sorter.h"
#include "lake/tables.h"
#include "lake/tail.h"

namespace millrace::lake {

struct LakeSettings {
  // Local, absolute, for this lake alone: what queries and compaction spill. Its files are deleted at open.
  std::string scratch_directory;
  DuckSettings duck;  // The directories in it are filled in by open().
  IcebergSettings iceberg;
  ParquetSettings parquet;
  CompactionSettings compaction;
  std::vector<std::string> source_names;  // By event::Event::source.
  // With no rows to commit, the offsets are committed only after so many records, so that an idle shop's ticks do not
  // make a table version every few seconds.
  std::uint64_t idle_records_max = 5000;
};

struct TableStatus {
  Table table = Table::raw_events;
  std::int64_t rows_committed = 0;
  std::int64_t rows_tail = 0;  // Of the funnel: changes of cells.
  std::int64_t files = 0;
  std::int64_t bytes = 0;
  std::int64_t snapshot_id = 0;
  std::int64_t snapshots = 0;
  CommittedOffsets offsets;
};

struct LakeStatus {
  std::array<TableStatus, kTableCount> tables;  // In the order of kTables.
  base::WallTime last_commit_at;                // 0 when none since open.
  std::int64_t tail_bytes = 0;                  // Of memory, about.
  std::int64_t json_bytes = 0;                  // That came in, of what was committed since open ...
  std::int64_t parquet_bytes = 0;               // ... and what all tables took for it.
  std::int64_t commits = 0;
  std::int64_t commits_failed = 0;
};

// The lake: Iceberg tables, and SQL over them and the rows that are not in them yet.
//
// Promise: once append() returned, a query begun later sees the group's rows, each once, before, while and after they are
// committed. Every table takes a journal record at most once, whatever is appended again after a crash.
//
// commit(), compact() and remove_orphans() are for one thread; append(), status(), committed() and queries
// (query::SqlEngine) for any, a commit in progress or not.
class Lake {
 public:
  static base::Result<std::unique_ptr<Lake>> open(ObjectStore& store, const base::Clock& clock,
                                                  base::Random& random, LakeSettings settings);
  Lake(ObjectStore& store, const base::Clock& clock, LakeSettings settings);  // Of no use before open().
  ~Lake();

  // All rows of the records below `at` are in the tables, whether or not the tables have recorded that offset: an idle shop's
  // records bring no rows. Before the partition's first append().
  void resume(event::Topic topic, std::uint32_t partition, journal::Offset at);

  // Rows of records that are in a table or the tail already are dropped, record by record. invalid_argument, and
  // nothing is taken, when the group leaves a gap to what came before it.
  base::Status append(std::shared_ptr<const RowGroup> group);

  // Commits everything appended before the call, each table by itself. After an error the tables that failed keep their rows
  // in the tail, and the next commit takes them along; committed() does not pass them.
  base::Status commit();

  // Merges the small files of at most one day of one table; nothing_to_do when none needs it. Call when idle.
  base::Result<LakeTable::Compacted> compact();
  // Removes objects no snapshot needs, in every table. Slow; once a day.
  base::Status remove_orphans();

  // All rows of the records below it are in a table or the tail: append() took them, or resume() said so.
  journal::Offset taken(event::Topic topic, std::uint32_t partition) const;
  // Every table has all rows of the records below it: where reading must resume. 0 when it has none.
  journal::Offset committed(event::Topic topic, std::uint32_t partition) const;
  LakeStatus status() const;

  DuckDatabase& database() { return *database_; }
  Tail& tail() { return tail_; }
  const IcebergTable& iceberg(Table table) const { return tables_[index_of(table)]->iceberg(); }

 private:
  base::Status open_tables(base::Random& random);
  base::Status make_views();
  // By table: rows of records below it are in the table or the tail already.
  using Floor = std::array<std::uint64_t, kTableCount>;
  Floor floor_of(const JournalPartition& partition) const;
  void count_bytes();
  LakeTable::WithoutRows idle_policy(std::uint64_t generation, const Appended& appended) const;

  ObjectStore& store_;
  const base::Clock& clock_;
  LakeSettings settings_;
  Tail tail_;
  std::unique_ptr<DuckDatabase> database_;
  std::unique_ptr<DuckConnection> connection_;
  RowSorter sorter_;
  std::array<std::unique_ptr<LakeTable>, kTableCount> tables_;

  mutable std::mutex append_mutex_;  // Guards the two below, and that no group falls between two generations.
  Appended appended_;
  std::uint64_t segments_ = 0;

  mutable std::mutex mutex_;  // Guards the figures below.
  base::WallTime last_commit_at_;
  std::int64_t json_bytes_ = 0, parquet_bytes_ = 0, commits_ = 0, commits_failed_ = 0;
};

}  // namespace millrace::lake
