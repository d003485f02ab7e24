#include "collect/inflate.h"

#include <zlib.h>

#include <algorithm>

#include "base/result.h"

namespace millrace::collect {

namespace {

constexpr int kAnyHeader = 32 + MAX_WBITS;  // gzip or zlib, told by the first bytes.
constexpr std::size_t kFirstStep = 16 * 1024;

}  // namespace

Inflater::Inflater() : stream_(std::make_unique<z_stream>()) {
  const int made = inflateInit2(stream_.get(), kAnyHeader);
  INVARIANT(made == Z_OK);
}

Inflater::~Inflater() { inflateEnd(stream_.get()); }

Inflater::Outcome Inflater::inflate(std::string_view bytes, std::size_t bytes_max, std::string& out) {
  inflateReset2(stream_.get(), kAnyHeader);
  stream_->next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));  // zlib does not write to it.
  stream_->avail_in = static_cast<uInt>(bytes.size());
  out.clear();
  std::size_t used = 0;
  while (true) {
    if (used == bytes_max) return Outcome::too_large;
    out.resize(std::min(bytes_max, std::max({kFirstStep, bytes.size() * 4, used * 2})));
    stream_->next_out = reinterpret_cast<Bytef*>(out.data() + used);
    stream_->avail_out = static_cast<uInt>(out.size() - used);
    const int result = ::inflate(stream_.get(), Z_NO_FLUSH);
    used = out.size() - stream_->avail_out;
    if (result == Z_STREAM_END) break;
    // Input that ends early shows as no progress with room left.
    if (result != Z_OK || stream_->avail_out > 0) return Outcome::malformed;
  }
  if (stream_->avail_in > 0) return Outcome::malformed;
  out.resize(used);
  return Outcome::done;
}

bool looks_gzipped(std::string_view bytes) {
  return bytes.size() > 2 && bytes[0] == '\x1f' && bytes[1] == '\x8b';
}

}  // namespace millrace::collect
