#include "sim/sim_disk.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/hash.h"
#include "sim/sim_node.h"

namespace millrace::sim {

using base::Error;
using base::ErrorCode;
using base::Ok;
using base::Result;
using base::Status;

class SimDisk::SimWriteFile final : public disk::WriteFile {
 public:
  SimWriteFile(SimDisk& disk, NodePointer node)
      : disk_(disk), node_(std::move(node)), generation_(disk.generation_) {}

  Status write_at(std::uint64_t offset, std::span<const std::byte> bytes) override {
    const std::lock_guard lock(disk_.mutex_);
    if (generation_ != disk_.generation_) return Error(ErrorCode::io, "file of a process that died");
    TRY(disk_.spend_operation());
    return disk_.write(*node_, offset, bytes);
  }

  Status sync() override {
    const std::lock_guard lock(disk_.mutex_);
    if (generation_ != disk_.generation_) return Error(ErrorCode::io, "file of a process that died");
    TRY(disk_.spend_operation());
    return disk_.sync(*node_);
  }

 private:
  SimDisk& disk_;
  NodePointer node_;
  std::uint64_t generation_;
};

class SimDisk::SimReadFile final : public disk::ReadFile {
 public:
  SimReadFile(const SimDisk& disk, NodePointer node)
      : disk_(disk), node_(std::move(node)), generation_(disk.generation_) {}

  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into) const override {
    const std::lock_guard lock(disk_.mutex_);
    if (generation_ != disk_.generation_) return Error(ErrorCode::io, "file of a process that died");
    TRY(disk_.check_power());
    if (disk_.random_.chance(disk_.faults_.read_fails)) return Error(ErrorCode::io, "simulated read error");
    const std::string& bytes = node_->live;
    if (offset >= bytes.size()) return std::size_t{0};
    const std::size_t count = std::min<std::uint64_t>(into.size(), bytes.size() - offset);
    if (count > 0) std::memcpy(into.data(), bytes.data() + offset, count);
    return count;
  }

  Result<std::uint64_t> size() const override {
    const std::lock_guard lock(disk_.mutex_);
    TRY(disk_.check_power());
    return std::uint64_t{node_->live.size()};
  }

 private:
  const SimDisk& disk_;
  NodePointer node_;
  std::uint64_t generation_;
};

SimDisk::SimDisk(std::uint64_t seed) : random_(seed), root_(std::make_shared<Node>()) {
  root_->is_directory = true;
}

SimDisk::~SimDisk() = default;

void SimDisk::set_faults(const DiskFaults& faults) {
  const std::lock_guard lock(mutex_);
  faults_ = faults;
}

void SimDisk::set_capacity(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  capacity_ = bytes;
}

void SimDisk::cut_after(std::uint64_t operations) {
  const std::lock_guard lock(mutex_);
  operations_left_ = operations;
}

bool SimDisk::is_cut() const {
  const std::lock_guard lock(mutex_);
  return operations_left_ == 0;
}

Status SimDisk::check_power() const {
  if (operations_left_ == 0) return Error(ErrorCode::io, "the power is off");
  return Ok{};
}

Status SimDisk::spend_operation() {
  TRY(check_power());
  if (operations_left_ != std::numeric_limits<std::uint64_t>::max()) --operations_left_;
  return check_power();
}

Result<SimDisk::Place> SimDisk::find(std::string_view path) const {
  Place place{nullptr, "", root_};
  if (path.ends_with('/')) return Error(ErrorCode::invalid_argument, "path is not normal");
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    const std::string_view name = path.substr(0, slash);
    path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
    if (name.empty() || name == "." || name == "..")
      return Error(ErrorCode::invalid_argument, "path is not normal");
    if (!place.node || !place.node->is_directory)
      return Error(ErrorCode::not_found, "no directory above the path");
    const auto found = place.node->names.find(name);
    const NodePointer next = found == place.node->names.end() ? nullptr : found->second;
    place = {std::move(place.node), std::string(name), next};
  }
  return place;
}

Result<SimDisk::NodePointer> SimDisk::find_directory(std::string_view path) const {
  TRY_ASSIGN(const Place place, find(path));
  if (!place.node) return Error(ErrorCode::not_found, "no directory '" + std::string(path) + "'");
  if (!place.node->is_directory)
    return Error(ErrorCode::invalid_argument, "'" + std::string(path) + "' is a file");
  return place.node;
}

Result<SimDisk::Place> SimDisk::find_file(std::string_view path) const {
  TRY_ASSIGN(Place place, find(path));
  if (!place.node) return Error(ErrorCode::not_found, "no file '" + std::string(path) + "'");
  if (place.node->is_directory)
    return Error(ErrorCode::invalid_argument, "'" + std::string(path) + "' is a directory");
  return place;
}

void SimDisk::change(Node& directory, NameChange change) {
  if (!change.erased.empty()) directory.names.erase(change.erased);
  if (!change.set.empty()) directory.names[change.set] = change.node;
  directory.changes.push_back(std::move(change));
}

Result<std::unique_ptr<disk::WriteFile>> SimDisk::create(std::string_view path) {
  const std::lock_guard lock(mutex_);
  TRY(spend_operation());
  TRY_ASSIGN(const Place place, find(path));
  if (place.node) return Error(ErrorCode::conflict, "'" + std::string(path) + "' exists");
  if (random_.chance(faults_.create_exhausted)) return Error(ErrorCode::exhausted, "simulated full disk");
  auto node = std::make_shared<Node>();
  change(*place.parent, {"", place.name, node});
  return std::unique_ptr<disk::WriteFile>(std::make_unique<SimWriteFile>(*this, std::move(node)));
}

Result<std::unique_ptr<disk::WriteFile>> SimDisk::open_for_write(std::string_view path) {
  const std::lock_guard lock(mutex_);
  TRY(check_power());
  TRY_ASSIGN(const Place place, find_file(path));
  return std::unique_ptr<disk::WriteFile>(std::make_unique<SimWriteFile>(*this, place.node));
}

Result<std::unique_ptr<disk::ReadFile>> SimDisk::open(std::string_view path) const {
  const std::lock_guard lock(mutex_);
  TRY(check_power());
  TRY_ASSIGN(const Place place, find_file(path));
  return std::unique_ptr<disk::ReadFile>(std::make_unique<SimReadFile>(*this, place.node));
}

Result<std::vector<std::string>> SimDisk::list(std::string_view directory) const {
  const std::lock_guard lock(mutex_);
  TRY(check_power());
  TRY_ASSIGN(const NodePointer node, find_directory(directory));
  std::vector<std::string> names;
  for (const auto& [name, child] : node->names) names.push_back(name);
  return names;
}

Status SimDisk::make_directory(std::string_view directory) {
  const std::lock_guard lock(mutex_);
  TRY(spend_operation());
  for (std::size_t slash = 0; slash < directory.size() + 1;) {
    slash = std::min(directory.find('/', slash), directory.size());
    TRY_ASSIGN(const Place place, find(directory.substr(0, slash)));
    if (place.node && !place.node->is_directory)
      return Error(ErrorCode::conflict, "a file has the directory's name");
    if (!place.node) {
      auto node = std::make_shared<Node>();
      node->is_directory = true;
      change(*place.parent, {"", place.name, std::move(node)});
    }
    ++slash;
  }
  return Ok{};
}

Status SimDisk::truncate(std::string_view path, std::uint64_t size) {
  const std::lock_guard lock(mutex_);
  TRY(spend_operation());
  TRY_ASSIGN(const Place place, find_file(path));
  place.node->resize(size);
  return Ok{};
}

Status SimDisk::remove(std::string_view path) {
  const std::lock_guard lock(mutex_);
  TRY(spend_operation());
  TRY_ASSIGN(const Place place, find(path));
  if (!place.node) return Ok{};
  if (!place.node->names.empty()) return Error(ErrorCode::conflict, "directory is not empty");
  change(*place.parent, {place.name, "", nullptr});
  return Ok{};
}

Status SimDisk::rename(std::string_view from, std::string_view to) {
  const std::lock_guard lock(mutex_);
  TRY(spend_operation());
  TRY_ASSIGN(const Place source, find(from));
  TRY_ASSIGN(const Place target, find(to));
  if (!source.node) return Error(ErrorCode::not_found, "no file '" + std::string(from) + "'");
  if (source.node == target.node) return Ok{};
  if (source.parent == target.parent) {
    change(*target.parent, {source.name, target.name, source.node});
  } else {
    change(*target.parent, {"", target.name, source.node});
    change(*source.parent, {source.name, "", nullptr});
  }
  return Ok{};
}

Status SimDisk::link(std::string_view from, std::string_view to) {
  const std::lock_guard lock(mutex_);
  TRY(spend_operation());
  TRY_ASSIGN(const Place source, find_file(from));
  TRY_ASSIGN(const Place target, find(to));
  if (target.node) return Error(ErrorCode::conflict, "'" + std::string(to) + "' exists");
  change(*target.parent, {"", target.name, source.node});
  return Ok{};
}

Status SimDisk::sync_directory(std::string_view directory) {
  const std::lock_guard lock(mutex_);
  TRY(spend_operation());
  TRY_ASSIGN(const NodePointer node, find_directory(directory));
  if (random_.chance(faults_.directory_sync_fails)) {
    node->settle_names(random_.below(node->changes.size() + 1));
    return Error(ErrorCode::io, "simulated failure to sync a directory");
  }
  node->settle_names(node->changes.size());
  return Ok{};
}

Result<std::uint64_t> SimDisk::free_bytes() const {
  const std::lock_guard lock(mutex_);
  return capacity_ - std::min(capacity_, used_bytes(*root_));
}

std::uint64_t SimDisk::used_bytes(const Node& node) const {
  std::uint64_t used = node.live.size();
  for (const auto& [name, child] : node.names) used += used_bytes(*child);
  return used;
}

Status SimDisk::write(Node& node, std::uint64_t offset, std::span<const std::byte> bytes) {
  std::uint64_t room = bytes.size();
  const std::uint64_t end = offset + bytes.size();
  if (end > node.live.size() && capacity_ != std::numeric_limits<std::uint64_t>::max()) {
    const std::uint64_t used = used_bytes(*root_);
    const std::uint64_t free = capacity_ - std::min(capacity_, used);
    const std::uint64_t end_max = node.live.size() + free;
    if (end > end_max) room = end_max > offset ? end_max - offset : 0;
  }
  const bool full = room < bytes.size() || random_.chance(faults_.write_exhausted);
  if (full) bytes = bytes.first(static_cast<std::size_t>(random_.below(room + 1)));
  if (!bytes.empty()) node.write(offset, bytes);
  if (full) return Error(ErrorCode::exhausted, "simulated full disk");
  return Ok{};
}

Status SimDisk::sync(Node& node) {
  const bool fails = random_.chance(faults_.sync_fails);
  for (std::size_t sector = 0; sector < node.dirty.size(); ++sector) {
    if (node.dirty[sector] && (!fails || random_.chance(0.5))) node.settle_sector(sector);
  }
  if (node.size_dirty && (!fails || random_.chance(0.5))) node.durable.resize(node.live.size());
  node.size_dirty = false;
  std::fill(node.dirty.begin(), node.dirty.end(), false);
  if (fails) return Error(ErrorCode::io, "simulated failure to sync a file");
  return Ok{};
}

void SimDisk::crash() {
  const std::lock_guard lock(mutex_);
  lose_unsynced(*root_);
  ++generation_;
  operations_left_ = std::numeric_limits<std::uint64_t>::max();
}

void SimDisk::restart() {
  const std::lock_guard lock(mutex_);
  ++generation_;
  operations_left_ = std::numeric_limits<std::uint64_t>::max();
}

void SimDisk::lose_unsynced(Node& node) {
  if (!node.is_directory) return lose_unsynced_sectors(node);
  lose_unsynced_names(node);
  for (const auto& [name, child] : node.names) lose_unsynced(*child);
}

void SimDisk::lose_unsynced_names(Node& directory) {
  const bool in_order = random_.chance(0.5);
  const std::size_t kept = random_.below(directory.changes.size() + 1);
  std::vector<NameChange> survivors;
  for (std::size_t i = 0; i < directory.changes.size(); ++i) {
    if (in_order ? i < kept : random_.chance(0.5)) survivors.push_back(directory.changes[i]);
  }
  directory.changes = std::move(survivors);
  directory.settle_names(directory.changes.size());
  directory.names = directory.durable_names;
}

void SimDisk::lose_unsynced_sectors(Node& file) {
  // From everything to nothing, with all the holes between.
  const double kept_share = random_.chance(0.3) ? 0.0 : random_.chance(0.3) ? 1.0 : random_.unit();
  const double torn_share = random_.chance(0.5) ? 0.2 : 0.0;
  std::uint64_t kept_end = file.durable.size();
  const std::uint64_t durable_size = file.durable.size();
  for (std::size_t sector = 0; sector < file.dirty.size(); ++sector) {
    if (!file.dirty[sector] || !random_.chance(kept_share)) continue;
    const std::uint64_t start = sector * kSectorBytes;
    const std::uint64_t end = std::min<std::uint64_t>(file.live.size(), start + kSectorBytes);
    const std::uint64_t torn_at = random_.chance(torn_share) ? start + random_.below(end - start) : end;
    file.settle_bytes(start, torn_at);
    kept_end = std::max(kept_end, torn_at);
  }
  if (file.size_dirty) {
    const std::uint64_t sizes[] = {durable_size, kept_end, file.live.size()};
    file.durable.resize(sizes[random_.below(3)]);
  }
  file.live = file.durable;
  file.size_dirty = false;
  file.dirty.assign(Node::sectors(file.live.size()), false);
}

bool SimDisk::damage(std::string_view path, std::uint64_t position, std::byte mask) {
  const std::lock_guard lock(mutex_);
  const auto place = find_file(path);
  if (!place.ok() || position >= place->node->live.size()) return false;
  const auto flip = [&](std::string& bytes) {
    if (position < bytes.size())
      bytes[position] = static_cast<char>(static_cast<std::byte>(bytes[position]) ^ mask);
  };
  flip(place->node->live);
  flip(place->node->durable);
  return true;
}

std::uint64_t SimDisk::digest() const {
  const std::lock_guard lock(mutex_);
  return digest(*root_, 0);
}

std::uint64_t SimDisk::digest(const Node& node, std::uint64_t seed) const {
  std::uint64_t result = base::mix(base::hash64(node.live, seed), base::hash64(node.durable, seed));
  for (const auto& [name, child] : node.names) result = digest(*child, base::mix(result, base::hash64(name)));
  for (const auto& [name, child] : node.durable_names) result = base::mix(result, base::hash64(name));
  return result;
}

}  // namespace millrace::sim
