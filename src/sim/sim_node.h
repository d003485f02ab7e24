#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "sim/sim_disk.h"

namespace millrace::sim {

// A file or a directory of a SimDisk, in both of its layers.
struct SimDisk::Node {
  bool is_directory = false;

  std::string live;
  std::string durable;
  std::vector<bool> dirty;  // Per sector of `live`: what the next sync will carry over.
  bool size_dirty = false;

  std::map<std::string, NodePointer, std::less<>> names;
  std::map<std::string, NodePointer, std::less<>> durable_names;
  std::vector<NameChange> changes;  // From durable_names to names, oldest first.

  static std::size_t sectors(std::uint64_t bytes) {
    return static_cast<std::size_t>((bytes + kSectorBytes - 1) / kSectorBytes);
  }

  void mark_dirty(std::uint64_t start, std::uint64_t end) {
    for (std::size_t sector = start / kSectorBytes; sector < sectors(end); ++sector) dirty[sector] = true;
  }

  void resize(std::uint64_t size) {
    const std::uint64_t before = live.size();
    live.resize(size, '\0');
    dirty.resize(sectors(size), false);
    mark_dirty(std::min(before, size), size);
    size_dirty = true;
  }

  void write(std::uint64_t offset, std::span<const std::byte> bytes) {
    if (offset + bytes.size() > live.size()) resize(offset + bytes.size());
    std::memcpy(live.data() + offset, bytes.data(), bytes.size());
    mark_dirty(offset, offset + bytes.size());
  }

  void settle_bytes(std::uint64_t start, std::uint64_t end) {
    if (durable.size() < end) durable.resize(end, '\0');
    if (end > start) std::memcpy(durable.data() + start, live.data() + start, end - start);
  }

  void settle_sector(std::size_t sector) {
    const std::uint64_t start = sector * kSectorBytes;
    settle_bytes(start, std::min<std::uint64_t>(live.size(), start + kSectorBytes));
  }

  // Makes the oldest `count` changes durable.
  void settle_names(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      if (!changes[i].erased.empty()) durable_names.erase(changes[i].erased);
      if (!changes[i].set.empty()) durable_names[changes[i].set] = changes[i].node;
    }
    changes.erase(changes.begin(), changes.begin() + static_cast<std::ptrdiff_t>(count));
  }
};

}  // namespace millrace::sim
