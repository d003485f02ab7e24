#include "disk/disk.h"

#include "base/bytes.h"

namespace millrace::disk {
namespace {

std::string_view parent_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

}  // namespace

base::Result<std::string> read_file(const Disk& disk, std::string_view path) {
  TRY_ASSIGN(const auto file, disk.open(path));
  TRY_ASSIGN(const std::uint64_t size, file->size());
  std::string bytes(size, '\0');
  TRY_ASSIGN(const std::size_t count, file->read_at(0, std::as_writable_bytes(std::span(bytes))));
  bytes.resize(count);
  return bytes;
}

base::Status write_file_atomically(Disk& disk, std::string_view path, std::string_view bytes) {
  const std::string temporary = std::string(path) + ".tmp";
  TRY(disk.remove(temporary));
  {
    TRY_ASSIGN(const auto file, disk.create(temporary));
    base::Status written = file->write_at(0, base::as_bytes(bytes));
    if (written.ok()) written = file->sync();
    if (!written.ok()) {
      // The error that matters is the first; a left-over temporary is removed by the next attempt.
      (void)disk.remove(temporary).ok();
      return std::move(written).error();
    }
  }
  TRY(disk.rename(temporary, path));
  return disk.sync_directory(parent_of(path));
}

base::Status make_directory_durably(Disk& disk, std::string_view directory) {
  TRY(disk.make_directory(directory));
  for (std::string_view path = directory; !path.empty();) {
    path = parent_of(path);
    TRY(disk.sync_directory(path));
  }
  return base::Ok{};
}

}  // namespace millrace::disk
