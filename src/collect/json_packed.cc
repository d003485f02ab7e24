// JSON within JSON, laid out in one pass over its bytes: what JsonIndex and JsonTape::build() do for whole bodies takes two, and a third to
// unescape it. Only what trackers write is read; all else is left to those.

#include <emmintrin.h>
#include <simdjson.h>

#include <bit>

#include "collect/json_tape.h"

#define MILLRACE_INLINE [[gnu::always_inline]] inline

namespace millrace::collect {

namespace {

MILLRACE_INLINE __m128i equal(__m128i bytes, char c) { return _mm_cmpeq_epi8(bytes, _mm_set1_epi8(c)); }

// What numbers and literals are made of.
MILLRACE_INLINE bool is_of_scalar(char c) {
  return (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '+' || (c >= 'a' && c <= 'z') || c == 'E';
}

// The inside of a string: its quotes and backslashes are escaped, and the quote behind it ends all that is read. What was read is written
// out, which is never more.
struct EscapedText {
  const char* in;
  const char* const readable_end;
  char* out;

  MILLRACE_INLINE bool at_quote() const { return in[0] == '\\' && in[1] == '"'; }
  MILLRACE_INLINE void skip_blanks() {
    while (*in == ' ') *out++ = *in++;
  }
  MILLRACE_INLINE char take() { return *out++ = *in++; }
  MILLRACE_INLINE void take_quote() {
    *out++ = '"';
    in += 2;
  }
  MILLRACE_INLINE bool at_end(const char* end) const { return in == end; }
  MILLRACE_INLINE void copy_plain() {
    while (readable_end - in >= 16) {
      const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(in));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(out), bytes);
      const auto found =
          static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(equal(bytes, '\\'), equal(bytes, '"'))));
      const int plain = found == 0 ? 16 : std::countr_zero(found);
      in += plain;
      out += plain;
      if (found != 0) return;
    }
    while (*in != '\\' && *in != '"') *out++ = *in++;
  }
  // Up to the closing quote, which is not taken. `escapes` when the text has some itself.
  MILLRACE_INLINE bool read_inside(bool& escapes) {
    while (true) {
      copy_plain();
      if (*in != '\\') return false;
      const char escaped = in[1];
      if (escaped == '"') [[likely]]
        return true;
      in += 2;
      if (escaped == '/') {
        *out++ = '/';
        continue;
      }
      if (escaped != '\\' || *in == '"') return false;
      escapes = true;
      *out++ = '\\';
      if (*in == '\\') {
        ++in;
        if (*in != '"' && *in != '\\' && *in != '/') return false;
      }
      *out++ = *in++;
    }
  }
};

// Text as it is, ended by U+0000.
struct PlainText {
  const char* in;
  const char* out;  // The same.

  MILLRACE_INLINE bool at_quote() const { return *in == '"'; }
  MILLRACE_INLINE void skip_blanks() {
    while (*in == ' ' || *in == '\n' || *in == '\t' || *in == '\r') out = ++in;
  }
  MILLRACE_INLINE char take() {
    const char c = *in;
    out = ++in;
    return c;
  }
  MILLRACE_INLINE void take_quote() { out = ++in; }
  MILLRACE_INLINE bool at_end(const char* end) const { return in == end; }
  MILLRACE_INLINE bool read_inside(bool& escapes) {
    while (true) {
      while (true) {
        const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(in));
        const __m128i controls = equal(_mm_max_epu8(bytes, _mm_set1_epi8(0x1f)), 0x1f);
        const __m128i marks = _mm_or_si128(equal(bytes, '\\'), equal(bytes, '"'));
        const auto found = static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(marks, controls)));
        in += found == 0 ? 16 : std::countr_zero(found);
        if (found != 0) break;
      }
      out = in;
      if (*in == '"') return true;
      if (*in != '\\' || static_cast<unsigned char>(in[1]) < 0x20) return false;
      escapes = true;
      in += 2;
    }
  }
};

}  // namespace

template <class Text>
MILLRACE_INLINE bool JsonTape::read_string(Text& text, JsonNode& node) {
  const char* const begin = text.out;
  bool escapes = false;
  text.take_quote();
  if (!text.read_inside(escapes)) return false;
  text.take_quote();
  node.kind = JsonKind::string;
  node.raw = {begin, static_cast<std::size_t>(text.out - begin)};
  node.text = node.raw.substr(1, node.raw.size() - 2);
  return !escapes || unescape(node.text, node.text);
}

// Containers are kept on a stack of our own: the cursor can then stay in registers.
template <class Text>
MILLRACE_INLINE bool JsonTape::read_value(Text& text, std::string_view key, const char* member) {
  std::uint32_t open[kDepthMax];
  int depth = 0;
  text.skip_blanks();
  while (true) {
    if (nodes_.size() == kNodesMax) return false;
    JsonNode& node = nodes_.emplace_back();
    node.key = key;
    node.member = member;
    node.end = size();
    bool begins = false;
    if (text.at_quote()) {
      if (!read_string(text, node)) return false;
    } else if (*text.in == '{' || *text.in == '[') {
      if (depth + 1 == kDepthMax) return false;
      node.kind = *text.in == '{' ? JsonKind::object : JsonKind::array;
      node.raw = {text.out, 1};
      open[depth++] = size() - 1;
      const char closes = static_cast<char>(text.take() + 2);
      text.skip_blanks();
      begins = *text.in != closes;
    } else {
      const char* const begin = text.out;
      while (is_of_scalar(*text.in)) text.take();
      const std::string_view token(begin, static_cast<std::size_t>(text.out - begin));
      const auto kind = kind_of_scalar(token);
      if (!kind) return false;
      node.kind = *kind;
      node.raw = node.text = token;
    }
    while (!begins) {
      text.skip_blanks();
      if (depth == 0) return true;
      JsonNode& container = nodes_[open[depth - 1]];
      const char next = text.take();
      if (next == ',') {
        text.skip_blanks();
        break;
      }
      if (next != (container.kind == JsonKind::object ? '}' : ']')) return false;
      container.raw = {container.raw.data(), static_cast<std::size_t>(text.out - container.raw.data())};
      container.text = container.raw;
      container.end = size();
      --depth;
    }
    key = {};
    member = text.out;
    if (nodes_[open[depth - 1]].kind == JsonKind::array) continue;
    JsonNode name;
    if (!text.at_quote() || !read_string(text, name)) return false;
    key = name.text;
    text.skip_blanks();
    if (text.take() != ':') return false;
    text.skip_blanks();
  }
}

char* JsonTape::add_escaped_value(std::string_view key, const char* member, std::string_view escaped,
                                  const char* readable_end, char* place) {
  EscapedText text{escaped.data(), readable_end, place};
  const bool ok = read_value(text, key, member) && text.in == escaped.data() + escaped.size();
  return ok ? text.out : nullptr;
}

bool JsonTape::add_plain_value(std::string_view key, const char* member, char* begin, char* end) {
  if (!simdjson::validate_utf8(begin, static_cast<std::size_t>(end - begin))) return false;
  std::memset(end, 0, 16);
  PlainText text{begin, begin};
  return read_value(text, key, member) && text.in == end;
}

}  // namespace millrace::collect
