#pragma once

#include <array>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "disk/disk.h"
#include "event/event.h"
#include "privacy/key_ring.h"
#include "privacy/person_keys.h"
#include "privacy/suppressions.h"
#include "privacy/vault_log.h"

namespace millrace::privacy {

// What is sealed rather than lost: kinds of personal values, each with the purposes that need them back.
struct VaultRules {
  std::array<std::uint8_t, kPersonalKinds> purposes{};  // Bits of event::Purpose, by kind.
  std::size_t values_max = 1'000'000;                   // Later ones have tokens alone.

  bool any() const;
  // "email:marketing, phone:marketing"; a card number has no way back.
  static base::Result<VaultRules> parse(std::string_view text);
};

// What became of one token that was to be opened.
struct OpenedToken {
  enum class State : std::uint8_t {
    opened,
    gone,         // The person was erased.
    not_granted,  // The person does not grant the purpose, or the value was not sealed for it.
    suppressed,   // The person is suppressed.
    unknown,      // Nothing is sealed under this token.
    damaged,      // What is sealed does not open.
  };
  std::string token;
  State state = State::unknown;
  std::string value;  // When opened.
};
std::string_view to_string(OpenedToken::State state);

struct Opening {
  base::WallTime at;
  std::string who;  // "api", "webhook"
  event::Purpose purpose = event::Purpose::necessary;
  OpenedToken::State state = OpenedToken::State::unknown;
  std::string token;
};

struct VaultFigures {
  std::uint64_t persons = 0;
  std::uint64_t values = 0;
  std::uint64_t opened = 0;
  std::uint64_t refused = 0;  // Asked for and not opened.
  std::uint64_t erased = 0;   // Persons.
  std::uint64_t full = 0;     // Values not sealed for want of room.
};

// Gives values back for the purposes that their persons grant. Each value is sealed under a key of its person
// (AES-256-GCM), which is itself sealed under the master key of the key file. To erase a person is to destroy that
// key: whatever copy there is of the vault's values, theirs open no more.
//
// Promise: what seal() took before sync() returned ok opens after any crash, until its person is erased; a person whose
// erase() returned ok cannot be opened again from anything in the directory. Any thread.
class Vault {
 public:
  // Files in `directory`, which is there. All given must outlive it. docs/formats/vault.md
  static base::Result<std::unique_ptr<Vault>> open(disk::Disk& disk, const std::string& directory,
                                                   const VaultRules& rules, const Keys& keys,
                                                   const Suppressions& suppressions, base::Random& random,
                                                   const base::Clock& clock);

  const VaultRules& rules() const { return rules_; }
  // Who an id stands for.
  base::Hash128 person(std::string_view id) const { return hash_of_id(hash_key_, id); }

  // Keeps the value that the token stands for, if it is not kept for these purposes already. True when there is
  // something to sync().
  bool seal(const base::Hash128& person, std::string_view token, Personal kind, std::string_view value,
            std::uint8_t purposes);
  // What the person grants now, of which openings follow. True when there is something to sync().
  bool grant(const base::Hash128& person, std::uint8_t purposes);
  // Makes durable what was sealed and granted before, by one sync for all that wait.
  base::Status sync();

  // In the order asked. Each opening is written to the list of openings before its value is given out.
  base::Result<std::vector<OpenedToken>> open_tokens(const std::vector<std::string>& tokens,
                                                     event::Purpose purpose, std::string_view who);
  std::vector<Opening> openings() const;  // The newest first.
  // Destroys the person's key; true when there was one. Durable when it returns.
  base::Result<bool> erase(std::string_view id);
  VaultFigures figures() const;

 private:
  struct Value {
    VaultLog::Place place;
    PersonKeys::KeyId key;
    std::uint8_t purposes = 0;
    std::uint32_t next = 0;  // Of the same token; 0: none. Index into values_.
  };

  Vault(const VaultRules& rules, const Keys& keys, const Suppressions& suppressions, base::Random& random,
        const base::Clock& clock)
      : rules_(rules),
        hash_key_(keys.suppression),
        suppressions_(suppressions),
        random_(random),
        clock_(clock) {}
  base::Status load(disk::Disk& disk, const std::string& directory, const KeyBytes& master);
  base::Status load_openings(disk::Disk& disk, const std::string& path);
  // How many of the records lead nowhere.
  std::size_t index_all(const std::vector<VaultLog::Entry>& entries);
  std::vector<VaultRecord> living(const std::vector<VaultLog::Entry>& entries) const;
  void index(const VaultRecord& record, VaultLog::Place place);
  void append(const VaultRecord& record);
  bool is_kept(const TokenId& id, const PersonKeys::KeyId& key, std::uint8_t& purposes,
               std::size_t& sharers) const;
  base::Status flush(std::unique_lock<std::mutex>& lock);
  base::Status note(const std::vector<OpenedToken>& opened, event::Purpose purpose, std::string_view who);
  OpenedToken open_token(std::string_view token, event::Purpose purpose);
  OpenedToken open_value(std::string_view token, const TokenId& id, const Value& value,
                         event::Purpose purpose);

  const VaultRules rules_;
  const KeyBytes hash_key_;
  const Suppressions& suppressions_;
  base::Random& random_;
  const base::Clock& clock_;

  mutable std::mutex mutex_;  // Guards what follows; writing_ says that a thread is at the files without it.
  std::condition_variable settled_;
  bool writing_ = false;
  std::string failed_;  // Why nothing more is taken; empty while all is well.
  std::unique_ptr<PersonKeys> keys_;
  std::unique_ptr<VaultLog> log_;
  std::string pending_;                     // Records to be written, as they will be.
  std::uint64_t next_offset_ = 0;           // Where the next record will be.
  std::uint64_t durable_end_ = 0;           // Records below can be read.
  std::uint64_t sealed_ = 0, durable_ = 0;  // Records.
  std::vector<Value> values_;               // The first is none.
  std::unordered_map<TokenId, std::uint32_t, HashOfToken> by_token_;
  std::unordered_map<base::Hash128, std::uint8_t, HashOfId> grants_;  // By key.
  VaultFigures figures_;

  std::mutex opening_;  // Guards the file of openings.
  std::unique_ptr<disk::WriteFile> openings_file_;
  std::uint64_t openings_end_ = 0;
  std::deque<Opening> openings_;  // Guarded by mutex_.
};

// The value as people write it, of the form that its token was made from.
std::string readable(Personal kind, std::string_view normalised);

}  // namespace millrace::privacy
