#include <doctest/doctest.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "collect/json_tape.h"
#include "collect/json_unescape.h"

using namespace millrace;
using namespace millrace::collect;

namespace {

std::string describe(const JsonTape& tape, std::uint32_t from, const char* text) {
  std::string out;
  for (std::uint32_t i = from; i < tape.size(); ++i) {
    const JsonNode& node = tape[i];
    out += std::to_string(static_cast<int>(node.kind)) + " " + std::to_string(node.end - from) + " " +
           std::to_string(node.raw.data() - text) + "+" + std::to_string(node.raw.size());
    if (i > from) out += " @" + std::to_string(node.member - text) + " " + std::string(node.key);
    out += "=" + std::string(node.text) + "\n";
  }
  return out;
}

// By way of the index of the whole text; empty when it is no value.
std::string laid_out_slowly(const std::string& text) {
  JsonIndex index;
  JsonTape tape;
  const bool ok = index.scan(text) == JsonFault::none && tape.build(index, 0) == TapeFault::none &&
                  tape.end_token() == index.size();
  return ok ? describe(tape, 0, text.data()) : "";
}

// Without a byte to spare before and behind what may be touched, so that a sanitizer sees one that is.
std::string laid_out_escaped(const std::string& escaped, std::string& text) {
  const std::string body = escaped + '"';
  const std::unique_ptr<char[]> readable(new char[body.size()]);
  std::memcpy(readable.get(), body.data(), body.size());
  const std::unique_ptr<char[]> place(new char[escaped.size() + 16]);
  JsonTape tape;
  tape.open_object(place.get());
  const char* const end = tape.add_escaped_value("k", place.get(), {readable.get(), escaped.size()},
                                                 readable.get() + body.size(), place.get());
  if (end == nullptr) return "";
  text.assign(place.get(), static_cast<std::size_t>(end - place.get()));
  return describe(tape, 1, place.get());
}

std::string laid_out_plain(const std::string& text) {
  const std::unique_ptr<char[]> place(new char[text.size() + 16]);
  std::memcpy(place.get(), text.data(), text.size());
  JsonTape tape;
  tape.open_object(place.get());
  const bool ok = tape.add_plain_value("k", place.get(), place.get(), place.get() + text.size());
  return ok ? describe(tape, 1, place.get()) : "";
}

class Writer {
 public:
  explicit Writer(std::uint64_t seed) : random_(seed) {}
  std::uint64_t below(std::uint64_t bound) { return random_.below(bound); }

  std::string string() {
    static const std::vector<std::string> kPieces = {
        "a",    "Schuh", "\\\"", "\\\\", "\\/", "\\u00e9", "é",   "/",
        "日本", " ",     "{",    "}",    ",",   ":",       "\\n", "iglu:com.example"};
    std::string out = "\"";
    for (std::uint64_t n = below(7); n > 0; --n) out += kPieces[below(kPieces.size())];
    return out + '"';
  }
  std::string value(int depth) {
    static const std::vector<std::string> kScalars = {
        "1", "-2.5e+3", "true", "false", "null", "0", "12345678901234567890"};
    const std::uint64_t kind = depth > 4 ? 9 : below(10);
    if (kind > 3) return kind > 6 ? string() : kScalars[below(kScalars.size())];
    const bool is_object = kind < 2;
    std::string out(1, is_object ? '{' : '[');
    const std::uint64_t count = below(4);
    for (std::uint64_t i = 0; i < count; ++i) {
      if (i > 0) out += "," + blank();
      if (is_object) out += string() + blank() + ":" + blank();
      out += value(depth + 1);
    }
    return out + blank() + (is_object ? '}' : ']');
  }
  void damage(std::string& text) {
    static const std::string kBytes = std::string("\"\\{}[],: 1atrue\n\x01", 17) + "\x80\xff";
    const std::uint64_t at = below(text.size() + 1);
    switch (below(4)) {
      case 0: text.insert(at, 1, kBytes[below(kBytes.size())]); break;
      case 1: text.erase(at, 1 + below(3)); break;
      case 2: text.resize(at); break;
      default:
        if (at < text.size()) text[at] = kBytes[below(kBytes.size())];
    }
  }

 private:
  std::string blank() { return below(6) == 0 ? " " : ""; }
  base::SeededRandom random_;
};

// As trackers write JSON into JSON.
std::string escape(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

}  // namespace

TEST_CASE("JSON in a string is laid out as it is once it is unescaped") {
  Writer writer(20);
  for (int i = 0; i < 3000; ++i) {
    const std::string text = writer.value(0);
    CAPTURE(text);
    const std::string expected = laid_out_slowly(text);
    REQUIRE_FALSE(expected.empty());
    std::string unescaped;
    CHECK(laid_out_escaped(escape(text), unescaped) == expected);
    CHECK(unescaped == text);
    CHECK(laid_out_plain(text) == expected);
  }
}

TEST_CASE("damaged JSON in a string is never laid out as anything else than what it is") {
  Writer writer(21);
  int taken = 0, wrong = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string text = writer.value(0);
    std::string escaped = escape(text);
    writer.damage(i % 2 == 0 ? text : escaped);
    CAPTURE(text);
    CAPTURE(escaped);
    const std::string plain = laid_out_plain(text);
    if (!plain.empty()) CHECK(plain == laid_out_slowly(text));
    // What ends in the middle of an escape, or has control characters, is no inside of a string.
    const bool is_inside = laid_out_slowly('"' + escaped + '"').size() > 0;
    std::string unescaped;
    const std::string laid = is_inside ? laid_out_escaped(escaped, unescaped) : "";
    std::string expected(escaped.size(), ' ');
    const char* const end = is_inside ? unescape_json(escaped, expected.data()) : expected.data();
    expected.resize(end == nullptr ? 0 : static_cast<std::size_t>(end - expected.data()));
    const std::string slowly = laid_out_slowly(expected);
    if (!laid.empty()) {
      ++taken;
      CHECK(unescaped == expected);
      CHECK(laid == slowly);
    }
    wrong += slowly.empty() ? 1 : 0;
  }
  CHECK(taken > 2'000);
  CHECK(wrong > 2'000);
}

TEST_CASE("JSON in a string nests as deep and has as many values as any") {
  for (const int depth : {22, 23, 24, 25}) {
    const std::string text =
        std::string(static_cast<std::size_t>(depth), '[') + std::string(static_cast<std::size_t>(depth), ']');
    CAPTURE(depth);
    // One level is the object that it is a member of.
    const bool fits = !laid_out_slowly("{\"k\":" + text + "}").empty();
    CHECK(fits == (depth < JsonTape::kDepthMax));
    std::string unescaped;
    CHECK(laid_out_escaped(text, unescaped).empty() == !fits);
    CHECK(laid_out_plain(text).empty() == !fits);
  }
  for (const std::size_t values : {JsonTape::kNodesMax - 2, JsonTape::kNodesMax - 1}) {
    std::string text = "[1";
    for (std::size_t i = 1; i < values; ++i) text += ",1";
    text += "]";
    const bool fits = !laid_out_slowly("{\"k\":" + text + "}").empty();
    CHECK(fits == (values == JsonTape::kNodesMax - 2));
    CHECK(laid_out_plain(text).empty() == !fits);
  }
}
