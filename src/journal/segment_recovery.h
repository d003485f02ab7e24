#pragma once

#include <cstdint>

#include "base/result.h"
#include "journal/batch_format.h"
#include "journal/segment_file.h"

namespace millrace::journal {

// What the newest segment turned out to hold after a restart.
struct SegmentTail {
  Offset end;                  // One past its last whole record.
  std::uint64_t position = 0;  // Where that ends, and the next batch goes.
  std::uint64_t epoch = 0;     // Highest seen.
  std::uint64_t known_position =
      0;  // Batches before this are known to be on the disk; later ones maybe in its cache only.
  std::uint64_t remains_end = 0;  // Remains of batches that were cut off lie in [position, remains_end).
};

// Finds the last whole batch. What cannot be read behind it is a torn tail when nothing shows that it was
// ever synced; otherwise it is corrupt. Reads headers only, and the payloads of batches not known to be
// synced.
base::Result<SegmentTail> recover_tail(const SegmentFile& segment);

}  // namespace millrace::journal
