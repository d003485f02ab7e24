#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/hash.h"
#include "base/result.h"
#include "disk/disk.h"
#include "privacy/personal_scan.h"
#include "privacy/sealing.h"

namespace millrace::privacy {

// A token without its text: which key made it, and what.
struct TokenId {
  std::uint32_t key = 0;
  base::Hash128 value;
  bool operator==(const TokenId&) const = default;

  static std::optional<TokenId> parse(std::string_view token);
  std::string text() const;
};
struct HashOfToken {
  std::size_t operator()(const TokenId& id) const { return static_cast<std::size_t>(id.value.low); }
};

// A record of the vault. docs/formats/vault.md
struct VaultRecord {
  enum class Type : std::uint8_t {
    value = 1,  // What a token stands for, sealed under a person's key.
    grant = 2,  // Which purposes the person grants from here on.
    gone = 3,   // The token had a value whose key was destroyed.
  };
  Type type = Type::value;
  base::Hash128 key;  // PersonKeys::KeyId
  TokenId token;
  Personal kind = Personal::email;
  std::uint8_t purposes = 0;  // Bits of event::Purpose.
  base::WallTime at;
  Nonce nonce{};
  std::string sealed;
};

// The vault's values on disk: records, one behind the other. Not for several threads at once, but for read(), which
// may run beside everything.
class VaultLog {
 public:
  struct Place {
    std::uint64_t offset = 0;
    std::uint32_t size = 0;
  };
  struct Entry {
    VaultRecord record;
    Place place;
  };

  VaultLog(disk::Disk& disk, std::string path) : disk_(disk), path_(std::move(path)) {}

  // Reads all records in their order, up to the first that is not whole. corrupt when the file is none of ours.
  base::Result<std::vector<Entry>> load();
  // Puts `records` in the place of all there are: once load() found a torn end, or many that lead nowhere.
  base::Status replace(const std::vector<VaultRecord>& records);
  bool torn() const { return torn_; }
  std::uint64_t size() const { return end_; }

  // Durable when it returns.
  base::Status append(std::string_view framed);
  base::Result<VaultRecord> read(Place place) const;

  static std::string frame(const VaultRecord& record);

 private:
  base::Status open_files();

  disk::Disk& disk_;
  const std::string path_;
  std::unique_ptr<disk::WriteFile> file_;
  std::unique_ptr<disk::ReadFile> reader_;
  std::uint64_t end_ = 0;
  bool torn_ = false;
};

}  // namespace millrace::privacy
