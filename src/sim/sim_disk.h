#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "disk/disk.h"

namespace millrace::sim {

// Probabilities, each per call.
struct DiskFaults {
  double write_exhausted = 0;  // Some prefix is written, then the disk is full.
  double create_exhausted = 0;
  double sync_fails = 0;  // Some of the sectors reach the disk; all count as clean from then on.
  double directory_sync_fails =
      0;  // Some of the name changes are durable, the others stay pending, as a journaling
          // file system would have it.
  double read_fails = 0;
};

// A disk that keeps what it promised and, of everything else, what its seed decides. Files have a durable
// and a volatile layer of 512-byte sectors; names have a durable and a volatile layer too. Nothing is lost
// until crash().
//
// Harsher than real disks where it is cheap to be: unsynced sectors survive in any combination, also torn
// inside a sector, and unsynced name changes survive independently of each other. Safe from any thread.
class SimDisk final : public disk::Disk {
 public:
  static constexpr std::size_t kSectorBytes = 512;

  explicit SimDisk(std::uint64_t seed);
  ~SimDisk() override;

  void set_faults(const DiskFaults& faults);
  // Bytes of all files together.
  void set_capacity(std::uint64_t bytes);

  // After `operations` more changes (writes, syncs, name changes) everything fails with io until crash() or
  // restart().
  void cut_after(std::uint64_t operations);
  bool is_cut() const;
  // The power goes and comes back: unsynced sectors and names survive at random. Files opened before stay
  // dead.
  void crash();
  // The process dies and starts again: nothing is lost, but files opened before stay dead.
  void restart();
  // Flips bits of a stored byte in both layers, as a failing disk would. False when there is no such byte.
  bool damage(std::string_view path, std::uint64_t position, std::byte mask);

  // A digest of everything, durable and volatile: equal histories give equal digests.
  std::uint64_t digest() const;

  base::Result<std::unique_ptr<disk::WriteFile>> create(std::string_view path) override;
  base::Result<std::unique_ptr<disk::WriteFile>> open_for_write(std::string_view path) override;
  base::Result<std::unique_ptr<disk::ReadFile>> open(std::string_view path) const override;
  base::Result<std::vector<std::string>> list(std::string_view directory) const override;
  base::Status make_directory(std::string_view directory) override;
  base::Status truncate(std::string_view path, std::uint64_t size) override;
  base::Status remove(std::string_view path) override;
  base::Status rename(std::string_view from, std::string_view to) override;
  base::Status link(std::string_view from, std::string_view to) override;
  base::Status sync_directory(std::string_view directory) override;
  base::Result<std::uint64_t> free_bytes() const override;

 private:
  struct Node;
  class SimWriteFile;
  class SimReadFile;
  using NodePointer = std::shared_ptr<Node>;
  struct NameChange {
    std::string erased;
    std::string set;
    NodePointer node;
  };
  struct Place {  // A path taken apart.
    NodePointer parent;
    std::string name;
    NodePointer node;  // Null when absent.
  };

  base::Status spend_operation();
  base::Status check_power() const;
  base::Result<Place> find(std::string_view path) const;
  base::Result<NodePointer> find_directory(std::string_view path) const;
  base::Result<Place> find_file(std::string_view path) const;
  static void change(Node& directory, NameChange change);
  std::uint64_t used_bytes(const Node& node) const;

  base::Status write(Node& node, std::uint64_t offset, std::span<const std::byte> bytes);
  base::Status sync(Node& node);
  void lose_unsynced(Node& node);
  void lose_unsynced_names(Node& directory);
  void lose_unsynced_sectors(Node& file);
  std::uint64_t digest(const Node& node, std::uint64_t seed) const;

  mutable std::mutex mutex_;
  mutable base::SeededRandom random_;
  DiskFaults faults_;
  std::uint64_t capacity_ = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t operations_left_ = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t generation_ = 0;  // Of open files; crash() and restart() end it.
  NodePointer root_;
};

}  // namespace millrace::sim
