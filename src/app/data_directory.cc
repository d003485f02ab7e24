#include "app/data_directory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "app/signal.h"

namespace millrace::app {

using base::Error;
using base::ErrorCode;

namespace {
constexpr std::string_view kLayoutFile = "layout";
constexpr std::string_view kSourcesFile = "sources";
constexpr std::string_view kRegionFile = "region";
constexpr unsigned kFormat = 1;
constexpr int kLockAttempts = 30;
constexpr std::int64_t kLockRetryMs = 100;
constexpr std::size_t kSourcesMax = 65'535;
}  // namespace

DataDirectory::~DataDirectory() {
  if (lock_ >= 0) ::close(lock_);
}

base::Status DataDirectory::lock() {
  const std::string name = path_ + "/lock";
  lock_ = ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (lock_ < 0) return Error(ErrorCode::io, fmt::format("{}: {}", name, std::strerror(errno)));
  // A process that was just killed may still be on its way out.
  for (int attempt = 0; attempt < kLockAttempts; ++attempt) {
    if (::flock(lock_, LOCK_EX | LOCK_NB) == 0) return base::Ok{};
    Signal().wait(kLockRetryMs);
  }
  return Error(ErrorCode::conflict, fmt::format("{}: another process is using this data directory", path_));
}

base::Result<bool> DataDirectory::read_layout() {
  auto text = disk::read_file(*disk_, kLayoutFile);
  if (!text.ok()) {
    if (text.error().code() == ErrorCode::not_found) return false;
    return std::move(text).error();
  }
  unsigned format = 0;
  if (std::sscanf(text->c_str(), "format %u\nevent_partitions %u\nfact_partitions %u", &format,
                  &layout_.event_partitions, &layout_.fact_partitions) != 3 ||
      layout_.event_partitions == 0 || layout_.fact_partitions == 0) {
    return Error(ErrorCode::corrupt, fmt::format("{}/{}: not a layout file", path_, kLayoutFile));
  }
  if (format != kFormat) {
    return Error(ErrorCode::invalid_argument,
                 fmt::format("{}: its format is {}, this version reads {}", path_, format, kFormat));
  }
  return true;
}

base::Status DataDirectory::bind_region(std::string_view region) {
  if (region.find('\n') != std::string_view::npos)
    return Error(ErrorCode::invalid_argument, "a region's name is one line");
  auto text = disk::read_file(*disk_, kRegionFile);
  if (!text.ok() && text.error().code() != ErrorCode::not_found) return std::move(text).error();
  if (!text.ok()) {
    if (region.empty()) return base::Ok{};
    return disk::write_file_atomically(*disk_, kRegionFile, std::string(region) + "\n");
  }
  if (!text->ends_with('\n'))
    return Error(ErrorCode::corrupt, fmt::format("{}/{}: cut off", path_, kRegionFile));
  const std::string_view bound = std::string_view(*text).substr(0, text->size() - 1);
  if (bound == region) return base::Ok{};
  return Error(
      ErrorCode::invalid_argument,
      fmt::format("{}: its data belongs to the region \"{}\", and region.name is \"{}\"; start with the "
                  "region of the data, or with another directory",
                  path_, bound, region));
}

base::Result<std::vector<std::uint16_t>> DataDirectory::source_indices(
    const std::vector<std::string>& names) {
  std::vector<std::string> known;
  auto text = disk::read_file(*disk_, kSourcesFile);
  if (!text.ok() && text.error().code() != ErrorCode::not_found) return std::move(text).error();
  std::string_view rest = text.ok() ? std::string_view(*text) : std::string_view();
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos)
      return Error(ErrorCode::corrupt, fmt::format("{}/{}: cut off", path_, kSourcesFile));
    known.emplace_back(rest.substr(0, end));
    rest.remove_prefix(end + 1);
  }
  const std::size_t known_before = known.size();
  std::vector<std::uint16_t> indices;
  for (const auto& name : names) {
    if (name.find('\n') != std::string::npos)
      return Error(ErrorCode::invalid_argument, "a source's name is one line");
    auto place = std::find(known.begin(), known.end(), name);
    if (place == known.end()) {
      known.push_back(name);
      place = known.end() - 1;
    }
    indices.push_back(static_cast<std::uint16_t>(place - known.begin()));
  }
  if (known.size() > kSourcesMax)
    return Error(ErrorCode::invalid_argument, "more sources than a record can tell apart");
  if (known.size() > known_before) {
    std::string lines;
    for (const auto& name : known) lines += name + "\n";
    TRY(disk::write_file_atomically(*disk_, kSourcesFile, lines));
  }
  return indices;
}

base::Result<std::unique_ptr<DataDirectory>> DataDirectory::open_existing(const std::string& path) {
  std::unique_ptr<DataDirectory> directory(new DataDirectory);
  std::error_code code;
  directory->path_ = std::filesystem::absolute(path, code).lexically_normal().string();
  if (!std::filesystem::exists(directory->path_ + "/" + std::string(kLayoutFile), code)) {
    return Error(ErrorCode::not_found, fmt::format("{}: no Millrace data here", path));
  }
  TRY_ASSIGN(directory->disk_, disk::PosixDisk::open_root(directory->path_));
  TRY(directory->lock());
  TRY(directory->read_layout());
  return directory;
}

base::Result<std::unique_ptr<DataDirectory>> DataDirectory::open(const std::string& path, DataLayout wanted) {
  std::unique_ptr<DataDirectory> directory(new DataDirectory);
  std::error_code code;
  directory->path_ = std::filesystem::absolute(path, code).lexically_normal().string();
  std::filesystem::create_directories(directory->path_, code);
  if (code) return Error(ErrorCode::invalid_argument, fmt::format("{}: {}", path, code.message()));
  TRY_ASSIGN(directory->disk_, disk::PosixDisk::open_root(directory->path_));
  TRY(directory->lock());
  TRY_ASSIGN(const bool found, directory->read_layout());
  if (!found) {
    directory->layout_ = wanted;
    TRY(disk::write_file_atomically(*directory->disk_, kLayoutFile,
                                    fmt::format("format {}\nevent_partitions {}\nfact_partitions {}\n",
                                                kFormat, wanted.event_partitions, wanted.fact_partitions)));
    return directory;
  }
  if (directory->layout_.event_partitions != wanted.event_partitions ||
      directory->layout_.fact_partitions != wanted.fact_partitions) {
    return Error(
        ErrorCode::invalid_argument,
        fmt::format("{}: was made with {} event and {} fact partitions, the settings ask for {} and {}", path,
                    directory->layout_.event_partitions, directory->layout_.fact_partitions,
                    wanted.event_partitions, wanted.fact_partitions));
  }
  return directory;
}

}  // namespace millrace::app
