#pragma once

#include <sys/stat.h>
#include <zlib.h>

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"

namespace millrace::app {

// A log as the bytes that were written to it, also when it was packed with gzip since (by its name: access.log.2.gz).
class LogFile {
 public:
  LogFile() = default;
  ~LogFile() { close(); }
  LogFile(LogFile&& other) noexcept { *this = std::move(other); }
  LogFile& operator=(LogFile&& other) noexcept;

  // Closed when there is no such file; invalid_argument for what is no regular file.
  static base::Result<LogFile> open(const std::string& path);

  bool is_open() const { return file_ >= 0; }
  bool is_packed() const { return packed_ != nullptr; }
  void close();

  base::Result<struct stat> stat() const;
  // Up to `size` bytes; 0 at the end, of a packed file that is cut off or damaged too.
  base::Result<std::size_t> read(std::uint64_t offset, char* into, std::size_t size);
  struct Head {
    std::uint32_t bytes = 0;
    std::uint64_t hash = 0;
  };
  // Of its first bytes, as many as there are.
  Head head(std::uint32_t bytes_max);
  // Of so many; none when it has fewer.
  std::optional<std::uint64_t> head_hash(std::uint32_t bytes) {
    const Head found = head(bytes);
    return found.bytes == bytes ? std::optional(found.hash) : std::nullopt;
  }
  // Whether it has as many. Unpacks so much of a packed one.
  bool reaches(std::uint64_t bytes);

 private:
  int file_ = -1;
  gzFile packed_ = nullptr;  // Reads file_ through another descriptor.
  std::string path_;
};

}  // namespace millrace::app
