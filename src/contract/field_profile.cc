#include "contract/field_profile.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "contract/fault_text.h"
#include "contract/number.h"
#include "http/http.h"

namespace millrace::contract {

namespace {

constexpr std::string_view kKinds[] = {"null", "boolean", "integer", "number", "string", "array", "object"};
constexpr std::string_view kPersonal[] = {"mail",    "phone",     "tel",   "name",   "street",   "address",
                                          "birth",   "iban",      "card",  "passw",  "token",    "ip",
                                          "user_id", "userid",    "zip",   "postal", "latitude", "longitude",
                                          "ssn",     "recipient", "secret"};
constexpr std::size_t kNameBytesMax = 128;
constexpr std::size_t kPersonalDigits = 9;

}  // namespace

std::string_view to_string(FieldProfile::Kind kind) { return kKinds[static_cast<std::size_t>(kind)]; }

FieldProfile::Kind kind_of(const JsonNode& node) {
  using Kind = FieldProfile::Kind;
  switch (node.kind) {
    case JsonKind::null: return Kind::null;
    case JsonKind::boolean: return Kind::boolean;
    case JsonKind::string: return Kind::string;
    case JsonKind::array: return Kind::array;
    case JsonKind::object: return Kind::object;
    case JsonKind::number: break;
  }
  return Number(node.text).is_integer() ? Kind::integer : Kind::number;
}

bool looks_personal(std::string_view name, std::string_view text) {
  std::string lower(name);
  for (char& c : lower) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
  for (const std::string_view word : kPersonal) {
    // Short words only by themselves: "ip" is in "zip" and "shipping".
    const bool found = word.size() > 3 ? lower.find(word) != std::string::npos : lower == word;
    if (found && lower != "product_name" && lower != "event_name") return true;
  }
  if (text.find('@') != std::string_view::npos) return true;
  const auto digits = std::count_if(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  return static_cast<std::size_t>(digits) >= kPersonalDigits;
}

std::string masked(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    const auto byte = static_cast<unsigned char>(c);
    if (c >= '0' && c <= '9') {
      c = '9';
    } else if (byte >= 0x80 || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
      c = 'x';
    }
  }
  return out;
}

std::uint64_t FieldProfile::seen() const {
  std::uint64_t sum = 0;
  for (const std::uint64_t count : kinds_) sum += count;
  return sum;
}

void FieldProfile::add_example(std::string_view name, std::string_view text, bool is_string) {
  if (examples_.size() == kExamplesMax) return;
  std::string shown(text.substr(0, kExampleBytesMax));
  const bool personal = looks_personal(name, text);
  if (personal) shown = masked(shown);
  std::string json;
  if (is_string || personal) {
    http::append_json_string(json, shown);
  } else {
    json = std::move(shown);
  }
  if (std::find(examples_.begin(), examples_.end(), json) == examples_.end())
    examples_.push_back(std::move(json));
}

void FieldProfile::see(std::string_view name, const JsonTape& tape, std::uint32_t node, int depth,
                       std::size_t& room) {
  const JsonNode& value = tape[node];
  const Kind kind = kind_of(value);
  ++kinds_[static_cast<std::size_t>(kind)];
  if (kind == Kind::string) longest_ = std::max<std::uint64_t>(longest_, value.text.size());
  if (kind == Kind::string || kind == Kind::boolean) add_example(name, value.text, kind == Kind::string);
  if ((kind == Kind::integer || kind == Kind::number) && value.text.size() <= kExampleBytesMax)
    add_example(name, value.text, false);
  if (depth == kDepthMax) return;
  if (kind == Kind::array) {
    if (elements_ == nullptr) elements_ = std::make_unique<FieldProfile>();
    for (std::uint32_t i = node + 1; i < value.end; i = tape[i].end)
      elements_->see(name, tape, i, depth + 1, room);
  }
  if (kind != Kind::object) return;
  for (std::uint32_t i = node + 1; i < value.end; i = tape[i].end) {
    // Of a key given twice the last one counts.
    if (find_member(tape, node, tape[i].key) != i) continue;
    const std::string key(tape[i].key.substr(0, kNameBytesMax));
    auto child = children_.find(key);
    if (child == children_.end()) {
      if (children_.size() == kChildrenMax || tape[i].key.size() > kNameBytesMax || room == 0) {
        ++untracked_;
        continue;
      }
      --room;
      child = children_.emplace(key, std::make_unique<FieldProfile>()).first;
    }
    child->second->see(key, tape, i, depth + 1, room);
  }
}

void FieldProfile::encode(base::ByteWriter& writer) const {
  for (const std::uint64_t count : kinds_) writer.varint(count);
  writer.varint(longest_);
  writer.varint(untracked_);
  writer.varint(examples_.size());
  for (const std::string& example : examples_) writer.text(example);
  writer.varint(children_.size());
  for (const auto& [name, child] : children_) {
    writer.text(name);
    child->encode(writer);
  }
  writer.u8(elements_ != nullptr ? 1 : 0);
  if (elements_ != nullptr) elements_->encode(writer);
}

bool FieldProfile::decode(base::ByteReader& reader, FieldProfile& into, int depth, std::size_t& room) {
  if (depth > kDepthMax) return false;
  for (std::uint64_t& count : into.kinds_) count = reader.varint();
  into.longest_ = reader.varint();
  into.untracked_ = reader.varint();
  const std::uint64_t examples = reader.varint();
  if (examples > kExamplesMax) return false;
  for (std::uint64_t i = 0; i < examples; ++i) into.examples_.emplace_back(reader.text());
  const std::uint64_t children = reader.varint();
  if (children > kChildrenMax || children > room) return false;
  room -= children;
  for (std::uint64_t i = 0; i < children; ++i) {
    auto& child = into.children_[std::string(reader.text())];
    if (child != nullptr) return false;
    child = std::make_unique<FieldProfile>();
    if (!reader.ok() || !decode(reader, *child, depth + 1, room)) return false;
  }
  if (reader.u8() != 0) {
    into.elements_ = std::make_unique<FieldProfile>();
    if (!reader.ok() || !decode(reader, *into.elements_, depth + 1, room)) return false;
  }
  return reader.ok();
}

void FieldProfile::append_fields(std::string& out, const std::string& path, std::uint64_t parent_seen) const {
  const std::uint64_t count = seen();
  if (!path.empty()) {
    if (out.back() != '[') out += ',';
    out += R"({"path":)";
    http::append_json_string(out, path);
    out += R"(,"types":{)";
    for (std::size_t i = 0; i < kKindCount; ++i) {
      if (kinds_[i] == 0) continue;
      if (out.back() != '{') out += ',';
      out += fmt::format("\"{}\":{}", kKinds[i], kinds_[i]);
    }
    const std::uint64_t present = count - kinds_[0];
    const double rate = parent_seen == 0 || present >= parent_seen
                            ? 0
                            : 1 - static_cast<double>(present) / static_cast<double>(parent_seen);
    out += fmt::format(R"(}},"seen":{},"null_rate":{:.4f},"examples":[{}]}})", count, rate,
                       fmt::join(examples_, ","));
  }
  for (const auto& [name, child] : children_)
    child->append_fields(out, path.empty() ? name : path + "." + name, this->count(Kind::object));
  if (elements_ != nullptr) elements_->append_fields(out, path + "[]", elements_->seen());
}

void FieldProfile::append_schema(std::string& out) const {
  std::vector<std::string> types;
  for (std::size_t i = 0; i < kKindCount; ++i) {
    // Every integer is a number.
    if (kinds_[i] == 0 || (i == 2 && kinds_[3] > 0)) continue;
    types.push_back(fmt::format("\"{}\"", kKinds[i]));
  }
  if (types.empty()) {
    out += "{}";
    return;
  }
  out += types.size() == 1 ? fmt::format(R"({{"type":{})", types[0])
                           : fmt::format(R"({{"type":[{}])", fmt::join(types, ","));
  if (count(Kind::string) > 0)
    out += fmt::format(R"(,"maxLength":{})", std::max<std::uint64_t>(64, std::bit_ceil(longest_ * 2)));
  if (elements_ != nullptr && elements_->seen() > 0) {
    out += R"(,"items":)";
    elements_->append_schema(out);
  }
  if (!children_.empty()) {
    std::vector<std::string> required;
    out += R"(,"properties":{)";
    for (const auto& [name, child] : children_) {
      if (out.back() != '{') out += ',';
      append_quoted(out, name);
      out += ':';
      child->append_schema(out);
      if (count(Kind::object) >= kRequiredAfter && child->seen() >= count(Kind::object)) {
        std::string quoted;
        append_quoted(quoted, name);
        required.push_back(std::move(quoted));
      }
    }
    out += '}';
    if (!required.empty()) out += fmt::format(R"(,"required":[{}])", fmt::join(required, ","));
  }
  out += '}';
}

}  // namespace millrace::contract
