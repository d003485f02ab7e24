#include "disk/posix_disk.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace millrace::disk {
namespace {

using base::Error;
using base::ErrorCode;
using base::Ok;
using base::Result;
using base::Status;

ErrorCode code_of(int number) {
  switch (number) {
    case ENOENT: return ErrorCode::not_found;
    case EEXIST:
    case ENOTEMPTY: return ErrorCode::conflict;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case EMFILE:
    case ENFILE: return ErrorCode::exhausted;
    case EINVAL:
    case EACCES:
    case EPERM:
    case EISDIR:
    case ENOTDIR:
    case ENAMETOOLONG:
    case EROFS: return ErrorCode::invalid_argument;
    default: return ErrorCode::io;
  }
}

Error failure(std::string_view what, std::string_view path, int number) {
  std::string message(what);
  message.append(" '").append(path).append("': ").append(std::generic_category().message(number));
  return {code_of(number), std::move(message)};
}

template <class Call>
auto retry_interrupted(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  int number() const { return number_; }
  int release() { return std::exchange(number_, -1); }

 private:
  int number_;
};

// A path as the system calls want it; the root is ".".
Result<std::string> checked(std::string_view path) {
  if (path.empty()) return std::string(".");
  for (std::size_t start = 0; start <= path.size();) {
    const std::size_t end = std::min(path.find('/', start), path.size());
    const std::string_view part = path.substr(start, end - start);
    if (part.empty() || part == "." || part == ".." || part.find('\0') != std::string_view::npos) {
      return Error(ErrorCode::invalid_argument,
                   "path '" + std::string(path) + "' leaves its root or is not normal");
    }
    start = end + 1;
  }
  return std::string(path);
}

class PosixWriteFile final : public WriteFile {
 public:
  PosixWriteFile(Descriptor descriptor, std::string path)
      : descriptor_(std::move(descriptor)), path_(std::move(path)) {}

  Status write_at(std::uint64_t offset, std::span<const std::byte> bytes) override {
    while (!bytes.empty()) {
      const ssize_t written = retry_interrupted([&] {
        return ::pwrite(descriptor_.number(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
      });
      if (written < 0) return failure("write", path_, errno);
      if (written == 0) return failure("write", path_, ENOSPC);
      bytes = bytes.subspan(static_cast<std::size_t>(written));
      offset += static_cast<std::uint64_t>(written);
    }
    return Ok{};
  }

  // Never retried, not even after EINTR: whether the first attempt dropped pages is unknown.
  Status sync() override {
    if (::fdatasync(descriptor_.number()) != 0) {
      Error error = failure("sync", path_, errno);
      return Error(ErrorCode::io, error.message());
    }
    return Ok{};
  }

 private:
  Descriptor descriptor_;
  std::string path_;
};

class PosixReadFile final : public ReadFile {
 public:
  PosixReadFile(Descriptor descriptor, std::string path)
      : descriptor_(std::move(descriptor)), path_(std::move(path)) {}

  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into) const override {
    std::size_t done = 0;
    while (done < into.size()) {
      const ssize_t count = retry_interrupted([&] {
        return ::pread(descriptor_.number(), into.data() + done, into.size() - done,
                       static_cast<off_t>(offset + done));
      });
      if (count < 0) return failure("read", path_, errno);
      if (count == 0) break;
      done += static_cast<std::size_t>(count);
    }
    return done;
  }

  Result<std::uint64_t> size() const override {
    struct stat status {};
    if (::fstat(descriptor_.number(), &status) != 0) return failure("stat", path_, errno);
    return static_cast<std::uint64_t>(status.st_size);
  }

 private:
  Descriptor descriptor_;
  std::string path_;
};

}  // namespace

Result<std::unique_ptr<PosixDisk>> PosixDisk::open_root(const std::string& root) {
  for (std::size_t slash = 0; slash != std::string::npos;) {
    slash = root.find('/', slash + 1);
    const std::string parent = root.substr(0, slash);
    if (::mkdir(parent.c_str(), 0755) != 0 && errno != EEXIST)
      return failure("make directory", parent, errno);
  }
  const int descriptor = ::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return failure("open directory", root, errno);
  return std::make_unique<PosixDisk>(Opening(), descriptor);
}

PosixDisk::~PosixDisk() { ::close(root_); }

Status PosixDisk::lock() {
  if (retry_interrupted([&] { return ::flock(root_, LOCK_EX | LOCK_NB); }) == 0) return Ok{};
  if (errno == EWOULDBLOCK) return Error(ErrorCode::conflict, "another process holds this data directory");
  return failure("lock", "", errno);
}

Result<std::unique_ptr<WriteFile>> PosixDisk::open_write(std::string_view path, int flags) {
  TRY_ASSIGN(const std::string name, checked(path));
  Descriptor descriptor(
      retry_interrupted([&] { return ::openat(root_, name.c_str(), O_WRONLY | O_CLOEXEC | flags, 0644); }));
  if (descriptor.number() < 0) return failure((flags & O_CREAT) != 0 ? "create" : "open", path, errno);
  return std::unique_ptr<WriteFile>(std::make_unique<PosixWriteFile>(std::move(descriptor), name));
}

Result<std::unique_ptr<WriteFile>> PosixDisk::create(std::string_view path) {
  return open_write(path, O_CREAT | O_EXCL);
}

Result<std::unique_ptr<WriteFile>> PosixDisk::open_for_write(std::string_view path) {
  return open_write(path, 0);
}

Result<std::unique_ptr<ReadFile>> PosixDisk::open(std::string_view path) const {
  TRY_ASSIGN(const std::string name, checked(path));
  Descriptor descriptor(
      retry_interrupted([&] { return ::openat(root_, name.c_str(), O_RDONLY | O_CLOEXEC); }));
  if (descriptor.number() < 0) return failure("open", path, errno);
  struct stat status {};
  if (::fstat(descriptor.number(), &status) != 0) return failure("stat", path, errno);
  if (S_ISDIR(status.st_mode)) return failure("open", path, EISDIR);
  return std::unique_ptr<ReadFile>(std::make_unique<PosixReadFile>(std::move(descriptor), name));
}

Result<std::vector<std::string>> PosixDisk::list(std::string_view directory) const {
  TRY_ASSIGN(const std::string name, checked(directory));
  Descriptor descriptor(::openat(root_, name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (descriptor.number() < 0) return failure("list", directory, errno);
  DIR* stream = ::fdopendir(descriptor.number());
  if (stream == nullptr) return failure("list", directory, errno);
  descriptor.release();
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = ::readdir(stream)) {
    const std::string_view found = entry->d_name;
    if (found != "." && found != "..") names.emplace_back(found);
  }
  const int number = errno;
  ::closedir(stream);
  if (number != 0) return failure("list", directory, number);
  std::sort(names.begin(), names.end());
  return names;
}

Status PosixDisk::make_directory(std::string_view directory) {
  TRY_ASSIGN(const std::string name, checked(directory));
  for (std::size_t slash = 0; slash != std::string::npos;) {
    slash = name.find('/', slash + 1);
    if (::mkdirat(root_, name.substr(0, slash).c_str(), 0755) == 0 || errno == EEXIST) continue;
    return failure("make directory", directory, errno);
  }
  struct stat status {};
  if (::fstatat(root_, name.c_str(), &status, 0) != 0) return failure("make directory", directory, errno);
  if (!S_ISDIR(status.st_mode)) return failure("make directory", directory, EEXIST);
  return Ok{};
}

Status PosixDisk::truncate(std::string_view path, std::uint64_t size) {
  TRY_ASSIGN(const std::string name, checked(path));
  Descriptor descriptor(
      retry_interrupted([&] { return ::openat(root_, name.c_str(), O_WRONLY | O_CLOEXEC); }));
  if (descriptor.number() < 0) return failure("truncate", path, errno);
  if (retry_interrupted([&] { return ::ftruncate(descriptor.number(), static_cast<off_t>(size)); }) != 0) {
    return failure("truncate", path, errno);
  }
  return Ok{};
}

Status PosixDisk::remove(std::string_view path) {
  TRY_ASSIGN(const std::string name, checked(path));
  if (::unlinkat(root_, name.c_str(), 0) == 0 || errno == ENOENT) return Ok{};
  if (errno == EISDIR && (::unlinkat(root_, name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT)) return Ok{};
  return failure("remove", path, errno);
}

Status PosixDisk::rename(std::string_view from, std::string_view to) {
  TRY_ASSIGN(const std::string source, checked(from));
  TRY_ASSIGN(const std::string target, checked(to));
  if (::renameat(root_, source.c_str(), root_, target.c_str()) == 0) return Ok{};
  return failure("rename", from, errno);
}

Status PosixDisk::link(std::string_view from, std::string_view to) {
  TRY_ASSIGN(const std::string source, checked(from));
  TRY_ASSIGN(const std::string target, checked(to));
  if (::linkat(root_, source.c_str(), root_, target.c_str(), 0) == 0) return Ok{};
  return failure("link to", to, errno);
}

Status PosixDisk::sync_directory(std::string_view directory) {
  TRY_ASSIGN(const std::string name, checked(directory));
  Descriptor descriptor(::openat(root_, name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (descriptor.number() < 0) return failure("sync directory", directory, errno);
  if (::fsync(descriptor.number()) == 0) return Ok{};
  return Error(ErrorCode::io, failure("sync directory", directory, errno).message());
}

Result<std::uint64_t> PosixDisk::free_bytes() const {
  struct statvfs status {};
  if (::fstatvfs(root_, &status) != 0) return failure("stat file system", "", errno);
  return static_cast<std::uint64_t>(status.f_bavail) * status.f_frsize;
}

}  // namespace millrace::disk
