#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace millrace::disk {

// A file open for writing. Bytes survive a crash only after sync() returned ok; before that any of the
// unsynced sectors may be missing, whatever order they were written in, and the last may be torn.
class WriteFile {
 public:
  virtual ~WriteFile() = default;
  // Writes at `offset`, growing the file when it lies past the end (what is skipped reads as zeros). A short
  // write is an error: some of the bytes may then have been written. exhausted when the disk is full.
  virtual base::Status write_at(std::uint64_t offset, std::span<const std::byte> bytes) = 0;
  // fdatasync: the bytes and, if it changed, the size. After an error the file must not be trusted again:
  // the kernel may have dropped pages that a second sync would claim to have written.
  virtual base::Status sync() = 0;
};

// A file open for reading; safe from many threads at once.
class ReadFile {
 public:
  virtual ~ReadFile() = default;
  // Reads up to into.size() bytes and returns how many; fewer only at the end of the file.
  virtual base::Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into) const = 0;
  virtual base::Result<std::uint64_t> size() const = 0;
};

// The seam to the file system. A created, renamed, linked or removed name is durable only after
// sync_directory() on its parent. This is explicit because forgetting it loses whole files, and the
// simulator punishes it. Paths are '/'-separated and relative to the root the implementation was opened
// with; "" is the root.
class Disk {
 public:
  virtual ~Disk() = default;
  // conflict when the name exists.
  virtual base::Result<std::unique_ptr<WriteFile>> create(std::string_view path) = 0;
  // Opens an existing file for writing without truncating it; not_found when absent.
  virtual base::Result<std::unique_ptr<WriteFile>> open_for_write(std::string_view path) = 0;
  virtual base::Result<std::unique_ptr<ReadFile>> open(std::string_view path) const = 0;
  // Names of the directory's entries, sorted; files and directories alike, without the path.
  virtual base::Result<std::vector<std::string>> list(std::string_view directory) const = 0;
  // Makes the directory and its parents; ok when it exists.
  virtual base::Status make_directory(std::string_view directory) = 0;
  virtual base::Status truncate(std::string_view path, std::uint64_t size) = 0;
  // A file, or a directory if it is empty; ok when already absent. Files open for reading stay readable.
  virtual base::Status remove(std::string_view path) = 0;
  // Replaces `to` atomically.
  virtual base::Status rename(std::string_view from, std::string_view to) = 0;
  // Gives the file a second name; conflict when `to` exists. Of two racing callers exactly one succeeds.
  virtual base::Status link(std::string_view from, std::string_view to) = 0;
  virtual base::Status sync_directory(std::string_view directory) = 0;
  virtual base::Result<std::uint64_t> free_bytes() const = 0;
};

// Whole-file conveniences over the seam.
base::Result<std::string> read_file(const Disk& disk, std::string_view path);
// Writes a new file and makes both its bytes and its name durable, or replaces an old one atomically.
base::Status write_file_atomically(Disk& disk, std::string_view path, std::string_view bytes);
// make_directory(), and then makes the name of the directory and of each of its parents durable.
base::Status make_directory_durably(Disk& disk, std::string_view directory);

}  // namespace millrace::disk
