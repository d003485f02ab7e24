#pragma once

#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "disk/disk.h"
#include "lake/object_store.h"

namespace millrace::lake {

// Objects as files below the root of a Disk. Any thread, and any number of processes on one file system.
//
// create() writes and syncs a temporary file, then gives it its name with link(2), which fails when the name
// exists: so a name appears once and with all its bytes. An ok create() is durable, its directory being
// synced. Names are paths whose last component, and no other, contains a dot: that tells files from
// directories without asking.
class LocalObjectStore final : public ObjectStore {
  struct Opening {
    explicit Opening() = default;
  };

 public:
  // `root` is the disk's root as other programs know it: an absolute path. Removes temporary files that
  // earlier processes left behind. Everything given by reference must outlive the store.
  static base::Result<std::unique_ptr<LocalObjectStore>> open(disk::Disk& disk, std::string root,
                                                              const base::Clock& clock, base::Random& random);

  LocalObjectStore(Opening, disk::Disk& disk, std::string root, const base::Clock& clock,
                   base::Random& random)
      : disk_(disk), root_(std::move(root)), clock_(clock), random_(random) {}  // For open() alone.

  base::Result<Created> create(std::string_view name, std::string_view bytes) override;
  base::Result<std::string> read(std::string_view name) const override;
  base::Result<std::vector<std::string>> list(std::string_view prefix) const override;
  base::Status replace(std::string_view name, std::string_view bytes) override;
  base::Status remove(std::string_view name) override;
  // file:///root/name, unescaped, as Iceberg readers expect it.
  std::string location(std::string_view name) const override;

 private:
  base::Status make_directories(std::string_view name);
  base::Result<std::string> write_temporary(std::string_view bytes);
  base::Status remove_old_temporaries();
  base::Status list_into(const std::string& directory, std::string_view prefix,
                         std::vector<std::string>& names) const;

  disk::Disk& disk_;
  std::string root_;
  const base::Clock& clock_;
  std::mutex mutex_;  // Guards random_ and directories_.
  base::Random& random_;
  std::set<std::string, std::less<>> directories_;  // Known to exist durably.
};

}  // namespace millrace::lake
