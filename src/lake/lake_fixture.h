#pragma once

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "disk/posix_disk.h"
#include "event/record.h"
#include "lake/lake.h"
#include "lake/local_object_store.h"
#include "sim/sim_clock.h"

// What tests and benchmarks of the lake share: a lake in a directory of its own, and events to put into it.
namespace millrace::lake {

// A directory that is gone with the object.
class ScratchDirectory {
 public:
  explicit ScratchDirectory(std::string_view name)
      : path_((std::filesystem::temp_directory_path() / fmt::format("millrace-{}-{}", name, ::getpid()))
                  .string()) {
    std::filesystem::remove_all(path_);
  }
  ~ScratchDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// A lake that can be closed and opened again, as after a crash.
class LakeFixture {
 public:
  explicit LakeFixture(std::string_view name, LakeSettings settings = {})
      : directory_(name), settings_(std::move(settings)), random_(7) {
    disk_ = *disk::PosixDisk::open_root(directory_.path() + "/lake");
    store_ = *LocalObjectStore::open(*disk_, directory_.path() + "/lake", clock_, random_);
    settings_.scratch_directory = directory_.path() + "/scratch";
    if (settings_.source_names.empty()) settings_.source_names = {"shop", "app"};
    reopen();
  }
  void reopen() {
    lake_.reset();
    auto opened = Lake::open(*store_, clock_, random_, settings_);
    if (!opened.ok()) std::fprintf(stderr, "%s\n", opened.error().message().c_str());
    INVARIANT(opened.ok());
    lake_ = *std::move(opened);
  }

  Lake& lake() { return *lake_; }
  ObjectStore& store() { return *store_; }
  sim::SimClock& clock() { return clock_; }
  const std::string& path() const { return directory_.path(); }

  // The first value of the statement's first row, as text; "error: ..." when it fails.
  std::string scalar(const std::string& sql) {
    auto connection = lake_->database().connect();
    if (!connection.ok()) return "error: " + connection.error().message();
    const TailPin pin(lake_->tail(), (*connection)->id());
    auto result = (*connection)->query("SELECT (" + sql + ")::VARCHAR");
    if (!result.ok()) return "error: " + result.error().message();
    const DuckChunk chunk(result->next_chunk());
    if (!chunk || duckdb_data_chunk_get_size(chunk.get()) == 0) return "error: no rows";
    const auto vector = duckdb_data_chunk_get_vector(chunk.get(), 0);
    const auto* validity = duckdb_vector_get_validity(vector);
    if (validity != nullptr && (validity[0] & 1) == 0) return "NULL";
    auto* value = static_cast<duckdb_string_t*>(duckdb_vector_get_data(vector));
    return {duckdb_string_t_data(value), duckdb_string_t_length(*value)};
  }

 private:
  ScratchDirectory directory_;
  LakeSettings settings_;
  sim::SimClock clock_;
  base::SeededRandom random_;
  std::unique_ptr<disk::PosixDisk> disk_;
  std::unique_ptr<LocalObjectStore> store_;
  std::unique_ptr<Lake> lake_;
};

// Builds groups whose records follow each other.
class GroupBuilder {
 public:
  explicit GroupBuilder(std::uint32_t partition = 0, std::uint64_t from = 0)
      : partition_(partition), next_(from) {}

  GroupBuilder& event(const event::Event& event, event::Verdict verdict = event::Verdict::accepted,
                      std::uint64_t session_id = 1) {
    std::string payload;
    event::encode_event(event, payload);
    rows_.push_back({static_cast<std::uint32_t>(payloads_.size()), verdict, session_id});
    payloads_.push_back(std::move(payload));
    return *this;
  }
  GroupBuilder& quarantined(const event::QuarantinedItem& item) {
    std::string payload;
    event::encode_quarantined(item, payload);
    payloads_.push_back(std::move(payload));
    return *this;
  }
  GroupBuilder& tick() {
    std::string payload;
    event::encode_tick({{0}}, payload);
    payloads_.push_back(std::move(payload));
    return *this;
  }
  // The offset the next record gets.
  std::uint64_t next() const { return next_ + payloads_.size(); }

  // The records since the last call, as a group; `add` may put summary rows into it.
  template <class F>
  std::shared_ptr<const RowGroup> take(F&& add) {
    auto group = std::make_shared<RowGroup>();
    auto records = std::make_shared<journal::RecordBatch>();
    records->first = {next_};
    const auto payloads = std::make_shared<const std::vector<std::string>>(std::move(payloads_));
    records->owners.push_back(payloads);
    for (const auto& payload : *payloads) records->payloads.push_back(payload);
    group->partition = partition_;
    group->from = {next_};
    group->to = records->end();
    group->events = std::move(rows_);
    next_ = group->to.value;
    group->records = std::move(records);
    payloads_.clear();
    rows_.clear();
    add(*group);
    return group;
  }
  std::shared_ptr<const RowGroup> take() {
    return take([](RowGroup&) {});
  }

 private:
  std::uint32_t partition_;
  std::uint64_t next_;
  std::vector<std::string> payloads_;
  std::vector<event::EventRow> rows_;
};

constexpr std::int64_t kNoonMs = 1'795'255'200'000;  // 2026-11-21T10:00:00Z

// An event of `visitor`; the text given must outlive it.
inline event::Event make_event(std::string_view visitor, std::string_view raw, std::int64_t at_ms = kNoonMs,
                               event::EventType type = event::EventType::page_viewed) {
  event::Event out;
  out.type = type;
  out.received_at = {at_ms};
  out.event_time = {at_ms};
  out[event::Text::anonymous_id] = visitor;
  out[event::Text::event_name] = "Viewed";
  out.raw = raw;
  return out;
}

}  // namespace millrace::lake
