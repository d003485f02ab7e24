#include "contract/subject.h"

#include "base/result.h"

namespace millrace::contract {

namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::string_view kScheme = "iglu:";
constexpr std::size_t kAddressBytesMax = 256;

bool is_iglu(std::string_view text) { return text.starts_with(kScheme) && text.size() > kScheme.size(); }
bool is_wrapper(std::string_view schema, std::string_view name) {
  return schema.starts_with("iglu:com.snowplowanalytics.snowplow/") &&
         schema.find(name) != std::string_view::npos;
}

}  // namespace

std::optional<std::string> decode_base64(std::string_view text) {
  while (text.ends_with('=')) text.remove_suffix(1);
  std::string out;
  out.reserve(text.size() * 3 / 4);
  std::uint32_t bits = 0;
  int count = 0;
  for (char c : text) {
    if (c == '-') c = '+';
    if (c == '_') c = '/';
    const std::size_t value = kAlphabet.find(c);
    if (value == std::string_view::npos) return std::nullopt;
    bits = (bits << 6) | static_cast<std::uint32_t>(value);
    count += 6;
    if (count >= 8) {
      count -= 8;
      out += static_cast<char>((bits >> count) & 255u);
    }
  }
  return out;
}

std::string encode_base64(std::string_view bytes) {
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t bits = 0;
    for (std::size_t k = 0; k < 3; ++k)
      bits = (bits << 8) | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0u);
    for (std::size_t k = 0; k < 4; ++k)
      out += k <= bytes.size() - i ? kAlphabet[(bits >> (18 - 6 * k)) & 63u] : '=';
  }
  return out;
}

SubjectFinder::SubjectFinder() { INVARIANT(nothing_.own("{}").ok()); }

const JsonTape* SubjectFinder::carried(std::string_view text, Coding coding) {
  if (text.empty() || carried_count_ == kDocumentsMax) return nullptr;
  auto decoded = coding == Coding::base64 ? decode_base64(text) : std::optional<std::string>(text);
  JsonDocument& document = carried_[carried_count_];
  if (!decoded || !document.own(*std::move(decoded)).ok()) return nullptr;
  ++carried_count_;
  return &document.tape();
}

void SubjectFinder::add_self_describing(const JsonTape& tape, std::uint32_t node, std::string_view prefix) {
  if (subjects_.size() == kSubjectsMax) return;
  const std::string_view schema = text_of(tape, node, "schema");
  const std::uint32_t data = find_member(tape, node, "data");
  if (!is_iglu(schema) || data == kNoNode) return;
  Subject& subject = subjects_.emplace_back();
  subject.tape = &tape;
  subject.node = data;
  subject.prefix = prefix;
  subject.address = schema.substr(kScheme.size(), kAddressBytesMax);
}

// Unwraps unstruct_event {data: {schema, data}}.
void SubjectFinder::add_event(const JsonTape& tape, std::uint32_t node, std::string_view prefix) {
  const std::string_view schema = text_of(tape, node, "schema");
  if (is_wrapper(schema, "/unstruct_event/"))
    return add_self_describing(tape, find_member(tape, node, "data"), prefix);
  if (is_wrapper(schema, "/contexts/")) return add_contexts(tape, find_member(tape, node, "data"), prefix);
  add_self_describing(tape, node, prefix);
}

void SubjectFinder::add_contexts(const JsonTape& tape, std::uint32_t list, std::string_view prefix) {
  if (list == kNoNode || tape[list].kind != JsonKind::array) return;
  for (std::uint32_t i = list + 1; i < tape[list].end; i = tape[i].end) add_self_describing(tape, i, prefix);
}

// As the tracker sends it, or opened by the dialect.
void SubjectFinder::add_snowplow(const JsonTape& item, std::string_view plain, std::string_view coded) {
  if (const std::uint32_t node = find_member(item, 0, plain); node != kNoNode) {
    if (item[node].kind == JsonKind::object) return add_event(item, node, "");
    if (const JsonTape* const found = carried(text_of(item, 0, plain), Coding::plain)) {
      return add_event(*found, 0, plain == "co" ? "/co" : "/ue_pr");
    }
  }
  if (const JsonTape* const found = carried(text_of(item, 0, coded), Coding::base64)) {
    add_event(*found, 0, coded == "cx" ? "/cx" : "/ue_px");
  }
}

const std::vector<Subject>& SubjectFinder::read(std::string_view raw, collect::ItemForm form) {
  if (item_.read(raw).ok()) return read(item_.tape(), form);
  subjects_.clear();
  return subjects_;
}

const std::vector<Subject>& SubjectFinder::read(const JsonTape& item, collect::ItemForm form) {
  subjects_.clear();
  carried_count_ = 0;
  if (item.empty() || item[0].kind != JsonKind::object) return subjects_;
  std::uint32_t properties = kNoNode, traits = kNoNode, schema = kNoNode;
  bool snowplow = false;
  bool call = false;
  for (std::uint32_t i = 1; i < item[0].end; i = item[i].end) {
    const std::string_view key = item[i].key;
    if (key == "properties") properties = i;
    call = call || key == "event" || key == "type";
    if (key == "traits") traits = i;
    if (key == "schema") schema = i;
    snowplow = snowplow || key == "ue_pr" || key == "ue_px" || key == "co" || key == "cx";
  }
  if (schema != kNoNode) {
    add_event(item, 0, "");
    if (!subjects_.empty()) return subjects_;
  }
  if (snowplow) {
    add_snowplow(item, "ue_pr", "ue_px");
    add_snowplow(item, "co", "cx");
    return subjects_;
  }
  if (form == collect::ItemForm::own) return subjects_;
  if (properties == kNoNode) properties = traits;
  if (properties == kNoNode) {
    if (!call) return subjects_;
    Subject& subject = subjects_.emplace_back();
    subject.tape = &nothing_.tape();
    subject.prefix = "/properties";
    return subjects_;
  }
  const std::string_view named = text_of(item, properties, "schema");
  if (is_iglu(named) && find_member(item, properties, "data") != kNoNode) {
    add_event(item, properties, "");
    return subjects_;
  }
  Subject& subject = subjects_.emplace_back();
  subject.tape = &item;
  subject.node = properties;
  return subjects_;
}

}  // namespace millrace::contract
