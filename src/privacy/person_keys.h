#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/hash.h"
#include "base/random.h"
#include "base/result.h"
#include "disk/disk.h"
#include "privacy/sealing.h"

namespace millrace::privacy {

struct HashOfId {
  std::size_t operator()(const base::Hash128& id) const { return static_cast<std::size_t>(id.low); }
};

// A key for each person, itself sealed under the master key, in a file of fixed places: a place is overwritten where it
// is, so that what was in it is in the directory no more. docs/formats/vault.md
//
// Not for several threads at once. Two steps, so that the disk is waited for without a lock: what make() and destroy()
// change in memory is written by the caller, take_writes() and then write().
class PersonKeys {
 public:
  using KeyId = base::Hash128;  // Random: says nothing of the person.
  struct Write {
    std::uint32_t place = 0;
    std::string bytes;
  };

  // Makes the file when it is absent. Places that a crash tore are emptied: they held a key that was not acknowledged,
  // or one that was being destroyed. invalid_argument when the keys are sealed under another master key.
  static base::Result<std::unique_ptr<PersonKeys>> open(disk::Disk& disk, std::string path,
                                                        const KeyBytes& master, base::Random& random);

  // The place of the person's key; nothing when there is none.
  std::optional<std::uint32_t> find(const base::Hash128& person) const;
  std::optional<std::uint32_t> find_key(const KeyId& id) const;
  std::uint32_t make(const base::Hash128& person, base::WallTime now);
  // Forgets the key; it is gone for good once its write() was.
  void destroy(std::uint32_t place);

  const KeyId& key_id(std::uint32_t place) const { return places_[place].id; }
  const base::Hash128& person(std::uint32_t place) const { return places_[place].person; }
  // The key itself, for the moment: wipe it.
  base::Result<KeyBytes> key(std::uint32_t place) const;
  std::size_t size() const { return by_person_.size(); }

  bool has_writes() const { return !writes_.empty(); }
  std::vector<Write> take_writes();
  // They were not written and are to be taken again.
  void put_back(const std::vector<Write>& writes) {
    for (const Write& write : writes) writes_.push_back(write.place);
  }
  // Durable when it returns. By one thread at a time; may run beside everything else.
  base::Status write(const std::vector<Write>& writes);

 private:
  struct Place {
    KeyId id;
    base::Hash128 person;
    Nonce nonce{};
    std::string wrapped;  // Empty: the place is free.
    base::WallTime made_at;
  };
  PersonKeys(std::string path, const KeyBytes& master, base::Random& random)
      : path_(std::move(path)), master_(master), random_(random) {}
  base::Status read(std::string_view bytes, std::vector<Write>& torn);
  std::string bytes_of(const Place& place) const;

  const std::string path_;
  const KeyBytes master_;
  base::Random& random_;
  std::unique_ptr<disk::WriteFile> file_;
  std::vector<Place> places_;
  std::vector<std::uint32_t> free_;
  std::unordered_map<base::Hash128, std::uint32_t, HashOfId> by_person_, by_key_;
  std::vector<std::uint32_t> writes_;
};

}  // namespace millrace::privacy
