#include "app/private_file.h"

#include <fcntl.h>
#include <fmt/format.h>
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

base::Status write_private_file(const std::string& path, std::string_view bytes) {
  const std::string temporary = path + ".tmp";
  ::unlink(temporary.c_str());
  {
    const Descriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kOwnerOnly));
    if (file.number() < 0) return failure("create", temporary);
    while (!bytes.empty()) {
      const ssize_t size = ::write(file.number(), bytes.data(), bytes.size());
      if (size < 0 && errno == EINTR) continue;
      if (size < 0) return failure("write", temporary);
      bytes.remove_prefix(static_cast<std::size_t>(size));
    }
    if (::fsync(file.number()) != 0) return failure("sync", temporary);
  }
  if (std::rename(temporary.c_str(), path.c_str()) != 0) return failure("rename", temporary);
  const std::string parent = path.substr(0, path.rfind('/'));
  const Descriptor directory(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.number() < 0 || ::fsync(directory.number()) != 0) return failure("sync", parent);
  return base::Ok{};
}

std::uint64_t private_file_version(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return 0;
  return static_cast<std::uint64_t>(status.st_ino) * 0x9e3779b97f4a7c15ULL ^
         (static_cast<std::uint64_t>(status.st_mtim.tv_sec) << 30 ^
          static_cast<std::uint64_t>(status.st_mtim.tv_nsec));
}

}  // namespace millrace::app
