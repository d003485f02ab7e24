#include "journal/segment_recovery.h"

#include <algorithm>
#include <cstring>
#include <deque>
#include <memory>
#include <optional>
#include <string>

namespace millrace::journal {
namespace {

using base::Error;
using base::ErrorCode;
using base::Ok;
using base::Result;
using base::Status;

constexpr std::size_t kWalkChunkBytes = 64 << 10;
constexpr std::size_t kSearchChunkBytes = 1 << 20;

class TailSearch {
 public:
  TailSearch(const SegmentFile& segment, std::shared_ptr<const disk::ReadFile> file, std::uint64_t size)
      : segment_(segment), file_(std::move(file)), size_(size) {
    tail_.end = segment.first();
    tail_.position = kSegmentHeaderBytes;
    tail_.epoch = segment.header().epoch;
    tail_.remains_end = kSegmentHeaderBytes;
  }

  Result<SegmentTail> run() {
    TRY(walk_headers());
    TRY(search_behind());
    if (durable_end_ > tail_.end) return segment_.corrupt(tail_.position, "synced batch is unreadable");
    TRY(check_payloads());
    return tail_;
  }

 private:
  struct Unsynced {
    std::uint64_t position;
    BatchHeader header;
  };

  // Follows the chain of batches as far as their headers are whole and continuous.
  Status walk_headers() {
    FileExcerpt excerpt;
    FileWindow window(*file_, size_, kWalkChunkBytes, excerpt);
    while (true) {
      TRY_ASSIGN(const auto bytes, window.at(tail_.position, kBatchHeaderBytes));
      const auto header = decode_batch_header(bytes, segment_.header().salt);
      if (!header) return Ok{};
      if (header->version != kFormatVersion) {
        return Error(ErrorCode::invalid_argument, "segment '" + segment_.path() +
                                                      "' holds batches of format version " +
                                                      std::to_string(header->version));
      }
      const bool continuous = header->first == tail_.end && header->epoch >= tail_.epoch &&
                              header->durable_end <= header->first &&
                              tail_.position + header->total_bytes() <= size_;
      if (!continuous) return Ok{};
      learn(header->durable_end);
      unsynced_.push_back({tail_.position, *header});
      tail_.end = header->end();
      tail_.epoch = header->epoch;
      tail_.position += header->total_bytes();
    }
  }

  // Later batches, which may have reached the disk before an earlier one did, tell how far the writer had
  // synced.
  Status search_behind() {
    const std::uint64_t limit = std::min(size_, tail_.position + kUnsyncedBytesMax);
    tail_.remains_end = tail_.position;
    FileExcerpt excerpt;
    FileWindow window(*file_, limit, kSearchChunkBytes, excerpt);
    for (std::uint64_t position = tail_.position; position < limit;) {
      // A header may straddle two chunks: the next begins where this one could no longer hold a whole one.
      TRY_ASSIGN(const auto chunk, window.at(position, kSearchChunkBytes + kBatchHeaderBytes));
      if (chunk.empty()) break;
      const std::size_t count = std::min(chunk.size(), kSearchChunkBytes);
      for (std::size_t at = 0; at < count; at += kBatchAlignment) inspect(chunk.subspan(at), position + at);
      position += count;
    }
    tail_.remains_end = std::min(tail_.remains_end, limit);
    return Ok{};
  }

  void inspect(std::span<const std::byte> bytes, std::uint64_t position) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data(), std::min<std::size_t>(bytes.size(), kBatchAlignment));
    if (word == 0) return;
    tail_.remains_end = position + kBatchAlignment;
    const auto header = decode_batch_header(bytes, segment_.header().salt);
    if (header && header->first >= tail_.end) learn(header->durable_end);
  }

  Status check_payloads() {
    FileExcerpt excerpt;
    FileWindow window(*file_, size_, kWalkChunkBytes, excerpt);
    tail_.known_position = unsynced_.empty() ? tail_.position : unsynced_.front().position;
    for (const Unsynced& batch : unsynced_) {
      const auto size = static_cast<std::size_t>(batch.header.total_bytes());
      TRY_ASSIGN(const auto bytes, window.at(batch.position, size));
      if (bytes.size() == size && payload_intact(batch.header, bytes.subspan(kBatchHeaderBytes))) continue;
      tail_.remains_end = std::max(tail_.remains_end, tail_.position);
      tail_.end = batch.header.first;
      tail_.position = batch.position;
      break;
    }
    return Ok{};
  }

  // A marker holds no record that a durable_end could cover; only later records that are durable show that
  // it is.
  void learn(Offset durable_end) {
    durable_end_ = std::max(durable_end_, durable_end);
    while (!unsynced_.empty()) {
      const BatchHeader& oldest = unsynced_.front().header;
      const bool durable = oldest.count > 0 ? oldest.end() <= durable_end_ : oldest.end() < durable_end_;
      if (!durable) return;
      unsynced_.pop_front();
    }
  }

  const SegmentFile& segment_;
  std::shared_ptr<const disk::ReadFile> file_;
  std::uint64_t size_;
  SegmentTail tail_;
  Offset durable_end_;
  std::deque<Unsynced> unsynced_;
};

}  // namespace

Result<SegmentTail> recover_tail(const SegmentFile& segment) {
  TRY_ASSIGN(auto file, segment.file());
  TRY_ASSIGN(const std::uint64_t size, file->size());
  return TailSearch(segment, std::move(file), size).run();
}

}  // namespace millrace::journal
