#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/hash.h"
#include "base/result.h"
#include "disk/disk.h"
#include "privacy/key_ring.h"

namespace millrace::privacy {

// Of an id under the suppression key: an email address means the same in any case.
base::Hash128 hash_of_id(const KeyBytes& key, std::string_view id);

// Ids that are not to be followed: of a visitor, a user, a device, or an email address. Only keyed hashes of
// them are kept. Durable: what add() and remove() returned ok for holds after a crash. Any thread.
class Suppressions {
 public:
  struct Entry {
    base::Hash128 id;
    base::WallTime since;
  };

  // The file is made when absent; a line that a crash tore off is left out. docs/formats/privacy.md
  static base::Result<std::unique_ptr<Suppressions>> open(disk::Disk& disk, std::string path,
                                                          const Keys& keys);

  // True when it was not there before.
  base::Result<bool> add(std::string_view id, base::WallTime now);
  base::Result<bool> remove(std::string_view id, base::WallTime now);
  std::vector<Entry> list() const;  // The oldest first.

  bool any() const { return size_.load(std::memory_order_acquire) != 0; }
  std::size_t size() const { return size_.load(std::memory_order_acquire); }
  bool has(std::string_view id) const;
  bool has(const base::Hash128& id) const;

 private:
  struct HashOf {
    std::size_t operator()(const base::Hash128& id) const { return static_cast<std::size_t>(id.low); }
  };
  Suppressions(disk::Disk& disk, std::string path, const KeyBytes& key)
      : disk_(disk), path_(std::move(path)), key_(key) {}
  base::Hash128 hash(std::string_view id) const { return hash_of_id(key_, id); }
  bool read(std::string_view text);
  base::Status append(char sign, const base::Hash128& id, base::WallTime at);

  disk::Disk& disk_;
  const std::string path_;
  const KeyBytes key_;
  std::mutex writing_;
  std::unique_ptr<disk::WriteFile> file_;
  std::uint64_t end_ = 0;
  mutable std::shared_mutex mutex_;
  std::unordered_map<base::Hash128, base::WallTime, HashOf> ids_;
  std::atomic<std::size_t> size_{0};
};

// Of a hash, as the file and the API write it: 32 hex digits.
std::string hex_of(const base::Hash128& hash);

}  // namespace millrace::privacy
