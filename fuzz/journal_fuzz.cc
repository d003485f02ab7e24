// Whatever bytes a segment holds: the journal opens and reads it, or says why not. The first byte chooses whether they
// lie behind a whole segment header or are the whole file; checksums of batches are put right, so that mutations reach
// what lies behind them.

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

std::string with_header(std::string batches) {
  std::string bytes = journal::encode(journal::SegmentHeader{{0}, 1, kSalt, {0}});
  const std::uint32_t seed = base::crc32c(std::as_bytes(std::span(&kSalt, 1)));
  for (std::size_t at = 0; at + journal::kBatchHeaderBytes <= batches.size();
       at += journal::kBatchAlignment) {
    if (batches.compare(at, 4, "MLBT") != 0) continue;
    const std::uint32_t crc = base::crc32c_extend(seed, base::as_bytes(batches).subspan(at, 60));
    for (std::size_t i = 0; i < 4; ++i) batches[at + 60 + i] = static_cast<char>(crc >> (8 * i));
  }
  return bytes + batches;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string input(reinterpret_cast<const char*>(data) + 1, size - 1);
  sim::SimDisk disk(1);
  sim::SimClock clock;
  base::SeededRandom random(1);
  INVARIANT(disk.make_directory("topic").ok());
  const auto file = disk.create("topic/00000000000000000000.seg");
  INVARIANT(file.ok());
  const std::string bytes = (data[0] & 1) != 0 ? input : with_header(input);
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
