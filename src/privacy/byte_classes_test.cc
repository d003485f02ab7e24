#include "privacy/byte_classes.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"

using namespace millrace;
using namespace millrace::privacy;

namespace {

bool is_in(std::string_view set, char c) { return set.find(c) != std::string_view::npos; }

}  // namespace

TEST_CASE("Bytes are classified alike with wide and with narrow vectors, and as the table says") {
  constexpr std::uint64_t kSeed = 20261121;
  CAPTURE(kSeed);
  base::SeededRandom random(kSeed);
  constexpr std::size_t kBlocks = 64;
  std::string text;
  for (int c = 0; c < 256; ++c) text += static_cast<char>(c);
  while (text.size() < kBlocks * 64) text += static_cast<char>(random.below(256));
  std::vector<ByteClasses> wide(kBlocks), narrow(kBlocks);
  classify_bytes(text.data(), kBlocks, wide.data());
  classify_bytes_narrow(text.data(), kBlocks, narrow.data());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    CAPTURE(static_cast<int>(static_cast<unsigned char>(c)));
    const bool digit = c >= '0' && c <= '9';
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool hex = (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    const bool of_card = digit || static_cast<unsigned char>(c) >= 0x80 || is_in(" -+._/%\n\r\t", c);
    const bool look_alike = is_in("YZ]\x0f", c);
    for (const auto* classes : {&wide[i / 64], &narrow[i / 64]}) {
      const auto has = [&](std::uint64_t bits) { return (bits >> i % 64 & 1) != 0; };
      if (!look_alike) REQUIRE(has(classes->card) == of_card);
      REQUIRE(has(classes->digit) == digit);
      REQUIRE(has(classes->dot) == (c == '.'));
      REQUIRE(has(classes->colon) == (c == ':'));
      REQUIRE(has(classes->word) == (digit || letter));
      REQUIRE(has(classes->hex_word) == (digit || hex));
      REQUIRE(has(classes->rare) == is_in("@+%&\\", c));
    }
  }
}
