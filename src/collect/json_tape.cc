#include "collect/json_tape.h"

#include <simdjson.h>

#include <bit>
#include <cstring>
#include <memory>

namespace millrace::collect {

namespace {

constexpr std::size_t kChunkBytes = 4 * 1024;
constexpr std::uint32_t kReplacement = 0xfffd;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Four hexadecimal digits at `at`, or -1.
std::int32_t code_unit(std::string_view text, std::size_t at) {
  if (at + 4 > text.size()) return -1;
  std::int32_t unit = 0;
  for (std::size_t i = at; i < at + 4; ++i) {
    const int digit = hex_digit(text[i]);
    if (digit < 0) return -1;
    unit = unit * 16 + digit;
  }
  return unit;
}

char* write_utf8(char* out, std::uint32_t code) {
  if (code < 0x80) {
    *out++ = static_cast<char>(code);
  } else if (code < 0x800) {
    *out++ = static_cast<char>(0xc0 | (code >> 6));
    *out++ = static_cast<char>(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    *out++ = static_cast<char>(0xe0 | (code >> 12));
    *out++ = static_cast<char>(0x80 | ((code >> 6) & 0x3f));
    *out++ = static_cast<char>(0x80 | (code & 0x3f));
  } else {
    *out++ = static_cast<char>(0xf0 | (code >> 18));
    *out++ = static_cast<char>(0x80 | ((code >> 12) & 0x3f));
    *out++ = static_cast<char>(0x80 | ((code >> 6) & 0x3f));
    *out++ = static_cast<char>(0x80 | (code & 0x3f));
  }
  return out;
}

char simple_escape(char c) {
  switch (c) {
    case '"': return '"';
    case '\\': return '\\';
    case '/': return '/';
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    default: return '\0';
  }
}

// Copies up to the next backslash, which `i` is then at, or to the end. JSON within JSON has one every few bytes: a call of memchr for
// each costs more than the bytes.
char* copy_plain(std::string_view escaped, std::size_t& i, char* out) {
  constexpr std::uint64_t kOnes = 0x0101010101010101ULL;
  constexpr std::uint64_t kHighs = 0x8080808080808080ULL;
  while (i + 8 <= escaped.size()) {
    std::uint64_t word = 0;
    std::memcpy(&word, escaped.data() + i, 8);
    std::memcpy(out, &word, 8);  // What was written is never more than what was read.
    const std::uint64_t differs = word ^ (kOnes * static_cast<unsigned char>('\\'));
    const std::uint64_t found = (differs - kOnes) & ~differs & kHighs;
    const std::size_t plain = found == 0 ? 8 : static_cast<std::size_t>(std::countr_zero(found)) / 8;
    i += plain;
    out += plain;
    if (found != 0) return out;
  }
  while (i < escaped.size() && escaped[i] != '\\') *out++ = escaped[i++];
  return out;
}

bool has_control_character(std::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20) return true;
  }
  return false;
}

// The usual string: no blanks behind it, and no escape in the whole text.
inline bool read_plain_string(const JsonIndex& index, std::uint32_t token, std::string_view& raw) {
  const std::size_t begin = index.position(token);
  const std::size_t next = index.position(token + 1);
  const char* const text = index.text().data();
  if (index.has_escapes() || index.suspect() || next - begin < 2 || text[next - 1] != '"') return false;
  raw = {text + begin, next - begin};
  return true;
}
inline std::string_view inside(std::string_view quoted) { return {quoted.data() + 1, quoted.size() - 2}; }

}  // namespace

void append_pointer_step(std::string& pointer, std::string_view key) {
  pointer += '/';
  for (const char c : key) {
    if (c == '~') {
      pointer += "~0";
    } else if (c == '/') {
      pointer += "~1";
    } else {
      pointer += c;
    }
  }
}

bool is_json_number(std::string_view token) {
  std::size_t i = 0;
  const auto digits = [&] {
    const std::size_t from = i;
    while (i < token.size() && is_digit(token[i])) ++i;
    return i > from;
  };
  if (i < token.size() && token[i] == '-') ++i;
  if (i < token.size() && token[i] == '0') {
    ++i;
  } else if (!digits()) {
    return false;
  }
  if (i < token.size() && token[i] == '.') {
    ++i;
    if (!digits()) return false;
  }
  if (i < token.size() && (token[i] == 'e' || token[i] == 'E')) {
    ++i;
    if (i < token.size() && (token[i] == '+' || token[i] == '-')) ++i;
    if (!digits()) return false;
  }
  return i == token.size();
}

std::uint32_t member_of(const JsonTape& tape, std::uint32_t object, std::string_view key) {
  std::uint32_t found = 0;
  if (tape.empty() || tape[object].kind != JsonKind::object) return 0;
  for (std::uint32_t i = object + 1; i < tape[object].end; i = tape[i].end) {
    if (tape[i].key == key) found = i;
  }
  return found;
}

const JsonNode* root_member(const JsonTape& tape, std::string_view key) {
  const std::uint32_t found = member_of(tape, 0, key);
  return found == 0 ? nullptr : &tape[found];
}

std::string_view root_text(const JsonTape& tape, std::string_view key) {
  const JsonNode* const node = root_member(tape, key);
  return node != nullptr && node->kind == JsonKind::string ? node->text : std::string_view{};
}

TapeFault JsonTape::build(const JsonIndex& index, std::uint32_t first, std::string_view skipped) {
  index_ = &index;
  skipped_ = skipped;
  skipped_token_ = 0;
  at_ = first;
  path_size_ = 0;
  nodes_.clear();
  if (chunks_.size() > 1) chunks_.erase(chunks_.begin(), chunks_.end() - 1);
  chunk_used_ = 0;
  if (at_ >= index.size()) return TapeFault::invalid_json;
  return value({}, index.text().data() + index.position(first), 0);
}

std::string JsonTape::fault_at() const {
  std::string pointer;
  for (int i = 0; i < path_size_; ++i) {
    if (path_[i].in_array) {
      append_pointer_step(pointer, std::to_string(path_[i].index));
    } else {
      append_pointer_step(pointer, path_[i].key);
    }
  }
  return pointer;
}

TapeFault JsonTape::string(std::uint32_t token, std::string_view& raw, std::string_view& text) {
  raw = index_->token(token);
  if (raw.size() < 2 || raw.back() != '"') return TapeFault::invalid_json;
  text = inside(raw);
  if (index_->suspect()) {
    if (has_control_character(text)) return TapeFault::invalid_json;
    if (!simdjson::validate_utf8(text)) return TapeFault::invalid_utf8;
  }
  if (!index_->has_escapes() || std::memchr(text.data(), '\\', text.size()) == nullptr)
    return TapeFault::none;
  return unescape(text, text) ? TapeFault::none : TapeFault::invalid_json;
}

TapeFault JsonTape::scalar(JsonNode& node) {
  const char first = index_->character(at_);
  if (first == '"') {
    node.kind = JsonKind::string;
    return string(at_++, node.raw, node.text);
  }
  if (first == '\0' || first == '}' || first == ']' || first == ',' || first == ':')
    return TapeFault::invalid_json;
  const std::string_view token = index_->token(at_++);
  node.raw = node.text = token;
  if (token == "true" || token == "false") {
    node.kind = JsonKind::boolean;
  } else if (token == "null") {
    node.kind = JsonKind::null;
  } else if (is_json_number(token)) {
    node.kind = JsonKind::number;
  } else {
    return TapeFault::invalid_json;
  }
  return TapeFault::none;
}

TapeFault JsonTape::value(std::string_view key, const char* member, int depth) {
  if (nodes_.size() == kNodesMax) return TapeFault::too_many_values;
  const auto self = static_cast<std::uint32_t>(nodes_.size());
  const char first = index_->character(at_);
  if (first != '{' && first != '[') {
    JsonNode node;
    node.key = key;
    node.member = member;
    node.end = self + 1;
    TapeFault fault = TapeFault::none;
    if (first == '"' && read_plain_string(*index_, at_, node.raw)) [[likely]] {
      node.kind = JsonKind::string;
      node.text = inside(node.raw);
      ++at_;
    } else {
      fault = scalar(node);
    }
    nodes_.push_back(node);
    return fault;
  }
  if (depth == kDepthMax) return TapeFault::nested_too_deep;
  const char* const begin = index_->text().data() + index_->position(at_++);
  nodes_.emplace_back();
  const TapeFault fault = first == '{' ? object(depth) : array(depth);
  if (fault != TapeFault::none) return fault;
  const char* const last = index_->text().data() + index_->position(at_ - 1);
  JsonNode& closed = nodes_[self];
  closed.key = key;
  closed.member = member;
  closed.raw = closed.text = {begin, static_cast<std::size_t>(last - begin) + 1};
  closed.end = static_cast<std::uint32_t>(nodes_.size());
  closed.kind = first == '{' ? JsonKind::object : JsonKind::array;
  return TapeFault::none;
}

TapeFault JsonTape::object(int depth) {
  Step& step = path_[path_size_++];
  step.in_array = false;
  step.key = {};
  if (index_->character(at_) == '}') {
    ++at_;
    --path_size_;
    return TapeFault::none;
  }
  while (true) {
    if (index_->character(at_) != '"') return TapeFault::invalid_json;
    std::string_view raw_key;
    std::string_view key;
    if (read_plain_string(*index_, at_, raw_key)) [[likely]] {
      key = inside(raw_key);
    } else if (const TapeFault fault = string(at_, raw_key, key); fault != TapeFault::none) {
      return fault;
    }
    step.key = key;
    ++at_;
    if (index_->character(at_) != ':') return TapeFault::invalid_json;
    ++at_;
    std::string_view raw;
    if (depth == 0 && !skipped_.empty() && key == skipped_) {
      skipped_token_ = at_;
      at_ = index_->skip(at_);
    } else if (index_->character(at_) == '"' && nodes_.size() < kNodesMax &&
               read_plain_string(*index_, at_, raw)) {  // Most members: not worth a call.
      ++at_;
      JsonNode& node = nodes_.emplace_back();
      node.key = key;
      node.text = inside(raw);
      node.raw = raw;
      node.member = raw_key.data();
      node.end = static_cast<std::uint32_t>(nodes_.size());
      node.kind = JsonKind::string;
    } else if (const TapeFault fault = value(key, raw_key.data(), depth + 1); fault != TapeFault::none) {
      return fault;
    }
    const char next = index_->character(at_++);
    if (next == '}') break;
    if (next != ',') return TapeFault::invalid_json;
  }
  --path_size_;
  return TapeFault::none;
}

TapeFault JsonTape::array(int depth) {
  Step& step = path_[path_size_++];
  step.in_array = true;
  step.index = 0;
  if (index_->character(at_) == ']') {
    ++at_;
    --path_size_;
    return TapeFault::none;
  }
  for (;; ++step.index) {
    const char* const member = index_->text().data() + index_->position(at_);
    if (const TapeFault fault = value({}, member, depth + 1); fault != TapeFault::none) return fault;
    const char next = index_->character(at_++);
    if (next == ']') break;
    if (next != ',') return TapeFault::invalid_json;
  }
  --path_size_;
  return TapeFault::none;
}

char* JsonTape::reserve_text(std::size_t bytes) {
  if (chunks_.empty() || chunk_size_ - chunk_used_ < bytes) {
    chunk_size_ = std::max(bytes, kChunkBytes);
    chunks_.push_back(std::make_unique_for_overwrite<char[]>(chunk_size_));
    chunk_used_ = 0;
  }
  char* const place = chunks_.back().get() + chunk_used_;
  chunk_used_ += bytes;
  return place;
}

char* unescape_json(std::string_view escaped, char* out) {
  for (std::size_t i = 0;; ++i) {
    out = copy_plain(escaped, i, out);
    if (i == escaped.size()) return out;
    if (++i == escaped.size()) return nullptr;
    if (escaped[i] == '"') [[likely]] {
      *out++ = '"';
      continue;
    }
    if (escaped[i] != 'u') {
      const char single = simple_escape(escaped[i]);
      if (single == '\0') return nullptr;
      *out++ = single;
      continue;
    }
    const std::int32_t unit = code_unit(escaped, i + 1);
    if (unit < 0) return nullptr;
    i += 4;
    auto code = static_cast<std::uint32_t>(unit);
    if (code >= 0xd800 && code < 0xe000) {
      const bool pair = code < 0xdc00 && escaped.substr(i + 1).starts_with("\\u");
      const std::int32_t low = pair ? code_unit(escaped, i + 3) : -1;
      if (low >= 0xdc00 && low < 0xe000) {
        code = 0x10000 + ((code - 0xd800) << 10) + (static_cast<std::uint32_t>(low) - 0xdc00);
        i += 6;
      } else {
        code = kReplacement;
      }
    }
    out = write_utf8(out, code == 0 ? kReplacement : code);
  }
}

bool JsonTape::unescape(std::string_view escaped, std::string_view& text) {
  char* const begin = reserve_text(escaped.size());
  const char* const end = unescape_json(escaped, begin);
  if (end == nullptr) return false;
  text = {begin, static_cast<std::size_t>(end - begin)};
  return true;
}

}  // namespace millrace::collect
