#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "disk/disk.h"

namespace millrace::disk {

// A Disk below one directory of the file system. Safe from any thread. Every path stays below the root:
// absolute paths, empty components, "." and ".." are invalid_argument. A full disk or quota is `exhausted`.
class PosixDisk final : public Disk {
  struct Opening {
    explicit Opening() = default;
  };

 public:
  // Makes the root directory, and its parents, when absent.
  static base::Result<std::unique_ptr<PosixDisk>> open_root(const std::string& root);
  PosixDisk(Opening, int root) : root_(root) {}  // For open_root() alone.
  ~PosixDisk() override;
  PosixDisk(const PosixDisk&) = delete;
  PosixDisk& operator=(const PosixDisk&) = delete;

  // Claims the root for this process until the disk is closed or the process dies, however it dies; conflict
  // when another holds it. Two writers below one root destroy each other's data, so whoever writes calls
  // this first.
  base::Status lock();

  base::Result<std::unique_ptr<WriteFile>> create(std::string_view path) override;
  base::Result<std::unique_ptr<WriteFile>> open_for_write(std::string_view path) override;
  base::Result<std::unique_ptr<ReadFile>> open(std::string_view path) const override;
  base::Result<std::vector<std::string>> list(std::string_view directory) const override;
  base::Status make_directory(std::string_view directory) override;
  base::Status truncate(std::string_view path, std::uint64_t size) override;
  base::Status remove(std::string_view path) override;
  base::Status rename(std::string_view from, std::string_view to) override;
  base::Status link(std::string_view from, std::string_view to) override;
  base::Status sync_directory(std::string_view directory) override;
  base::Result<std::uint64_t> free_bytes() const override;

 private:
  base::Result<std::unique_ptr<WriteFile>> open_write(std::string_view path, int flags);
  int root_;
};

}  // namespace millrace::disk
