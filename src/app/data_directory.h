#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "disk/posix_disk.h"

namespace millrace::app {

// What a data directory was made for; docs/formats/data-directory.md.
struct DataLayout {
  std::uint32_t event_partitions = 1;
  std::uint32_t fact_partitions = 1;
};

// The directory everything lies in, held by this process alone until it is gone.
class DataDirectory {
 public:
  // Makes the directory when it is absent. conflict when another process has it; invalid_argument when it was made with
  // other partitions, or by a newer version.
  static base::Result<std::unique_ptr<DataDirectory>> open(const std::string& path, DataLayout wanted);
  // Takes whatever layout it finds; not_found when there is no data directory.
  static base::Result<std::unique_ptr<DataDirectory>> open_existing(const std::string& path);
  ~DataDirectory();

  disk::Disk& disk() { return *disk_; }
  // Binds the directory to the region at the first start that names one. invalid_argument when it is bound to another, or
  // to one and `region` is empty.
  base::Status bind_region(std::string_view region);
  // The persistent index of each source name; names never seen before get the next ones, durably.
  base::Result<std::vector<std::uint16_t>> source_indices(const std::vector<std::string>& names);
  const std::string& path() const { return path_; }  // Absolute.
  DataLayout layout() const { return layout_; }

 private:
  DataDirectory() = default;
  base::Status lock();
  base::Result<bool> read_layout();

  std::string path_;
  std::unique_ptr<disk::PosixDisk> disk_;
  int lock_ = -1;
  DataLayout layout_;
};

}  // namespace millrace::app
