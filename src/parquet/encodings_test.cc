#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "base/bytes.h"
#include "base/random.h"
#include "parquet/delta_encoding.h"
#include "parquet/hybrid_encoding.h"
#include "parquet/text_dictionary.h"

using namespace millrace;
using namespace millrace::parquet;

namespace {

std::uint64_t bits_at(std::string_view bytes, std::size_t at, int width) {
  std::uint64_t value = 0;
  for (int i = 0; i < width; ++i) {
    const std::size_t bit = at + static_cast<std::size_t>(i);
    const auto byte = static_cast<std::uint8_t>(bytes.at(bit / 8));
    value |= std::uint64_t{(byte >> (bit % 8)) & 1u} << i;
  }
  return value;
}

// As the specification tells it, value by value.
std::vector<std::uint64_t> read_hybrid(std::string_view bytes, int width, std::size_t count) {
  base::ByteReader reader(bytes);
  std::vector<std::uint64_t> out;
  while (out.size() < count) {
    const std::uint64_t header = reader.varint();
    if (header & 1) {
      const std::size_t groups = header >> 1;
      const std::string_view packed = reader.raw(groups * static_cast<std::size_t>(width));
      for (std::size_t i = 0; i < groups * 8; ++i)
        out.push_back(bits_at(packed, i * static_cast<std::size_t>(width), width));
    } else {
      const std::string_view value = reader.raw(static_cast<std::size_t>(width + 7) / 8);
      out.insert(out.end(), header >> 1, bits_at(value, 0, static_cast<int>(value.size()) * 8));
    }
    REQUIRE(reader.ok());
  }
  CHECK(reader.at_end());
  CHECK(out.size() < count + 8);
  for (std::size_t i = count; i < out.size(); ++i) CHECK(out[i] == 0);
  out.resize(count);
  return out;
}

template <class T>
std::vector<T> read_deltas(std::string_view bytes) {
  using Bits = std::make_unsigned_t<T>;
  base::ByteReader reader(bytes);
  const std::size_t block = reader.varint(), parts = reader.varint(), count = reader.varint();
  std::vector<T> out;
  auto value = static_cast<T>(reader.zigzag());
  if (count > 0) out.push_back(value);
  while (out.size() < count) {
    const auto least = static_cast<Bits>(reader.zigzag());
    const std::string_view widths = reader.raw(parts);
    for (std::size_t part = 0; part < parts && out.size() < count; ++part) {
      const int width = widths.at(part);
      const std::size_t values = block / parts;
      const std::string_view packed = reader.raw(values * static_cast<std::size_t>(width) / 8);
      for (std::size_t i = 0; i < values && out.size() < count; ++i) {
        const auto delta = static_cast<Bits>(bits_at(packed, i * static_cast<std::size_t>(width), width));
        value = static_cast<T>(static_cast<Bits>(value) + least + delta);
        out.push_back(value);
      }
    }
    REQUIRE(reader.ok());
  }
  CHECK(reader.at_end());
  return out;
}

// Runs of equal values and stretches of different ones, of lengths around the eight that decide.
std::vector<std::uint32_t> runs(base::SeededRandom& random, std::uint64_t below) {
  std::vector<std::uint32_t> out;
  for (auto left = random.below(12); left > 0; --left) {
    const auto value = static_cast<std::uint32_t>(random.below(below));
    const bool same = random.chance(0.5);
    for (auto i = random.below(40); i > 0; --i)
      out.push_back(same ? value : static_cast<std::uint32_t>(random.below(below)));
  }
  return out;
}

template <class T>
void check_deltas(const std::vector<T>& values) {
  std::string bytes;
  append_deltas(values, bytes);
  CHECK(read_deltas<T>(bytes) == values);
}

}  // namespace

TEST_CASE("indices read back, whatever their runs") {
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    CAPTURE(seed);
    base::SeededRandom random(seed);
    const int width = static_cast<int>(1 + random.below(20));
    const auto values = runs(random, std::uint64_t{1} << width);
    std::string bytes;
    append_hybrid(values, width, bytes);
    CHECK(read_hybrid(bytes, width, values.size()) ==
          std::vector<std::uint64_t>(values.begin(), values.end()));
  }
}

TEST_CASE("a run costs some bytes, however long") {
  std::string bytes;
  append_hybrid(std::vector<std::uint32_t>(1'000'000, 7), 3, bytes);
  CHECK(bytes.size() == 4);
}

TEST_CASE("levels read back, and cost nothing where a column is full or empty") {
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    CAPTURE(seed);
    base::SeededRandom random(seed);
    const auto levels = runs(random, 2);
    std::vector<std::uint64_t> present((levels.size() + 63) / 64);
    for (std::size_t i = 0; i < levels.size(); ++i) present[i / 64] |= std::uint64_t{levels[i]} << (i % 64);
    std::string bytes;
    append_levels(present, levels.size(), bytes);
    CHECK(read_hybrid(bytes, 1, levels.size()) == std::vector<std::uint64_t>(levels.begin(), levels.end()));
  }
  for (const std::uint64_t word : {std::uint64_t{0}, ~std::uint64_t{0}}) {
    std::string bytes;
    append_levels(std::vector<std::uint64_t>(1000, word), 64'000, bytes);
    CHECK(bytes.size() == 4);
  }
}

TEST_CASE("differences read back: steady, random, and at the ends of what a number holds") {
  check_deltas<std::int64_t>({});
  check_deltas<std::int32_t>({-5});
  constexpr auto kLeast = std::numeric_limits<std::int64_t>::min(),
                 kMost = std::numeric_limits<std::int64_t>::max();
  check_deltas<std::int64_t>({kLeast, kMost, kLeast, 0, kMost, kMost, -1, kLeast});
  check_deltas<std::int32_t>({INT32_MIN, INT32_MAX, INT32_MIN, 0, INT32_MAX, -1});
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    CAPTURE(seed);
    base::SeededRandom random(seed);
    std::vector<std::int64_t> wide;
    std::vector<std::int32_t> narrow;
    const int bits = static_cast<int>(1 + random.below(64));
    for (auto i = random.below(600); i > 0; --i) {
      wide.push_back(static_cast<std::int64_t>(random.next() >> (64 - bits)));
      narrow.push_back(static_cast<std::int32_t>(wide.back()));
    }
    check_deltas(wide);
    check_deltas(narrow);
  }
}

TEST_CASE("equal texts have one number, and the page holds each once") {
  base::SeededRandom random(3);
  TextDictionary dictionary;
  for (int round = 0; round < 2; ++round) {
    std::vector<std::string> texts;
    std::string page;
    for (int i = 0; i < 20'000; ++i) {
      const std::string text(random.below(3) * 40 + random.below(4),
                             static_cast<char>('a' + random.below(26)));
      const auto known = std::find(texts.begin(), texts.end(), text);
      CHECK(dictionary.add(text) == static_cast<std::uint32_t>(known - texts.begin()));
      if (known != texts.end()) continue;
      texts.push_back(text);
      base::ByteWriter writer(page);
      writer.u32(static_cast<std::uint32_t>(text.size()));
      writer.raw(text);
    }
    REQUIRE(dictionary.size() == texts.size());
    for (std::uint32_t i = 0; i < texts.size(); ++i) CHECK(dictionary[i] == texts[i]);
    CHECK(dictionary.page() == page);
    dictionary.clear();
    CHECK(dictionary.size() == 0);
  }
}
