#include "collect/json_tape.h"

#include <simdjson.h>

#include <cstring>
#include <memory>

#include "collect/json_unescape.h"

namespace millrace::collect {

namespace {

constexpr std::size_t kChunkBytes = 4 * 1024;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

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

std::optional<JsonKind> kind_of_scalar(std::string_view token) {
  if (token == "true" || token == "false") return JsonKind::boolean;
  if (token == "null") return JsonKind::null;
  if (is_json_number(token)) return JsonKind::number;
  return std::nullopt;
}

std::uint32_t member_of(const JsonTape& tape, std::uint32_t object, std::string_view key) {
  std::uint32_t found = 0;
  if (tape.empty() || tape[object].kind != JsonKind::object) return 0;
  for (std::uint32_t i = object + 1; i < tape[object].end; i = tape[i].end) {
    const std::string_view other = tape[i].key;
    if (other.size() != key.size() || (!key.empty() && other.front() != key.front())) continue;
    if (other == key) found = i;
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

void JsonTape::begin(const JsonIndex* index, std::uint32_t first, std::string_view skipped) {
  index_ = index;
  skipped_ = skipped;
  skipped_token_ = 0;
  at_ = first;
  path_size_ = 0;
  nodes_.clear();
  if (chunks_.size() > 1) chunks_.erase(chunks_.begin(), chunks_.end() - 1);
  chunk_used_ = 0;
}

TapeFault JsonTape::build(const JsonIndex& index, std::uint32_t first, std::string_view skipped) {
  begin(&index, first, skipped);
  if (at_ >= index.size()) return TapeFault::invalid_json;
  return value({}, index.text().data() + index.position(first), 0);
}

void JsonTape::open_object(const char* begin_at) {
  begin(nullptr, 0, {});
  JsonNode& root = nodes_.emplace_back();
  root.member = begin_at;
  root.kind = JsonKind::object;
}

void JsonTape::close_object(const char* end) {
  JsonNode& root = nodes_.front();
  root.raw = root.text = {root.member, static_cast<std::size_t>(end - root.member)};
  root.end = size();
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
  const auto kind = kind_of_scalar(token);
  if (!kind) return TapeFault::invalid_json;
  node.kind = *kind;
  node.raw = node.text = token;
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

bool JsonTape::unescape(std::string_view escaped, std::string_view& text) {
  char* const begin = reserve_text(escaped.size());
  const char* const end = unescape_json(escaped, begin);
  if (end == nullptr) return false;
  text = {begin, static_cast<std::size_t>(end - begin)};
  return true;
}

}  // namespace millrace::collect
