#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "disk/disk.h"
#include "journal/segment_journal.h"
#include "sim/sim_clock.h"
#include "sim/sim_disk.h"

// Random histories of a SegmentJournal on a disk that crashes, held against a plain list of what was
// appended.
namespace millrace::journal::contract {

// What the journal is being asked to do, for a disk that has a bug only then.
enum class Phase : std::uint8_t { opening, appending, other };

struct CrashHistorySettings {
  std::uint64_t seed = 0;
  // Puts a disk with a bug between the journal and the simulated one; null for none.
  std::function<std::unique_ptr<disk::Disk>(disk::Disk&, const Phase&)> plant;
};

// One history: some lives of one journal, each ended by a power cut, a killed process or an orderly close,
// and perhaps, at the end, damage to a stored byte.
class CrashHistory {
 public:
  explicit CrashHistory(CrashHistorySettings settings)
      : random_(settings.seed), disk_(random_.next()), journal_random_(random_.next()) {
    if (settings.plant) planted_ = settings.plant(disk_, phase_);
  }

  // What was broken, or "" when every promise held.
  std::string run() {
    const std::uint64_t lives = 2 + random_.below(5);
    for (std::uint64_t life = 0; life < lives && broken_.empty(); ++life) live(life + 1 == lives);
    if (broken_.empty() && random_.chance(0.3)) damage();
    return broken_;
  }

  // Equal for equal seeds: the histories are deterministic.
  std::uint64_t digest() const { return disk_.digest(); }

 private:
  void live(bool last) {
    choose_settings();
    if (!last) choose_faults();
    if (open()) {
      const std::uint64_t steps = random_.below(60);
      for (std::uint64_t i = 0; i < steps && broken_.empty(); ++i) step();
    }
    if (broken_.empty() && journal_ && random_.chance(0.2)) close();
    end_life();
  }

  void choose_settings() {
    settings_.directory = "topic/0";
    settings_.segment_bytes = kSegmentHeaderBytes + 500 + random_.below(8000);
    settings_.compression = static_cast<Compression>(random_.below(3));
    settings_.batch_bytes = static_cast<std::uint32_t>(100 + random_.below(3000));
  }

  void choose_faults() {
    sim::DiskFaults faults;
    if (random_.chance(0.2)) faults.write_exhausted = 0.1;
    if (random_.chance(0.1)) faults.create_exhausted = 0.5;
    if (random_.chance(0.2)) faults.sync_fails = 0.05;
    if (random_.chance(0.1)) faults.directory_sync_fails = 0.1;
    if (random_.chance(0.1)) faults.read_fails = 0.02;
    disk_.set_faults(faults);
    if (random_.chance(0.2)) disk_.set_capacity(random_.below(60'000));
    if (random_.chance(0.4)) disk_.cut_after(1 + random_.below(80));
    faulty_ = true;
  }

  void end_life() {
    journal_.reset();
    disk_.set_faults({});
    disk_.set_capacity(UINT64_MAX);
    faulty_ = false;
    if (random_.chance(0.7)) {
      disk_.crash();
    } else {
      disk_.restart();
    }
  }

  bool open() {
    phase_ = Phase::opening;
    auto opened = SegmentJournal::open(settings_, planted_ ? *planted_ : disk_, clock_, journal_random_);
    phase_ = Phase::other;
    if (!opened.ok()) {
      const auto code = opened.error().code();
      const bool excused = faulty_ && (code == base::ErrorCode::io || code == base::ErrorCode::exhausted);
      if (!excused) broken_ = "cannot be opened: " + opened.error().message();
      return false;
    }
    journal_ = *std::move(opened);
    const std::uint64_t found = journal_->end().value;
    if (found < promised_) broken_ = "lost a promised record";
    if (found > model_.size()) broken_ = "invented a record";
    if (journal_->durable_end() != journal_->end()) broken_ = "recovered records that are not durable";
    if (journal_->begin().value > trimmed_) broken_ = "trimmed more than it was told to";
    if (!broken_.empty()) return false;
    model_.resize(found);
    promised_ = found;
    check_from(journal_->begin().value, SIZE_MAX);
    return broken_.empty();
  }

  void step() {
    clock_.advance_ms(static_cast<std::int64_t>(random_.below(1000)));
    const std::uint64_t dice = random_.below(100);
    if (dice < 50) {
      append();
    } else if (dice < 75) {
      const bool synced = journal_->sync().ok();
      if (synced && journal_->durable_end() != journal_->end()) broken_ = "a sync left something behind";
    } else if (dice < 85) {
      check_from(random_.below(model_.size() + 1), random_.below(3000));
    } else if (dice < 92) {
      (void)journal_->prepare_next().ok();
    } else if (dice < 96) {
      trimmed_ = std::max(trimmed_, random_.below(promised_ + 1));
      (void)journal_->trim({trimmed_}).ok();
    } else {
      (void)journal_->retained_from({.bytes = random_.below(20'000), .age_ms = 500});
    }
    promised_ = std::max(promised_, journal_->durable_end().value);
  }

  void append() {
    std::vector<RecordBuffer> buffers(1 + random_.below(3));
    std::vector<std::uint64_t> serials;
    for (RecordBuffer& buffer : buffers) {
      for (std::uint64_t i = random_.below(5); i > 0; --i) {
        serials.push_back(next_serial_++);
        buffer.add(payload(serials.back()));
      }
    }
    std::vector<const RecordBuffer*> pointers;
    for (const RecordBuffer& buffer : buffers) pointers.push_back(&buffer);
    const Offset before = journal_->end();
    phase_ = Phase::appending;
    const auto first = journal_->append(pointers);
    phase_ = Phase::other;
    if (first.ok()) {
      if (*first != Offset{model_.size()}) broken_ = "records have wrong offsets";
      if (journal_->end() != *first + serials.size()) broken_ = "the end is wrong after an append";
      model_.insert(model_.end(), serials.begin(), serials.end());
      return;
    }
    if (journal_->end() != before) broken_ = "a failed append moved the end";
    // Unknown whether it happened: its records may be found after a restart.
    if (first.error().code() == base::ErrorCode::io)
      model_.insert(model_.end(), serials.begin(), serials.end());
  }

  void check_from(std::uint64_t from, std::size_t max_bytes) {
    Offset next{std::max(from, journal_->begin().value)};
    while (next < journal_->end() && broken_.empty()) {
      const auto batch = journal_->read(next, max_bytes);
      if (!batch.ok()) {
        if (!faulty_ || batch.error().code() != base::ErrorCode::io)
          broken_ = "cannot be read: " + batch.error().message();
        return;
      }
      if (batch->first != next || batch->empty()) broken_ = "a read came back empty";
      for (const auto found : batch->payloads) {
        if (next >= journal_->end() || found != payload(model_[next.value])) broken_ = "a record has changed";
        if (!broken_.empty()) return;
        next = next + 1;
      }
      if (max_bytes < SIZE_MAX && random_.chance(0.5)) return;
    }
  }

  void close() {
    (void)journal_->close().ok();
    promised_ = std::max(promised_, journal_->durable_end().value);
  }

  // After an orderly close every byte counts: a damaged one must be reported or not matter, never cost a
  // record.
  void damage() {
    if (!open()) return;
    for (int i = 0; i < 5; ++i) append();
    if (!journal_->close().ok()) broken_ = "cannot be closed";
    const Offset end = journal_->end();
    const Offset begin = journal_->begin();
    journal_.reset();
    if (!broken_.empty() || !damage_a_byte()) return;
    disk_.restart();
    const auto opened =
        SegmentJournal::open(settings_, planted_ ? *planted_ : disk_, clock_, journal_random_);
    if (!opened.ok()) return check_damage_report(opened.error());
    journal_ = std::move(const_cast<std::unique_ptr<SegmentJournal>&>(*opened));
    if (journal_->end() != end || journal_->begin() != begin) {
      broken_ = "damage cost records and nobody was told";
      return;
    }
    for (Offset next = begin; next < end;) {
      const auto batch = journal_->read(next, 1 << 20);
      if (!batch.ok()) return check_damage_report(batch.error());
      for (const auto found : batch->payloads) {
        if (found != payload(model_[next.value])) broken_ = "a damaged record was returned";
        next = next + 1;
      }
      if (!broken_.empty()) return;
    }
  }

  bool damage_a_byte() {
    const auto names = disk_.list(settings_.directory);
    if (!names.ok() || names->empty()) return false;
    const std::string path = settings_.directory + "/" + (*names)[random_.below(names->size())];
    const auto bytes = disk::read_file(disk_, path);
    if (!bytes.ok()) return false;
    const std::size_t used = bytes->find_last_not_of('\0') + 1;
    if (used <= kSegmentHeaderBytes)
      return disk_.damage(path, random_.below(kBatchHeaderBytes), std::byte{0x10});
    const std::uint64_t position = kSegmentHeaderBytes + random_.below(used - kSegmentHeaderBytes);
    // The marker at the end is all that vouches for the last records, so damage never takes both.
    const bool near_end = position + sim::SimDisk::kSectorBytes + 2 * kBatchHeaderBytes > used;
    if (near_end || random_.chance(0.7))
      return disk_.damage(path, position, static_cast<std::byte>(1U << random_.below(8)));
    // A write that never arrived: the sector reads as zeros.
    const std::uint64_t start = position / sim::SimDisk::kSectorBytes * sim::SimDisk::kSectorBytes;
    for (std::uint64_t i = start;
         i < std::min<std::uint64_t>(bytes->size(), start + sim::SimDisk::kSectorBytes); ++i) {
      disk_.damage(path, i, static_cast<std::byte>((*bytes)[i]));
    }
    return true;
  }

  void check_damage_report(const base::Error& error) {
    if (error.code() != base::ErrorCode::corrupt)
      broken_ = "damage reported as something else: " + error.message();
    const bool named = error.message().find("segment '") != std::string::npos &&
                       error.message().find("position ") != std::string::npos;
    if (!named) broken_ = "the report does not say where: " + error.message();
  }

  // Every append attempt has records of its own, so that one which failed cannot pass for one which did not.
  static std::string payload(std::uint64_t serial) {
    base::SeededRandom random(serial);
    const std::uint64_t size = random.chance(0.05) ? random.below(4000) : random.below(200);
    const bool noise = random.chance(0.3);
    std::string bytes(size, static_cast<char>('a' + serial % 26));
    for (std::size_t i = 0; i < bytes.size(); i += noise ? 1 : 16)
      bytes[i] = static_cast<char>(random.next());
    return bytes;
  }

  base::SeededRandom random_;
  sim::SimDisk disk_;
  base::SeededRandom journal_random_;
  sim::SimClock clock_;
  std::unique_ptr<disk::Disk> planted_;
  Phase phase_ = Phase::other;
  SegmentJournalSettings settings_;
  std::unique_ptr<SegmentJournal> journal_;
  bool faulty_ = false;

  std::vector<std::uint64_t> model_;  // Serial of the record at each offset.
  std::uint64_t next_serial_ = 0;
  std::uint64_t promised_ = 0;  // Offsets before this were synced.
  std::uint64_t trimmed_ = 0;
  std::string broken_;
};

}  // namespace millrace::journal::contract
