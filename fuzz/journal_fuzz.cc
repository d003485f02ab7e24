// Whatever bytes a segment holds: the journal opens and reads it, or says why not. The first bit of the first byte chooses whether
// they lie behind a whole segment header or are the whole file. Checksums of batches are put right, so that mutations reach what lies
// behind them: those of headers always, those of payloads unless the second bit is set.

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/random.h"
#include "journal/segment_journal.h"
#include "sim/sim_clock.h"
#include "sim/sim_disk.h"

namespace {

using namespace millrace;

constexpr std::uint64_t kSalt = 7;

enum class Payloads { put_right, as_they_are };

void store(std::string& bytes, std::size_t at, std::uint32_t value) {
  for (std::size_t i = 0; i < 4; ++i) bytes[at + i] = static_cast<char>(value >> (8 * i));
}

void put_payload_right(std::string& batches, std::size_t at) {
  base::ByteReader reader(std::string_view(batches).substr(at + 48));
  const std::size_t stored = reader.u32();
  const std::size_t padded =
      (stored + journal::kBatchAlignment - 1) / journal::kBatchAlignment * journal::kBatchAlignment;
  const std::size_t payload_at = at + journal::kBatchHeaderBytes;
  if (padded > batches.size() - payload_at) return;
  store(batches, at + 52, base::crc32c(base::as_bytes(batches).subspan(payload_at, padded)));
}

std::string with_header(std::string batches, Payloads payloads) {
  std::string bytes = journal::encode(journal::SegmentHeader{{0}, 1, kSalt, {0}});
  const std::uint32_t seed = base::crc32c(std::as_bytes(std::span(&kSalt, 1)));
  for (std::size_t at = 0; at + journal::kBatchHeaderBytes <= batches.size();
       at += journal::kBatchAlignment) {
    if (batches.compare(at, 4, "MLBT") != 0) continue;
    if (payloads == Payloads::put_right) put_payload_right(batches, at);
    store(batches, at + 60, base::crc32c_extend(seed, base::as_bytes(batches).subspan(at, 60)));
  }
  return bytes + batches;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string input(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto payloads = (data[0] & 2) != 0 ? Payloads::as_they_are : Payloads::put_right;
  sim::SimDisk disk(1);
  sim::SimClock clock;
  base::SeededRandom random(1);
  INVARIANT(disk.make_directory("topic").ok());
  const auto file = disk.create("topic/00000000000000000000.seg");
  INVARIANT(file.ok());
  const std::string bytes = (data[0] & 1) != 0 ? input : with_header(input, payloads);
  INVARIANT((*file)->write_at(0, base::as_bytes(bytes)).ok());
  const auto opened = journal::SegmentJournal::open({.directory = "topic"}, disk, clock, random);
  if (!opened.ok()) return 0;
  for (journal::Offset next; next < (*opened)->end();) {
    const auto batch = (*opened)->read(next, 1 << 20);
    if (!batch.ok()) break;
    INVARIANT(!batch->empty() && batch->first == next);
    next = batch->end();
  }
  return 0;
}
