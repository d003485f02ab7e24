#include "collect/inflate.h"

#include <doctest/doctest.h>
#include <zlib.h>

#include "base/random.h"

using namespace millrace::collect;
using Outcome = Inflater::Outcome;

namespace {

std::string deflated(std::string_view text, int window_bits) {
  z_stream stream{};
  REQUIRE(deflateInit2(&stream, 9, Z_DEFLATED, window_bits, 9, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(deflateBound(&stream, text.size()) + 32, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

constexpr int kGzip = 16 + MAX_WBITS;

}  // namespace

TEST_CASE("gzip and zlib are undone, one request after the other") {
  Inflater inflater;
  std::string out;
  for (const std::size_t size : {0u, 1u, 1000u, 300'000u}) {
    std::string text;
    for (std::size_t i = 0; i < size; ++i) text += static_cast<char>('a' + i % 23);
    for (const int bits : {kGzip, MAX_WBITS}) {
      const std::string packed = deflated(text, bits);
      REQUIRE(inflater.inflate(packed, 1 << 20, out) == Outcome::done);
      CHECK(out == text);
      CHECK(looks_gzipped(packed) == (bits == kGzip));
    }
  }
}

TEST_CASE("a bomb stops at the limit") {
  Inflater inflater;
  std::string out;
  const std::string bomb = deflated(std::string(50'000'000, '\0'), kGzip);
  CHECK(bomb.size() < 100'000);
  CHECK(inflater.inflate(bomb, 1 << 20, out) == Outcome::too_large);
  CHECK(out.capacity() <= 2 << 20);
  CHECK(inflater.inflate(deflated("small", kGzip), 1 << 20, out) == Outcome::done);
}

TEST_CASE("what is cut off, damaged or followed by something is malformed, never a crash") {
  Inflater inflater;
  std::string out;
  const std::string packed =
      deflated("The quick brown fox jumps over the lazy dog. The quick brown fox.", kGzip);
  for (std::size_t size = 0; size < packed.size(); ++size) {
    CHECK(inflater.inflate(std::string_view(packed).substr(0, size), 1 << 20, out) == Outcome::malformed);
  }
  CHECK(inflater.inflate(packed + "x", 1 << 20, out) == Outcome::malformed);
  CHECK(inflater.inflate("{\"plain\":true}", 1 << 20, out) == Outcome::malformed);
  for (std::uint64_t seed = 1; seed <= 2000; ++seed) {
    millrace::base::SeededRandom random(seed);
    std::string damaged = packed;
    damaged[random.below(damaged.size())] = static_cast<char>(random.next());
    inflater.inflate(damaged, 1 << 20, out);
    CHECK(out.size() <= 1 << 20);
  }
}
