#include "app/log_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "app/log_follower.h"
#include "base/hash.h"

namespace millrace::app {

namespace {

base::Error failed(const std::string& path) {
  return {base::ErrorCode::io, fmt::format("{}: {}", path, std::strerror(errno))};
}

}  // namespace

LogFile& LogFile::operator=(LogFile&& other) noexcept {
  if (this == &other) return *this;
  close();
  file_ = std::exchange(other.file_, -1);
  packed_ = std::exchange(other.packed_, nullptr);
  path_ = std::move(other.path_);
  return *this;
}

void LogFile::close() {
  if (packed_ != nullptr) gzclose(packed_);
  if (file_ >= 0) ::close(file_);
  packed_ = nullptr;
  file_ = -1;
}

base::Result<LogFile> LogFile::open(const std::string& path) {
  LogFile log;
  log.path_ = path;
  // What is no file, such as a pipe, must not hold us until somebody writes to it.
  log.file_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (log.file_ < 0) return errno == ENOENT ? base::Result<LogFile>(std::move(log)) : failed(path);
  TRY_ASSIGN(const auto found, log.stat());
  if (!S_ISREG(found.st_mode)) return base::Error(base::ErrorCode::invalid_argument, path + ": is no file");
  if (!path.ends_with(".gz")) return log;
  const int again = ::fcntl(log.file_, F_DUPFD_CLOEXEC, 0);
  if (again < 0) return failed(path);
  log.packed_ = gzdopen(again, "rb");
  if (log.packed_ == nullptr) {
    ::close(again);
    return base::Error(base::ErrorCode::exhausted, path + ": no memory to unpack it");
  }
  return log;
}

base::Result<struct stat> LogFile::stat() const {
  struct stat found {};
  if (::fstat(file_, &found) != 0) return failed(path_);
  return found;
}

base::Result<std::size_t> LogFile::read(std::uint64_t offset, char* into, std::size_t size) {
  if (packed_ == nullptr) {
    const ssize_t got = ::pread(file_, into, size, static_cast<off_t>(offset));
    if (got < 0) return failed(path_);
    return static_cast<std::size_t>(got);
  }
  const auto wanted = static_cast<z_off_t>(offset);
  if (gztell(packed_) != wanted) {
    gzclearerr(packed_);
    if (gzseek(packed_, wanted, SEEK_SET) != wanted) return std::size_t{0};
  }
  const int got = gzread(packed_, into, static_cast<unsigned>(size));
  return static_cast<std::size_t>(got < 0 ? 0 : got);
}

LogFile::Head LogFile::head(std::uint32_t bytes_max) {
  std::array<char, kLogHeadBytes> bytes{};
  const auto got = read(0, bytes.data(), std::min<std::size_t>(bytes_max, bytes.size()));
  if (!got.ok()) return {};
  return {static_cast<std::uint32_t>(*got), base::hash64({bytes.data(), *got})};
}

bool LogFile::reaches(std::uint64_t bytes) {
  if (bytes == 0) return true;
  char last = 0;
  const auto got = read(bytes - 1, &last, 1);
  return got.ok() && *got == 1;
}

}  // namespace millrace::app
