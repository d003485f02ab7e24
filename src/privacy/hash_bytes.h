#pragma once

#include "base/bytes.h"
#include "base/hash.h"

namespace millrace::privacy {

// A hash as the vault's files have it: docs/formats/privacy.md.
inline void put_hash(base::ByteWriter& out, const base::Hash128& hash) {
  out.u64(hash.high);
  out.u64(hash.low);
}

inline base::Hash128 get_hash(base::ByteReader& in) {
  base::Hash128 hash;
  hash.high = in.u64();
  hash.low = in.u64();
  return hash;
}

}  // namespace millrace::privacy
