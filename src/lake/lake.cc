#include "lake/lake.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <optional>
#include <utility>

#include "event/record.h"

namespace millrace::lake {

namespace {

base::Status clear_directory(const std::string& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  for (auto entry = std::filesystem::directory_iterator(directory, error);
       !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    std::filesystem::remove_all(entry->path(), error);
  }
  if (error) return base::Error(base::ErrorCode::io, fmt::format("clear {}: {}", directory, error.message()));
  return base::Ok{};
}

// Where a table takes the rows of a group that are at or above its floor.
class RowChooser {
 public:
  RowChooser(Segment& segment, const std::array<std::uint64_t, kTableCount>& floor)
      : segment_(segment), floor_(floor) {}
  void take(Table table, std::uint64_t offset, std::uint32_t row) {
    if (offset >= floor_[index_of(table)]) segment_.rows[index_of(table)].push_back(row);
  }

 private:
  Segment& segment_;
  const std::array<std::uint64_t, kTableCount>& floor_;
};

bool is_quarantined(std::string_view payload) {
  const auto kind = event::record_kind(payload);
  return kind.ok() && *kind == event::RecordKind::quarantined;
}

void choose_records(const RowGroup& group, Segment& segment, RowChooser& chooser) {
  const auto& records = *group.records;
  const auto first = records.first.value;
  const auto begin = std::max(group.from.value, first) - first;
  const auto end = std::min<std::uint64_t>(group.to.value - first, records.payloads.size());
  for (auto i = begin; i < end; ++i) {
    segment.bytes += static_cast<std::int64_t>(records.payloads[i].size());
    if (!is_quarantined(records.payloads[i])) continue;
    const auto row = static_cast<std::uint32_t>(i) | kOfRecords;
    chooser.take(Table::quarantine, first + i, row);
    chooser.take(Table::raw_events, first + i, row);
  }
  for (std::uint32_t i = 0; i < group.events.size(); ++i) {
    const auto index = group.events[i].index;
    // Quarantined records count by themselves, whether the stage lists them or not.
    if (index >= records.payloads.size() || is_quarantined(records.payloads[index])) continue;
    chooser.take(Table::raw_events, first + index, i);
    const auto verdict = group.events[i].verdict;
    if (verdict == event::Verdict::accepted || verdict == event::Verdict::bot)
      chooser.take(Table::events, first + index, i);
  }
  for (std::uint32_t i = 0; i < group.poison.size(); ++i) {
    const auto offset = group.poison[i].first;
    if (offset >= first && offset - first < records.payloads.size())
      chooser.take(Table::quarantine, offset, i);
  }
}

std::shared_ptr<const Segment> make_segment(std::uint64_t ordinal, std::shared_ptr<const RowGroup> group,
                                            const std::array<std::uint64_t, kTableCount>& floor) {
  auto segment = std::make_shared<Segment>();
  segment->ordinal = ordinal;
  RowChooser chooser(*segment, floor);
  if (group->records != nullptr) choose_records(*group, *segment, chooser);
  // A row belongs to its group even where its offset points outside.
  const auto inside = [&](std::uint64_t offset) {
    return std::clamp(offset, group->from.value, group->to.value - 1);
  };
  for (std::uint32_t i = 0; i < group->sessions.size(); ++i) {
    chooser.take(Table::sessions, inside(group->sessions[i].offset), i);
  }
  for (std::uint32_t i = 0; i < group->orders.size(); ++i) {
    chooser.take(Table::orders, inside(group->orders[i].offset), i);
  }
  // Cells have no offset of their own: they are as of the end of the group.
  for (std::uint32_t i = 0; i < group->funnel.size(); ++i)
    chooser.take(Table::funnel, group->to.value - 1, i);
  constexpr std::size_t kEventBytes = 24, kSessionBytes = 400, kOrderBytes = 600, kCellBytes = 100;  // About.
  segment->bytes += static_cast<std::int64_t>(
      sizeof(Segment) + group->events.size() * kEventBytes + group->sessions.size() * kSessionBytes +
      group->orders.size() * kOrderBytes + group->funnel.size() * kCellBytes);
  segment->group = std::move(group);
  return segment;
}

// Events without those of bots; the highest version of each session and order. An order is known by its id alone: its next version
// may be of another source.
constexpr const char* kCurrentViews[] = {
    // Files from before the column are of accepted events alone.
    "CREATE OR REPLACE VIEW curated.events AS SELECT * FROM conformed.events WHERE coalesce(verdict, "
    "'accepted') = "
    "'accepted'",
    "CREATE OR REPLACE VIEW curated.sessions AS SELECT * FROM (SELECT * FROM conformed.sessions QUALIFY "
    "row_number() OVER "
    "(PARTITION BY session_id ORDER BY version DESC) = 1) WHERE NOT retracted",
    "CREATE OR REPLACE VIEW curated.orders AS SELECT * FROM conformed.orders QUALIFY row_number() OVER "
    "(PARTITION BY order_id ORDER BY version DESC) = 1",
};

}  // namespace

Lake::Lake(ObjectStore& store, const base::Clock& clock, LakeSettings settings)
    : store_(store), clock_(clock), settings_(std::move(settings)), tail_(settings_.source_names) {}

Lake::~Lake() = default;

base::Result<std::unique_ptr<Lake>> Lake::open(ObjectStore& store, const base::Clock& clock,
                                               base::Random& random, LakeSettings settings) {
  TRY(clear_directory(settings.scratch_directory));
  TRY_ASSIGN(const auto store_directory, local_path(store, ""));
  settings.duck.spill_directory = settings.scratch_directory + "/spill";
  // Keys and journals may lie beside the tables: the store's root is no place for a statement.
  settings.duck.readable_directories = {settings.scratch_directory};
  for (const Table table : kTables)
    settings.duck.readable_directories.push_back(
        fmt::format("{}/{}", store_directory, spec_of(table).name_space));
  auto lake = std::make_unique<Lake>(store, clock, std::move(settings));
  TRY_ASSIGN(lake->database_, DuckDatabase::open(lake->settings_.duck));
  TRY_ASSIGN(lake->connection_, lake->database_->connect());
  TRY(lake->tail_.register_functions(*lake->connection_));
  TRY(lake->open_tables(random));
  TRY(lake->make_views());
  return lake;
}

base::Status Lake::open_tables(base::Random& random) {
  const LakeParts parts{store_, *connection_, tail_, sorter_};
  for (const Table table : kTables) {
    auto iceberg = IcebergTable::open_or_create(store_, spec_of(table), clock_, random, settings_.iceberg);
    if (!iceberg.ok()) return std::move(iceberg).error().with_context(qualified_name(table));
    tables_[index_of(table)] = std::make_unique<LakeTable>(table, *std::move(iceberg), parts);
  }
  return base::Ok{};
}

base::Status Lake::make_views() {
  for (const char* name_space : {"raw", "conformed", "curated"}) {
    TRY(connection_->execute(fmt::format("CREATE SCHEMA {}", name_space)));
  }
  for (auto& table : tables_) TRY(table->publish());
  const TailPin pin(tail_, connection_->id());
  for (const char* sql : kCurrentViews) TRY(connection_->execute(sql));
  return base::Ok{};
}

Lake::Floor Lake::floor_of(const JournalPartition& partition) const {
  const auto seen = appended_.to.find(partition);
  const auto appended = seen == appended_.to.end() ? 0 : seen->second.value;
  Floor floor{};
  for (const Table table : kTables) {
    const auto committed = tables_[index_of(table)]->committed(partition).value_or(journal::Offset{});
    floor[index_of(table)] = std::max(committed.value, appended);
  }
  return floor;
}

void Lake::resume(event::Topic topic, std::uint32_t partition, journal::Offset at) {
  const std::lock_guard lock(append_mutex_);
  if (at <= committed(topic, partition)) return;
  appended_.from.try_emplace({topic, partition}, journal::Offset{});
  appended_.to[{topic, partition}] = at;
}

base::Status Lake::append(std::shared_ptr<const RowGroup> group) {
  const JournalPartition partition{group->topic, group->partition};
  if (group->to <= group->from) return base::Ok{};
  const std::lock_guard lock(append_mutex_);
  const auto seen = appended_.to.find(partition);
  std::optional<journal::Offset> expected;
  if (seen != appended_.to.end()) {
    expected = seen->second;
  } else {
    expected = tables_[index_of(Table::raw_events)]->committed(partition);
  }
  if (expected && group->from > *expected) {
    return base::Error(base::ErrorCode::invalid_argument,
                       fmt::format("lake: rows of {}/{} from {} on, but those from {} are missing",
                                   event::to_string(partition.topic), partition.partition, group->from.value,
                                   expected->value));
  }
  if (expected && group->to <= *expected) return base::Ok{};
  const auto from = group->from;
  const auto to = group->to;
  const auto floor = floor_of(partition);
  auto segment = make_segment(segments_ + 1, std::move(group), floor);
  appended_.from.try_emplace(partition, from);
  appended_.to[partition] = to;
  bool has_rows = false;
  for (const auto& rows : segment->rows) has_rows = has_rows || !rows.empty();
  if (has_rows) {
    ++segments_;
    tail_.append(std::move(segment));
  }
  return base::Ok{};
}

LakeTable::WithoutRows Lake::idle_policy(std::uint64_t generation, const Appended& appended) const {
  const auto snapshot = tail_.snapshot();
  for (const auto& open : *snapshot) {
    if (open.id <= generation && !open.segments.empty()) return LakeTable::WithoutRows::advance_offsets;
  }
  std::uint64_t records = 0;
  for (const auto& [partition, to] : appended.to) {
    const auto committed = tables_[index_of(Table::raw_events)]->committed(partition);
    records += to.value - std::min(to, committed.value_or(appended.from.at(partition))).value;
  }
  return records >= settings_.idle_records_max ? LakeTable::WithoutRows::advance_offsets
                                               : LakeTable::WithoutRows::skip;
}

base::Status Lake::commit() {
  std::uint64_t generation = 0;
  Appended appended;
  {
    const std::lock_guard lock(append_mutex_);
    generation = tail_.rotate();
    appended = appended_;
  }
  const auto raw_policy = idle_policy(generation, appended);
  std::optional<base::Error> failure;
  auto dropped = std::numeric_limits<std::uint64_t>::max();
  for (const Table table : kTables) {
    auto& target = *tables_[index_of(table)];
    // Its offsets promise that the others have their rows.
    if (table == Table::raw_events && failure) break;
    const auto policy = table == Table::raw_events ? raw_policy : LakeTable::WithoutRows::skip;
    if (auto done = target.commit(generation, appended, policy, settings_.parquet); !done.ok()) {
      if (!failure) failure = std::move(done).error().with_context("commit " + qualified_name(table));
    }
  }
  const auto snapshot = tail_.snapshot();
  for (const auto& table : tables_) {
    if (has_rows(*snapshot, table->table(), table->view_generation(), generation)) {
      dropped = std::min(dropped, table->view_generation() - 1);
    }
  }
  tail_.drop(std::min(dropped, generation));
  count_bytes();
  const std::lock_guard lock(mutex_);
  if (failure) {
    ++commits_failed_;
    return *std::move(failure);
  }
  ++commits_;
  last_commit_at_ = clock_.wall();
  return base::Ok{};
}

void Lake::count_bytes() {
  const std::lock_guard lock(mutex_);
  json_bytes_ = parquet_bytes_ = 0;
  for (const auto& table : tables_) {
    json_bytes_ += table->json_bytes();
    parquet_bytes_ += table->parquet_bytes();
  }
}

base::Result<LakeTable::Compacted> Lake::compact() {
  for (const auto& table : tables_) {
    TRY_ASSIGN(const auto compacted, table->compact(settings_.compaction));
    if (compacted == LakeTable::Compacted::nothing_to_do) continue;
    count_bytes();
    return compacted;
  }
  return LakeTable::Compacted::nothing_to_do;
}

base::Status Lake::remove_orphans() {
  for (const auto& table : tables_) TRY(table->iceberg().remove_orphans());
  return base::Ok{};
}

journal::Offset Lake::committed(event::Topic topic, std::uint32_t partition) const {
  return tables_[index_of(Table::raw_events)]->committed({topic, partition}).value_or(journal::Offset{});
}

journal::Offset Lake::taken(event::Topic topic, std::uint32_t partition) const {
  const std::lock_guard lock(append_mutex_);
  const auto seen = appended_.to.find({topic, partition});
  return seen == appended_.to.end() ? committed(topic, partition) : seen->second;
}

LakeStatus Lake::status() const {
  LakeStatus out;
  const auto rows_tail = tail_.row_counts();
  for (const Table table : kTables) {
    const auto state = tables_[index_of(table)]->iceberg().state();
    auto& status = out.tables[index_of(table)];
    status.table = table;
    status.rows_committed = state->record_count;
    status.rows_tail = rows_tail[index_of(table)];
    status.files = state->file_count;
    status.bytes = state->file_bytes;
    status.snapshot_id = state->metadata.current_snapshot_id.value_or(0);
    status.snapshots = static_cast<std::int64_t>(state->metadata.snapshots.size());
    status.offsets = state->offsets;
  }
  out.tail_bytes = tail_.bytes();
  const std::lock_guard lock(mutex_);
  out.last_commit_at = last_commit_at_;
  out.json_bytes = json_bytes_;
  out.parquet_bytes = parquet_bytes_;
  out.commits = commits_;
  out.commits_failed = commits_failed_;
  return out;
}

}  // namespace millrace::lake
