#include "lake/local_object_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/bytes.h"

namespace millrace::lake {
namespace {

using base::Error;
using base::ErrorCode;

constexpr std::string_view kStaging = ".staging";
constexpr std::int64_t kTemporaryAgeMs = base::kHourMs;

std::string_view parent_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

bool is_file(std::string_view component) { return component.find('.') != std::string_view::npos; }

base::Status check_name(std::string_view name) {
  const std::string_view directory = parent_of(name);
  const std::string_view last = name.substr(directory.empty() ? 0 : directory.size() + 1);
  const bool good = is_file(last) && !last.starts_with('.') && !is_file(directory) &&
                    !name.starts_with('/') && name.find("//") == std::string_view::npos;
  if (good) return base::Ok{};
  return Error(ErrorCode::invalid_argument,
               fmt::format("object name {}: only its last component has a dot", name));
}

// After the name appeared, an error no longer means that nothing happened.
Error in_doubt(Error error) { return Error(ErrorCode::io, error.message()); }

}  // namespace

base::Result<std::unique_ptr<LocalObjectStore>> LocalObjectStore::open(disk::Disk& disk, std::string root,
                                                                       const base::Clock& clock,
                                                                       base::Random& random) {
  if (!root.starts_with('/'))
    return Error(ErrorCode::invalid_argument, "object store root is not absolute: " + root);
  while (root.size() > 1 && root.ends_with('/')) root.pop_back();
  auto store = std::make_unique<LocalObjectStore>(Opening(), disk, std::move(root), clock, random);
  TRY(disk::make_directory_durably(disk, kStaging));
  TRY(store->remove_old_temporaries());
  return store;
}

base::Status LocalObjectStore::remove_old_temporaries() {
  TRY_ASSIGN(const std::vector<std::string> names, disk_.list(kStaging));
  for (const std::string& name : names) {
    std::int64_t made_at_ms = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), made_at_ms);
    // Another process may be writing a young one.
    if (error == std::errc() && clock_.wall().ms - made_at_ms < kTemporaryAgeMs) continue;
    TRY(disk_.remove(fmt::format("{}/{}", kStaging, name)));
  }
  return base::Ok{};
}

base::Status LocalObjectStore::make_directories(std::string_view name) {
  const std::string_view directory = parent_of(name);
  {
    const std::lock_guard lock(mutex_);
    if (directory.empty() || directories_.contains(directory)) return base::Ok{};
  }
  TRY(disk::make_directory_durably(disk_, directory));
  const std::lock_guard lock(mutex_);
  directories_.emplace(directory);
  return base::Ok{};
}

base::Result<std::string> LocalObjectStore::write_temporary(std::string_view bytes) {
  std::uint64_t number = 0;
  {
    const std::lock_guard lock(mutex_);
    number = random_.next();
  }
  std::string path = fmt::format("{}/{}-{:016x}.tmp", kStaging, clock_.wall().ms, number);
  TRY_ASSIGN(const auto file, disk_.create(path));
  base::Status written = file->write_at(0, base::as_bytes(bytes));
  if (written.ok()) written = file->sync();
  if (written.ok()) return path;
  // What is left of it is removed by a later open().
  (void)disk_.remove(path).ok();
  return std::move(written).error();
}

base::Result<Created> LocalObjectStore::create(std::string_view name, std::string_view bytes) {
  TRY(check_name(name));
  TRY(make_directories(name));
  TRY_ASSIGN(const std::string temporary, write_temporary(bytes));
  const base::Status linked = disk_.link(temporary, name);
  (void)disk_.remove(temporary).ok();
  if (!linked.ok()) {
    if (linked.error().code() == ErrorCode::conflict) return Created::exists_already;
    return linked.error();
  }
  if (auto synced = disk_.sync_directory(parent_of(name)); !synced.ok())
    return in_doubt(std::move(synced).error());
  return Created::yes;
}

base::Result<std::string> LocalObjectStore::read(std::string_view name) const {
  TRY(check_name(name));
  return disk::read_file(disk_, name);
}

base::Status LocalObjectStore::list_into(const std::string& directory, std::string_view prefix,
                                         std::vector<std::string>& names) const {
  auto entries = disk_.list(directory);
  if (!entries.ok()) {
    // Nothing was ever created there.
    if (entries.error().code() == ErrorCode::not_found) return base::Ok{};
    return std::move(entries).error();
  }
  for (const std::string& entry : *entries) {
    const std::string path = directory.empty() ? entry : directory + "/" + entry;
    if (path == kStaging) continue;
    if (is_file(entry)) {
      if (path.starts_with(prefix)) names.push_back(path);
      continue;
    }
    // A directory is on the way to the prefix or below it, or of no interest.
    const std::string inside = path + "/";
    if (inside.starts_with(prefix) || prefix.starts_with(inside)) TRY(list_into(path, prefix, names));
  }
  return base::Ok{};
}

base::Result<std::vector<std::string>> LocalObjectStore::list(std::string_view prefix) const {
  std::vector<std::string> names;
  TRY(list_into(std::string(parent_of(prefix)), prefix, names));
  std::sort(names.begin(), names.end());
  return names;
}

base::Status LocalObjectStore::replace(std::string_view name, std::string_view bytes) {
  TRY(check_name(name));
  TRY(make_directories(name));
  TRY_ASSIGN(const std::string temporary, write_temporary(bytes));
  TRY(disk_.rename(temporary, name));
  if (auto synced = disk_.sync_directory(parent_of(name)); !synced.ok())
    return in_doubt(std::move(synced).error());
  return base::Ok{};
}

base::Status LocalObjectStore::remove(std::string_view name) {
  TRY(check_name(name));
  // Not synced: an object that comes back after a crash is an orphan, and orphans are removed.
  return disk_.remove(name);
}

std::string LocalObjectStore::location(std::string_view name) const {
  return "file://" + root_ + "/" + std::string(name);
}

}  // namespace millrace::lake
