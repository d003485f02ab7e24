#include "collect/json_index.h"

#include <emmintrin.h>
#include <simdjson.h>

#include <array>
#include <bit>
#include <cstring>

#include "base/result.h"

namespace millrace::collect {

namespace {

constexpr std::size_t kTextBytesMax = 1u << 30;
constexpr std::size_t kKeptCapacity = 1024 * 1024;  // Scanners for longer texts are given back.

constexpr std::array<std::int8_t, 256> kDepthChange = [] {
  std::array<std::int8_t, 256> change{};
  change['{'] = change['['] = 1;
  change['}'] = change[']'] = -1;
  return change;
}();

enum class Class : std::uint8_t { scalar, opens, closes, separates, blank, escape };
constexpr std::array<Class, 256> kClasses = [] {
  std::array<Class, 256> classes{};
  classes['{'] = classes['['] = Class::opens;
  classes['}'] = classes[']'] = Class::closes;
  classes[':'] = classes[','] = Class::separates;
  classes[' '] = Class::blank;
  classes['\\'] = Class::escape;
  return classes;
}();
Class class_of(char c) { return kClasses[static_cast<unsigned char>(c)]; }

// Text that is being unescaped. Never more is written than was read.
struct Copy {
  const char* in;
  const char* const end;
  char* out;
  bool found_escapes = false;

  // False at the end.
  bool to_backslash() {
    const __m128i backslashes = _mm_set1_epi8('\\');
    while (end - in >= 16) {
      const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(in));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(out), bytes);
      const auto found = static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, backslashes)));
      const int plain = found == 0 ? 16 : std::countr_zero(found);
      in += plain;
      out += plain;
      if (found != 0) return true;
    }
    while (in != end && *in != '\\') *out++ = *in++;
    return in != end;
  }
  // The rest of a string whose quotes are escaped, once more escaped what is so in it.
  bool string() {
    while (to_backslash() && end - in >= 2) {
      const char escaped = in[1];
      in += 2;
      if (escaped != '\\') {
        if (escaped != '"' && escaped != '/') return false;
        *out++ = escaped;
        if (escaped == '"') return true;
        continue;
      }
      found_escapes = true;
      *out++ = '\\';
      if (in == end) return false;
      if (*in == '\\') {
        if (end - in < 2 || (in[1] != '"' && in[1] != '\\' && in[1] != '/')) return false;
        ++in;
      }
      *out++ = *in++;
    }
    return false;
  }
};

}  // namespace

JsonIndex::JsonIndex() = default;
JsonIndex::~JsonIndex() = default;

JsonFault JsonIndex::scan(std::string_view text) {
  text_ = text;
  size_ = 0;
  suspect_ = false;
  if (text.empty()) return JsonFault::empty;
  if (text.size() > kTextBytesMax) return JsonFault::too_long;
  has_escapes_ = std::memchr(text.data(), '\\', text.size()) != nullptr;
  const bool grown =
      scanner_ != nullptr && scanner_->capacity() > kKeptCapacity && text.size() <= kKeptCapacity;
  if (scanner_ == nullptr || grown || scanner_->capacity() < text.size()) {
    const auto error = simdjson::get_active_implementation()->create_dom_parser_implementation(
        std::max<std::size_t>(text.size(), 16 * 1024), 1, scanner_);
    INVARIANT(error == simdjson::SUCCESS);
  }
  const auto run = [&](std::string_view bytes) {
    return scanner_->stage1(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size(),
                            simdjson::stage1_mode::regular);
  };
  auto error = run(text);
  if (error == simdjson::UNESCAPED_CHARS) {
    suspect_ = true;
    cleaned_ = text;
    // Blanks may stand between tokens; any other control character must make a token there, which JsonTape will refuse.
    for (char& c : cleaned_) {
      if (static_cast<unsigned char>(c) < 0x20) c = is_blank(c) ? ' ' : 'x';
    }
    error = run(cleaned_);
  }
  switch (error) {
    case simdjson::SUCCESS: break;
    case simdjson::UTF8_ERROR: suspect_ = true; break;  // Found last: the tokens are all there.
    case simdjson::EMPTY: return JsonFault::empty;
    default: return JsonFault::unclosed_string;
  }
  size_ = scanner_->n_structural_indexes;
  positions_ = scanner_->structural_indexes.get();
  return JsonFault::none;
}

bool JsonIndex::unpack(std::string_view escaped, char* place) {
  // Each character may be a token, and behind the last there is one more position.
  if (unpacked_.size() <= escaped.size()) unpacked_.resize(escaped.size() + escaped.size() / 2 + 1024);
  Copy copy{escaped.data(), escaped.data() + escaped.size(), place};
  std::uint32_t* token = unpacked_.data();
  int depth = 0;
  while (copy.in != copy.end && *copy.in == ' ') *copy.out++ = *copy.in++;
  do {
    if (copy.in == copy.end) return false;
    const char c = *copy.in;
    const Class kind = class_of(c);
    if (kind == Class::blank) {
      *copy.out++ = c;
      ++copy.in;
      continue;
    }
    *token++ = static_cast<std::uint32_t>(copy.out - place);
    *copy.out++ = kind == Class::escape ? '"' : c;
    ++copy.in;
    switch (kind) {
      case Class::opens: ++depth; break;
      case Class::closes: --depth; break;
      case Class::escape:
        if (copy.in == copy.end || *copy.in != '"') return false;
        ++copy.in;
        if (!copy.string()) return false;
        break;
      case Class::scalar:
        while (copy.in != copy.end && class_of(*copy.in) == Class::scalar) *copy.out++ = *copy.in++;
        if (copy.in != copy.end && class_of(*copy.in) == Class::escape) return false;
        break;
      default: break;
    }
  } while (depth > 0);
  while (copy.in != copy.end && *copy.in == ' ') *copy.out++ = *copy.in++;
  if (copy.in != copy.end) return false;
  text_ = {place, static_cast<std::size_t>(copy.out - place)};
  positions_ = unpacked_.data();
  size_ = static_cast<std::uint32_t>(token - unpacked_.data());
  *token = static_cast<std::uint32_t>(text_.size());
  suspect_ = false;
  has_escapes_ = copy.found_escapes;
  return true;
}

std::string_view JsonIndex::text_of(std::uint32_t first, std::uint32_t end) const {
  const std::string_view last = token(end - 1);
  const std::size_t begin = positions_[first];
  return text_.substr(begin, static_cast<std::size_t>(last.data() + last.size() - text_.data()) - begin);
}

std::uint32_t JsonIndex::skip(std::uint32_t i) const {
  int depth = 0;
  for (; i < size_; ++i) {
    depth += kDepthChange[static_cast<unsigned char>(text_[positions_[i]])];
    if (depth <= 0) return i + 1;
  }
  return size_;
}

}  // namespace millrace::collect
