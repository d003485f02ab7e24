#include "collect/source_table.h"

#include <doctest/doctest.h>

#include "collect/write_key.h"

using namespace millrace::collect;
using millrace::http::Request;
using Admission = SourceTable::Admission;

TEST_CASE("a source is found by its write key, with its secret when it has one") {
  const auto made = SourceTable::make(
      {{3, "shop", "wk", "", true}, {7, "server", "wk2", "s3cret", true}, {9, "old", "wk3", "", false}}, {});
  REQUIRE(made);
  CHECK(made->admit("wk", "").admission == Admission::admitted);
  CHECK(made->admit("wk", "").source == 3);
  CHECK(made->admit("wk", "ignored").source == 3);
  CHECK(made->admit("wk2", "s3cret").source == 7);
  for (const std::string_view wrong : {"", "s3cre", "s3crets", "S3cret"}) {
    CHECK(made->admit("wk2", wrong).admission == Admission::unknown);
  }
  CHECK(made->admit("wk3", "").admission == Admission::disabled);
  CHECK(made->admit("", "").admission == Admission::unknown);
  CHECK(made->admit("WK", "").admission == Admission::unknown);
  CHECK(made->name(7) == "server");
  CHECK(made->name(8) == "");
}

TEST_CASE("an open source takes whatever nobody else owns") {
  const auto made = SourceTable::make({{1, "shop", "wk", "", true}}, {true, 0, "default"});
  REQUIRE(made);
  CHECK(made->admit("wk", "").source == 1);
  CHECK(made->admit("anything", "").admission == Admission::admitted);
  CHECK(made->admit("anything", "").source == 0);
  CHECK(made->admit("", "").source == 0);
  CHECK(made->name(0) == "default");
}

TEST_CASE("sources that could be mistaken for each other are refused") {
  CHECK_FALSE(SourceTable::make({{1, "a", "k", "", true}, {2, "b", "k", "", true}}, {}));
  CHECK_FALSE(SourceTable::make({{1, "a", "k", "", true}, {1, "b", "l", "", true}}, {}));
  CHECK_FALSE(SourceTable::make({{1, "a", "k", "", true}, {2, "a", "l", "", true}}, {}));
  CHECK_FALSE(SourceTable::make({{1, "a", "", "", true}}, {}));
  CHECK_FALSE(SourceTable::make({{0, "a", "k", "", true}}, {true, 0, "default"}));
}

TEST_CASE("write keys are taken from the head of a request in a fixed order") {
  struct Row {
    std::vector<std::pair<std::string_view, std::string_view>> headers;
    std::string_view target;
    std::string_view key;
    std::string_view secret;
  };
  const Row rows[] = {
      {{{"Authorization", "Basic d2s6"}}, "/", "wk", ""},  // wk:
      {{{"authorization", "basic d2s"}}, "/", "wk", ""},   // wk
      {{{"Authorization", "Basic d2s6c2VjcmV0"}}, "/", "wk", "secret"},
      {{{"X-Write-Key", "k:s"}, {"Authorization", "Basic d2s6"}}, "/?writeKey=q", "k", "s"},
      {{{"Authorization", "Basic d2s6"}}, "/?writeKey=q", "wk", ""},
      {{{"Authorization", "Bearer token"}}, "/?writeKey=q", "q", ""},
      {{{"Authorization", "Bearer token"}}, "/", "", ""},
      {{{"Authorization", "Basic !!!"}}, "/?writeKey=q", "q", ""},
      {{{"Authorization", "Basic "}}, "/?writeKey=q", "q", ""},
      {{}, "/?writeKey=a%20b", "a b", ""},
      {{}, "/", "", ""},
  };
  for (const Row& row : rows) {
    Request request;
    request.headers = row.headers;
    REQUIRE(millrace::http::parse_target(row.target, request));
    const Credential credential = credential_of(request);
    CHECK(credential.write_key == row.key);
    CHECK(credential.secret == row.secret);
  }
}

TEST_CASE("base64 is read in both alphabets, padded or not") {
  const auto decoded = [](std::string_view text) {
    std::string out;
    return decode_base64(text, out) ? out : std::string("refused");
  };
  CHECK(decoded("") == "");
  CHECK(decoded("Zg==") == "f");
  CHECK(decoded("Zg") == "f");
  CHECK(decoded("Zm9vYmFy") == "foobar");
  CHECK(decoded("_-8") == "\xff\xef");
  CHECK(decoded("/+8=") == "\xff\xef");
  CHECK(decoded("Z") == "refused");
  CHECK(decoded("Zm 9v") == "refused");
}

TEST_CASE("base64 of every length is what a decoder of one letter at a time makes of it") {
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (int size = 0; size < 100; ++size) {
    std::string expected;
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
      const char letter = text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i];
      bits = bits << 6 | static_cast<std::uint32_t>(kLetters.find(letter));
      if (i % 4 > 0) expected += static_cast<char>(bits >> (6 - 2 * (i % 4)));
    }
    std::string out = "before";
    CAPTURE(text);
    CHECK(decode_base64(text, out) == (size % 4 != 1));
    CHECK(out == (size % 4 == 1 ? "before" : "before" + expected));
    for (std::size_t at = 0; size % 4 != 1 && at < text.size(); ++at) {
      // All that is no letter, in every place, is seen.
      for (int byte = at % 7 == 0 ? 0 : 240; byte < 256; ++byte) {
        std::string strange = text;
        strange[at] = static_cast<char>(byte);
        const bool is_letter =
            kLetters.find(strange[at]) != std::string_view::npos || byte == '-' || byte == '_';
        const bool is_padding = byte == '=' && at + 1 == text.size() && size % 4 != 2;
        std::string ignored;
        if (!is_padding) REQUIRE(decode_base64(strange, ignored) == is_letter);
      }
    }
    text += size % 9 == 4 ? '-' : size % 11 == 5 ? '_' : kLetters[static_cast<std::size_t>(size * 37) % 64];
  }
}
