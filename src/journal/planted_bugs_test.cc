#include <doctest/doctest.h>

#include <cstring>
#include <optional>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "journal/segment_crash_contract.h"

// A simulator that finds nothing proves nothing. Each disk here makes the journal above it behave as if one
// safeguard had been left out of its code; the histories must notice.
namespace millrace::journal {
namespace {

using base::Ok;
using base::Result;
using base::Status;
using contract::Phase;

class ForwardingDisk : public disk::Disk {
 public:
  explicit ForwardingDisk(disk::Disk& below) : below_(below) {}
  Result<std::unique_ptr<disk::WriteFile>> create(std::string_view path) override {
    return below_.create(path);
  }
  Result<std::unique_ptr<disk::WriteFile>> open_for_write(std::string_view path) override {
    return below_.open_for_write(path);
  }
  Result<std::unique_ptr<disk::ReadFile>> open(std::string_view path) const override {
    return below_.open(path);
  }
  Result<std::vector<std::string>> list(std::string_view directory) const override {
    return below_.list(directory);
  }
  Status make_directory(std::string_view directory) override { return below_.make_directory(directory); }
  Status truncate(std::string_view path, std::uint64_t size) override { return below_.truncate(path, size); }
  Status remove(std::string_view path) override { return below_.remove(path); }
  Status rename(std::string_view from, std::string_view to) override { return below_.rename(from, to); }
  Status link(std::string_view from, std::string_view to) override { return below_.link(from, to); }
  Status sync_directory(std::string_view directory) override { return below_.sync_directory(directory); }
  Result<std::uint64_t> free_bytes() const override { return below_.free_bytes(); }

 protected:
  disk::Disk& below_;
};

class NoDirectorySync final : public ForwardingDisk {
 public:
  using ForwardingDisk::ForwardingDisk;
  Status sync_directory(std::string_view) override { return Ok{}; }
};

// Wraps every file written; a Wrapper is made from the file below, its path, the disk below and the phase.
template <class Wrapper>
class WrappedWrites final : public ForwardingDisk {
 public:
  WrappedWrites(disk::Disk& below, const Phase& phase) : ForwardingDisk(below), phase_(phase) {}
  Result<std::unique_ptr<disk::WriteFile>> create(std::string_view path) override {
    return wrap(below_.create(path), path);
  }
  Result<std::unique_ptr<disk::WriteFile>> open_for_write(std::string_view path) override {
    return wrap(below_.open_for_write(path), path);
  }

 private:
  Result<std::unique_ptr<disk::WriteFile>> wrap(Result<std::unique_ptr<disk::WriteFile>> file,
                                                std::string_view path) {
    if (!file.ok()) return file;
    return std::unique_ptr<disk::WriteFile>(
        std::make_unique<Wrapper>(*std::move(file), path, below_, phase_));
  }
  const Phase& phase_;
};

// The only sync of a segment's batches inside append() is the one before a roll: in these histories nothing
// comes near kUnsyncedBytesMax.
class NoSyncAtRoll final : public disk::WriteFile {
 public:
  NoSyncAtRoll(std::unique_ptr<disk::WriteFile> file, std::string_view, disk::Disk&, const Phase& phase)
      : file_(std::move(file)), phase_(phase) {}
  Status write_at(std::uint64_t offset, std::span<const std::byte> bytes) override {
    holds_batches_ = offset >= kSegmentHeaderBytes;
    return file_->write_at(offset, bytes);
  }
  Status sync() override {
    return phase_ == Phase::appending && holds_batches_ ? Status(Ok{}) : file_->sync();
  }

 private:
  std::unique_ptr<disk::WriteFile> file_;
  const Phase& phase_;
  bool holds_batches_ = false;
};

class FailedSyncIgnored final : public disk::WriteFile {
 public:
  FailedSyncIgnored(std::unique_ptr<disk::WriteFile> file, std::string_view, disk::Disk&, const Phase&)
      : file_(std::move(file)) {}
  Status write_at(std::uint64_t offset, std::span<const std::byte> bytes) override {
    return file_->write_at(offset, bytes);
  }
  Status sync() override {
    (void)file_->sync().ok();
    return Ok{};
  }

 private:
  std::unique_ptr<disk::WriteFile> file_;
};

// Recovery writes nothing back that reads well already: what a failed sync dropped stays dropped.
class NothingRewritten final : public disk::WriteFile {
 public:
  NothingRewritten(std::unique_ptr<disk::WriteFile> file, std::string_view path, disk::Disk& below,
                   const Phase& phase)
      : file_(std::move(file)), path_(path), below_(below), phase_(phase) {}
  Status write_at(std::uint64_t offset, std::span<const std::byte> bytes) override {
    const auto held =
        phase_ == Phase::opening ? disk::read_file(below_, path_) : Result<std::string>(std::string());
    if (held.ok() && offset + bytes.size() <= held->size() &&
        std::memcmp(held->data() + offset, bytes.data(), bytes.size()) == 0) {
      return Ok{};
    }
    return file_->write_at(offset, bytes);
  }
  Status sync() override { return file_->sync(); }

 private:
  std::unique_ptr<disk::WriteFile> file_;
  std::string path_;
  disk::Disk& below_;
  const Phase& phase_;
};

// Batches claim that nothing was durable when they were written, so that recovery cannot tell damage from a
// torn tail.
class NoWatermark final : public disk::WriteFile {
 public:
  NoWatermark(std::unique_ptr<disk::WriteFile> file, std::string_view path, disk::Disk& below, const Phase&)
      : file_(std::move(file)) {
    const auto bytes = disk::read_file(below, path);
    if (bytes.ok()) learn_salt(*bytes);
  }
  Status write_at(std::uint64_t offset, std::span<const std::byte> bytes) override {
    std::string copy(base::as_text(bytes));
    if (offset == 0) learn_salt(copy);
    for (std::size_t at = 0; at + kBatchHeaderBytes <= copy.size();) {
      auto header = decode_batch_header(base::as_bytes(copy).subspan(at), salt_);
      if (!header) break;
      header->durable_end = {};
      copy.replace(at, kBatchHeaderBytes, encode(*header, salt_));
      at += header->total_bytes();
    }
    return file_->write_at(offset, base::as_bytes(copy));
  }
  Status sync() override { return file_->sync(); }

 private:
  void learn_salt(std::string_view bytes) {
    if (const auto header = decode_segment_header(bytes); header.ok()) salt_ = header->salt;
  }
  std::unique_ptr<disk::WriteFile> file_;
  std::uint64_t salt_ = 0;
};

// Puts right checksums over whatever is stored: a journal above it might as well not test them.
std::string with_right_checksums(std::string bytes) {
  const auto segment = decode_segment_header(bytes);
  if (!segment.ok()) return bytes;
  const auto u32_at = [&](std::size_t at) {
    return base::ByteReader(std::string_view(bytes).substr(at)).u32();
  };
  const auto u64_at = [&](std::size_t at) {
    return base::ByteReader(std::string_view(bytes).substr(at)).u64();
  };
  BatchHeader marker;
  const std::string magic = encode(marker, 0).substr(0, 4);
  for (std::size_t at = kSegmentHeaderBytes; at + kBatchHeaderBytes <= bytes.size();) {
    if (bytes.compare(at, 4, magic) != 0) break;
    BatchHeader header;
    header.compression = Compression{static_cast<std::uint8_t>(bytes[at + 5])};
    header.epoch = u64_at(at + 8);
    header.first = {u64_at(at + 16)};
    header.durable_end = {u64_at(at + 24)};
    header.appended = {static_cast<std::int64_t>(u64_at(at + 32))};
    header.count = u32_at(at + 40);
    header.raw_bytes = u32_at(at + 44);
    header.stored_bytes = u32_at(at + 48);
    if (at + header.total_bytes() > bytes.size()) break;
    header.payload_crc =
        base::crc32c(base::as_bytes(bytes).subspan(at + kBatchHeaderBytes, header.padded_bytes()));
    bytes.replace(at, kBatchHeaderBytes, encode(header, segment->salt));
    at += header.total_bytes();
  }
  return bytes;
}

class NoChecksumTest final : public ForwardingDisk {
 public:
  using ForwardingDisk::ForwardingDisk;
  Result<std::unique_ptr<disk::ReadFile>> open(std::string_view path) const override {
    TRY_ASSIGN(auto file, below_.open(path));
    return std::unique_ptr<disk::ReadFile>(std::make_unique<File>(std::move(file)));
  }

 private:
  class File final : public disk::ReadFile {
   public:
    explicit File(std::unique_ptr<disk::ReadFile> file) : file_(std::move(file)) {}
    Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into) const override {
      TRY_ASSIGN(const std::uint64_t size, file_->size());
      std::string bytes(size, '\0');
      TRY_ASSIGN(const std::size_t held, file_->read_at(0, std::as_writable_bytes(std::span(bytes))));
      bytes.resize(held);
      bytes = with_right_checksums(std::move(bytes));
      if (offset >= bytes.size()) return std::size_t{0};
      const std::size_t count = std::min<std::uint64_t>(into.size(), bytes.size() - offset);
      if (count > 0) std::memcpy(into.data(), bytes.data() + offset, count);
      return count;
    }
    Result<std::uint64_t> size() const override { return file_->size(); }

   private:
    std::unique_ptr<disk::ReadFile> file_;
  };
};

template <class Planted>
std::unique_ptr<disk::Disk> plant(disk::Disk& below, const Phase&) {
  return std::make_unique<Planted>(below);
}

template <class Wrapper>
std::unique_ptr<disk::Disk> plant_writes(disk::Disk& below, const Phase& phase) {
  return std::make_unique<WrappedWrites<Wrapper>>(below, phase);
}

// The first seed that notices, if any of some hundreds does.
std::optional<std::uint64_t> found_at(std::unique_ptr<disk::Disk> (*plant)(disk::Disk&, const Phase&)) {
  for (std::uint64_t seed = 0; seed < 600; ++seed) {
    const std::string broken = contract::CrashHistory({seed, plant}).run();
    if (broken.empty()) continue;
    MESSAGE("found by seed ", seed, ": ", broken);
    return seed;
  }
  return std::nullopt;
}

}  // namespace

TEST_CASE("the histories find nothing through a disk without a bug") {
  CHECK_FALSE(found_at(plant<ForwardingDisk>).has_value());
}
TEST_CASE("the histories find a journal that does not sync its directory") {
  CHECK(found_at(plant<NoDirectorySync>).has_value());
}
TEST_CASE("the histories find a journal that does not test checksums") {
  CHECK(found_at(plant<NoChecksumTest>).has_value());
}
TEST_CASE("the histories find a journal that does not sync before it rolls") {
  CHECK(found_at(plant_writes<NoSyncAtRoll>).has_value());
}
TEST_CASE("the histories find a journal that goes on after a failed sync") {
  CHECK(found_at(plant_writes<FailedSyncIgnored>).has_value());
}
TEST_CASE("the histories find a recovery that trusts what a failed sync left in memory") {
  CHECK(found_at(plant_writes<NothingRewritten>).has_value());
}
TEST_CASE("the histories find a journal that takes damage for a torn tail") {
  CHECK(found_at(plant_writes<NoWatermark>).has_value());
}

}  // namespace millrace::journal
