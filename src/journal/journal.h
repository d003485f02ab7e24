#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace millrace::journal {

// Position of a record in its partition; consecutive from 0.
struct Offset {
  std::uint64_t value = 0;
  auto operator<=>(const Offset&) const = default;
};
constexpr Offset operator+(Offset offset, std::uint64_t count) { return {offset.value + count}; }

// Records encoded one after the other, as [u32 little-endian length][payload]: what one producer hands over
// in one piece, and what a batch on disk is made of.
class RecordBuffer {
 public:
  // Starts a record; the caller appends its payload to the string returned, then calls finish().
  std::string& begin() {
    start_ = bytes_.size();
    bytes_.append(4, '\0');
    return bytes_;
  }
  void finish() {
    const auto size = static_cast<std::uint32_t>(bytes_.size() - start_ - 4);
    for (int i = 0; i < 4; ++i)
      bytes_[start_ + static_cast<std::size_t>(i)] = static_cast<char>(size >> (8 * i));
    ++count_;
  }
  void abandon() { bytes_.resize(start_); }
  void add(std::string_view payload) {
    begin().append(payload);
    finish();
  }
  void clear() {
    bytes_.clear();
    count_ = 0;
  }
  std::uint32_t count() const { return count_; }
  bool empty() const { return count_ == 0; }
  std::string_view bytes() const { return bytes_; }

 private:
  std::string bytes_;
  std::size_t start_ = 0;
  std::uint32_t count_ = 0;
};

// Most bytes (payloads and their length prefixes) that one append() takes; a record is therefore shorter
// than this.
inline constexpr std::size_t kAppendBytesMax = 6 << 20;

// Records read from a journal, with the memory they lie in. Immutable once made, so it may be shared between
// threads; not copied, for the views of a copy would still point into the original.
struct RecordBatch {
  RecordBatch() = default;
  RecordBatch(RecordBatch&&) = default;
  RecordBatch& operator=(RecordBatch&&) = default;

  Offset first;
  std::vector<std::string_view> payloads;  // Into what `owners` own.
  std::vector<std::shared_ptr<const void>> owners;
  Offset end() const { return first + payloads.size(); }
  bool empty() const { return payloads.empty(); }
};

// An append-only sequence of records; one Journal is one partition of one topic.
//
// Promise: a record whose append() was followed by an ok sync() is returned by every later read, in the same
// position, across crashes. An append() that was not synced may be lost, but only together with everything
// after it. Reads never return a record that was only partly written.
//
// One thread appends, syncs and trims; any number read, and may call begin(), end() and durable_end(),
// meanwhile.
class Journal {
 public:
  virtual ~Journal() = default;
  // Assigns consecutive offsets to the records of all buffers, in order, and returns the first. Not durable
  // until sync(). exhausted when the disk is full: nothing was appended, and a later append may succeed.
  // invalid_argument past kAppendBytesMax.
  virtual base::Result<Offset> append(std::span<const RecordBuffer* const> buffers) = 0;
  // Makes every earlier append durable. After an error the journal refuses further appends and syncs.
  virtual base::Status sync() = 0;
  // Whole batches from the one that holds `from` on, without the records before it: at least one record if
  // any exists at `from`, about max_bytes at most, never past end(). Empty at end(). not_found when `from`
  // was trimmed away (its message names begin()); corrupt, naming partition, segment and position, when
  // stored bytes fail their checksum.
  virtual base::Result<RecordBatch> read(Offset from, std::size_t max_bytes) const = 0;
  virtual Offset begin() const = 0;        // First offset still held.
  virtual Offset end() const = 0;          // One past the last appended.
  virtual Offset durable_end() const = 0;  // One past the last synced.
  // Drops whole segments that lie entirely before `offset`.
  virtual base::Status trim(Offset before) = 0;

  base::Result<Offset> append(const RecordBuffer& buffer) {
    const RecordBuffer* pointer = &buffer;
    return append(std::span<const RecordBuffer* const>(&pointer, 1));
  }
};

}  // namespace millrace::journal
