#include "app/private_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace millrace::app {

using base::Error;
using base::ErrorCode;

namespace {

constexpr mode_t kOwnerOnly = 0600;

Error failure(std::string_view doing, const std::string& path) {
  const ErrorCode code = errno == ENOENT   ? ErrorCode::not_found
                         : errno == ENOSPC ? ErrorCode::exhausted
                                           : ErrorCode::io;
  return Error(code, fmt::format("{} {}: {}", doing, path, std::strerror(errno)));
}

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number() const { return number_; }

 private:
  int number_;
};

}  // namespace

base::Result<std::string> read_private_file(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.number() < 0) return failure("open", path);
  struct stat status {};
  if (::fstat(file.number(), &status) != 0) return failure("stat", path);
  if ((status.st_mode & 077) != 0) {
    return Error(ErrorCode::invalid_argument,
                 fmt::format("{}: others may read it (mode {:04o}); its mode must be 0600", path,
                             status.st_mode & 07777));
  }
  std::string text(static_cast<std::size_t>(status.st_size), '\0');
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t size = ::read(file.number(), text.data() + done, text.size() - done);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return failure("read", path);
    if (size == 0) break;
    done += static_cast<std::size_t>(size);
  }
  text.resize(done);
  return text;
}

namespace {

std::string directory_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

// Root writes on behalf of whoever has the directory: a server that runs as somebody else must be able to read it.
void give_to_owner_of_directory(int file, const std::string& path) {
  struct stat status {};
  if (::geteuid() != 0 || ::stat(directory_of(path).c_str(), &status) != 0) return;
  if (::fchown(file, status.st_uid, status.st_gid) != 0)
    return;  // It stays root's; the server says what it cannot read.
}

base::Status write_all(int file, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t size = ::write(file, bytes.data(), bytes.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return failure("write", path);
    bytes.remove_prefix(static_cast<std::size_t>(size));
  }
  return base::Ok{};
}

base::Status sync_directory_of(const std::string& path) {
  const Descriptor directory(::open(directory_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.number() < 0 || ::fsync(directory.number()) != 0) return failure("sync", directory_of(path));
  return base::Ok{};
}

}  // namespace

base::Status write_private_file(const std::string& path, std::string_view bytes) {
  const std::string temporary = path + ".tmp";
  ::unlink(temporary.c_str());
  {
    const Descriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kOwnerOnly));
    if (file.number() < 0) return failure("create", temporary);
    give_to_owner_of_directory(file.number(), path);
    TRY(write_all(file.number(), bytes, temporary));
    if (::fsync(file.number()) != 0) return failure("sync", temporary);
  }
  if (std::rename(temporary.c_str(), path.c_str()) != 0) return failure("rename", temporary);
  return sync_directory_of(path);
}

base::Status change_private_file(const std::string& path,
                                 const std::function<base::Result<std::string>(std::string_view)>& change) {
  const std::string lock_path = directory_of(path) + "/lock";
  const Descriptor lock(::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kOwnerOnly));
  if (lock.number() < 0) return failure("open", lock_path);
  give_to_owner_of_directory(lock.number(), lock_path);
  if (::flock(lock.number(), LOCK_EX) != 0) return failure("lock", lock_path);
  auto before = read_private_file(path);
  if (!before.ok() && before.error().code() != ErrorCode::not_found) return std::move(before).error();
  TRY_ASSIGN(const std::string after, change(before.ok() ? std::string_view(*before) : std::string_view()));
  return write_private_file(path, after);
}

base::Status append_private_lines(const std::string& path, std::string_view lines) {
  const Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, kOwnerOnly));
  if (file.number() < 0) return failure("open", path);
  if (::flock(file.number(), LOCK_EX) != 0) return failure("lock", path);
  struct stat status {};
  if (::fstat(file.number(), &status) != 0) return failure("look at", path);
  const bool is_new = status.st_size == 0;
  if (is_new) give_to_owner_of_directory(file.number(), path);
  char last = '\n';
  if (!is_new && ::pread(file.number(), &last, 1, status.st_size - 1) != 1) return failure("read", path);
  TRY(write_all(file.number(), last == '\n' ? std::string(lines) : "\n" + std::string(lines), path));
  if (::fdatasync(file.number()) != 0) return failure("sync", path);
  return is_new ? sync_directory_of(path) : base::Status(base::Ok{});
}

std::uint64_t private_file_version(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return 0;
  return static_cast<std::uint64_t>(status.st_ino) * 0x9e3779b97f4a7c15ULL ^
         (static_cast<std::uint64_t>(status.st_mtim.tv_sec) << 30 ^
          static_cast<std::uint64_t>(status.st_mtim.tv_nsec));
}

}  // namespace millrace::app
