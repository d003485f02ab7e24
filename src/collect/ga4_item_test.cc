#include "collect/ga4_item.h"

#include <doctest/doctest.h>

#include "base/random.h"
#include "http/http.h"

using namespace millrace;
using namespace millrace::collect;

namespace {

std::string decoded(std::string_view text) {
  std::string out;
  return http::percent_decode(text, http::Plus::space, out) ? out : std::string(text);
}

// The members of a line that has neither groups nor items, one after the other.
std::string naive(std::string_view line) {
  std::string out = "{";
  while (!line.empty()) {
    const std::size_t end = line.find('&');
    const std::string_view field = line.substr(0, end);
    line = end == std::string_view::npos ? std::string_view{} : line.substr(end + 1);
    if (field.empty()) continue;
    const std::size_t equals = field.find('=');
    if (out.size() > 1) out += ',';
    http::append_json_string(out, decoded(field.substr(0, equals)));
    out += ':';
    http::append_json_string(out, equals == std::string_view::npos ? "" : decoded(field.substr(equals + 1)));
  }
  return out + '}';
}

}  // namespace

TEST_CASE("a hit is written as its fields are, whatever is in them") {
  base::SeededRandom random(30);
  const std::string pieces[] = {"a",
                                "en",
                                "page_view",
                                "%20",
                                "+",
                                "%",
                                "%zz",
                                "%22",
                                "%5C",
                                "\\",
                                "\"",
                                "\x7f",
                                "\x1f",
                                "%C3%A9",
                                "\xc3\xa9",
                                "\xff",
                                "%00",
                                "https://shop.example/",
                                "{",
                                "%0A",
                                "~",
                                ";",
                                std::string(97, 'x'),
                                std::string(40, 'y')};
  HitWriter writer;
  writer.begin({});
  for (int i = 0; i < 5000; ++i) {
    std::string line;
    for (std::uint64_t fields = random.below(6); fields > 0; --fields) {
      line += 'z';
      for (std::uint64_t n = random.below(3); n > 0; --n) line += pieces[random.below(std::size(pieces))];
      if (random.below(8) > 0) line += '=';
      for (std::uint64_t n = random.below(4); n > 0; --n) line += pieces[random.below(std::size(pieces))];
      line += random.below(9) == 0 ? "&&" : "&";
    }
    if (random.below(2) == 0 && !line.empty()) line.pop_back();
    CAPTURE(line);
    REQUIRE(writer.write(line) == naive(line));
  }
}
