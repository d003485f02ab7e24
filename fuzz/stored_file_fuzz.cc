// Whatever bytes a file of the data directory holds: it opens, or says why not, and what was read is written again as it was. The first
// byte chooses the file.

#include <cstddef>
#include <cstdint>
#include <string>

#include "admin/audit_entry.h"
#include "admin/session_seal.h"
#include "admin/token_book.h"
#include "admin/write_key_book.h"
#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/random.h"
#include "base/result.h"
#include "contract/discovery.h"
#include "contract/mode_rules.h"
#include "contract/quality_rules.h"
#include "contract/quarantine_marks.h"
#include "contract/registry.h"
#include "privacy/key_ring.h"
#include "privacy/suppressions.h"
#include "privacy/vault.h"
#include "sim/sim_clock.h"
#include "sim/sim_disk.h"

namespace {

using namespace millrace;

// A disk with one file; what else is opened is made anew.
struct Place {
  Place(const std::string& path, std::string_view bytes) {
    INVARIANT(disk.make_directory(path.substr(0, path.find('/'))).ok());
    INVARIANT(disk::write_file_atomically(disk, path, bytes).ok());
  }
  sim::SimDisk disk{1};
  sim::SimClock clock;
  base::SeededRandom random{1};
};

template <class Book>
void read_book(const std::string& text) {
  const auto book = Book::parse(text);
  if (!book.ok()) return;
  const auto again = Book::parse(book->text());
  INVARIANT(again.ok() && again->text() == book->text());
}

void read_audit(const std::string& text) {
  const auto json = admin::audit_json(text);
  if (!json.empty()) (void)admin::audit_time(json);
  static const admin::SessionSeal seal(std::string(32, 'k'));
  INVARIANT(!seal.open(text, {0}).has_value());
}

void read_rules(const std::string& text) {
  const auto rules = contract::parse_quality_rules(text);
  if (!rules.ok()) return;
  const auto json = contract::quality_rules_json(*rules);
  const auto again = contract::parse_quality_rules(json);
  INVARIANT(again.ok() && contract::quality_rules_json(*again) == json);
}

// The checksum put right, so that mutations reach what lies before it.
void read_learnt(const std::string& text) {
  std::string bytes = text;
  base::ByteWriter writer(bytes);
  writer.u32(base::crc32c(base::as_bytes(text)));
  Place place("contracts/learnt", bytes);
  // Opening one compiles all the schemas that are preloaded.
  static sim::SimDisk disk{1};
  static const auto registry = contract::Registry::open(disk, {"shop"});
  INVARIANT(registry.ok());
  contract::DiscoveryFeed feed;
  const auto discovery = contract::Discovery::open(place.disk, **registry, feed, place.clock);
  if (!discovery.ok()) return;
  (void)(*discovery)->proposals_json();
  (void)(*discovery)->alerts_json();
  (*discovery)->turn();
  INVARIANT((*discovery)->save().ok());
}

void read_marks(const std::string& text) {
  Place place("contracts/quarantine", text);
  const auto marks = contract::QuarantineMarks::open(place.disk, place.clock);
  if (marks.ok()) (void)(*marks)->condition(contract::QuarantineState::open);
}

void read_modes(const std::string& text) {
  const auto rules = contract::parse_mode_rules(text);
  if (!rules.ok()) return;
  const auto json = contract::mode_rules_json(*rules);
  const auto again = contract::parse_mode_rules(json);
  INVARIANT(again.ok() && contract::mode_rules_json(*again) == json);
}

void read_suppressions(const std::string& text) {
  Place place("privacy/suppressions", text);
  const auto keys = privacy::Keys::make(place.random, {1});
  const auto opened = privacy::Suppressions::open(place.disk, "privacy/suppressions", keys);
  if (!opened.ok()) return;
  const auto again = privacy::Suppressions::open(place.disk, "privacy/suppressions", keys);
  INVARIANT(again.ok() && (*again)->size() == (*opened)->size());
}

// Size, checksum, record, size, ...: the checksums put right.
std::string with_checksums(std::string bytes) {
  constexpr std::size_t kMagicBytes = 8, kFrameBytes = 8;
  for (std::size_t at = kMagicBytes; at + kFrameBytes <= bytes.size();) {
    base::ByteReader head(std::string_view(bytes).substr(at));
    const std::size_t record = head.u32();
    if (record > bytes.size() - at - kFrameBytes) break;
    std::string crc;
    base::ByteWriter(crc).u32(base::crc32c(base::as_bytes(bytes).subspan(at + kFrameBytes, record)));
    bytes.replace(at + 4, 4, crc);
    at += kFrameBytes + record;
  }
  return bytes;
}

void read_vault(const std::string& text, const std::string& file) {
  Place place(file, text);
  auto keys = privacy::Keys::make(place.random, {1});
  keys.make_vault_key(place.random);
  const auto suppressions = privacy::Suppressions::open(place.disk, "privacy_suppressions", keys);
  INVARIANT(suppressions.ok());
  privacy::VaultRules rules;
  rules.purposes[0] = event::Purposes::kAll;
  const auto vault =
      privacy::Vault::open(place.disk, "vault", rules, keys, **suppressions, place.random, place.clock);
  if (!vault.ok()) return;
  (void)(*vault)->openings();
  (void)(*vault)->figures();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 12) {
    case 0: read_book<admin::TokenBook>(text); break;
    case 1: read_book<admin::WriteKeyBook>(text); break;
    case 2: read_book<privacy::Keys>(text); break;
    case 3: read_audit(text); break;
    case 4: read_rules(text); break;
    case 5: read_learnt(text); break;
    case 6: read_marks(text); break;
    case 7: read_modes(text); break;
    case 8: read_suppressions(text); break;
    case 9: read_vault(with_checksums(text), "vault/values"); break;
    case 10: read_vault(text, "vault/persons"); break;
    default: read_vault(text, "vault/openings"); break;
  }
  return 0;
}
