#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace millrace::admin {

// What a source may send, and from where.
struct KeyTerms {
  std::vector<std::string> origins;  // "https://shop.example", "https://*.shop.example"; empty: any page.
  std::int64_t events_per_s = 0;     // 0: as many as come.
  std::int64_t burst = 0;            // At once; 0: as many as in a second.
  enum class State : std::uint8_t { enabled, disabled } state = State::enabled;
  std::string secret;   // What webhooks are signed with, and other clients must show; empty: none.
  std::string mapping;  // Text of a mapping file (docs/guide/webhooks.md); empty: none.
  std::int64_t precedence =
      0;  // Of sources that tell of one order the highest is believed. Of a new source alone.
};

struct OldKey {
  std::string key;
  base::WallTime until;
};

// A source that was made while the server ran, and its write key.
struct WriteKey {
  std::string id;  // 12 hexadecimal digits.
  std::string source;
  std::string key;
  base::WallTime created_at;
  KeyTerms terms;
  std::vector<OldKey> old;  // Still let in.
};

// The write keys of a data directory (docs/formats/admin.md). A key that was revoked, or whose time after a rotation is over,
// is remembered: an open source must not take it.
class WriteKeyBook {
 public:
  static constexpr std::size_t kKeysMax = 1000;
  static constexpr std::size_t kOldMax = 8;  // Of one key.
  static constexpr std::size_t kOriginsMax = 64;
  static constexpr std::size_t kRetiredMax = 10'000;  // The oldest are forgotten.
  static constexpr std::int64_t kEventsPerSecondMax = 1'000'000;
  static constexpr std::int64_t kBurstMax = 10'000'000;
  static constexpr std::size_t kSecretBytesMax = 256;
  static constexpr std::size_t kMappingBytesMax = 16 * 1024;
  static constexpr std::int64_t kPrecedenceMax = 100;

  static base::Result<WriteKeyBook> parse(std::string_view text);
  std::string text() const;

  // conflict when the source has a key here already. `id` and `key` are new and nobody can guess the latter.
  base::Status create(std::string_view source, KeyTerms terms, base::WallTime now, std::string id,
                      std::string key);
  base::Status change(std::string_view id, KeyTerms terms);
  // The key so far is let in until `until`.
  base::Status rotate(std::string_view id, std::string key, base::WallTime now, base::WallTime until);
  base::Result<WriteKey> revoke(std::string_view id, base::WallTime now);
  // Retires old keys whose time is over; true when there were any.
  bool expire(base::WallTime now);

  // By id or source; null when there is none.
  const WriteKey* find(std::string_view which) const;
  const std::vector<WriteKey>& keys() const { return keys_; }
  const std::vector<OldKey>& retired() const { return retired_; }  // Since when, in `until`.

 private:
  WriteKey* entry(std::string_view id);
  void retire(std::string key, base::WallTime at);

  std::vector<WriteKey> keys_;
  std::vector<OldKey> retired_;
};

// An origin as browsers write it: scheme and host in lower case, the port only when it is not the scheme's; a host may begin with
// "*.". None when it is none.
std::optional<std::string> normal_origin(std::string_view text);
// Why the terms cannot be; empty when they can. Brings the origins into their normal form. Whether the mapping maps is not looked at.
std::string check_terms(KeyTerms& terms);

}  // namespace millrace::admin
