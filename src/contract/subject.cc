#include "contract/subject.h"

#include "base/result.h"

namespace millrace::contract {

namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

bool is_iglu(std::string_view text) { return text.starts_with("iglu:"); }
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

const JsonDocument* SubjectFinder::carried(std::string_view name, bool base64) {
  const std::string_view text = text_of(item_.tape(), 0, name);
  if (text.empty() || carried_count_ == kDocumentsMax) return nullptr;
  auto decoded = base64 ? decode_base64(text) : std::optional<std::string>(text);
  JsonDocument& document = carried_[carried_count_];
  if (!decoded || !document.own(*std::move(decoded)).ok()) return nullptr;
  ++carried_count_;
  return &document;
}

void SubjectFinder::add_self_describing(const JsonDocument& document, std::uint32_t node,
                                        const std::string& prefix) {
  if (subjects_.size() == kSubjectsMax) return;
  const std::string_view schema = text_of(document.tape(), node, "schema");
  const std::uint32_t data = find_member(document.tape(), node, "data");
  if (!is_iglu(schema) || data == kNoNode) return;
  auto key = SchemaKey::parse(schema);
  Subject& subject = subjects_.emplace_back();
  subject.document = &document;
  subject.node = data;
  subject.prefix = prefix;
  if (key.ok()) {
    subject.key = *std::move(key);
  } else {
    subject.invalid_key = schema.substr(0, 256);
  }
}

// Unwraps unstruct_event {data: {schema, data}}.
void SubjectFinder::add_event(const JsonDocument& document, std::uint32_t node, const std::string& prefix) {
  const std::string_view schema = text_of(document.tape(), node, "schema");
  if (is_wrapper(schema, "/unstruct_event/"))
    return add_self_describing(document, find_member(document.tape(), node, "data"), prefix);
  if (is_wrapper(schema, "/contexts/"))
    return add_contexts(document, find_member(document.tape(), node, "data"), prefix);
  add_self_describing(document, node, prefix);
}

void SubjectFinder::add_contexts(const JsonDocument& document, std::uint32_t list,
                                 const std::string& prefix) {
  if (list == kNoNode || document[list].kind != JsonKind::array) return;
  for (std::uint32_t i = list + 1; i < document[list].end; i = document[i].end)
    add_self_describing(document, i, prefix);
}

const std::vector<Subject>& SubjectFinder::read(std::string_view raw) {
  subjects_.clear();
  carried_count_ = 0;
  if (!item_.read(raw).ok() || item_[0].kind != JsonKind::object) return subjects_;
  const JsonTape& tape = item_.tape();
  std::uint32_t properties = kNoNode, traits = kNoNode, schema = kNoNode;
  bool snowplow = false;
  bool call = false;
  for (std::uint32_t i = 1; i < tape[0].end; i = tape[i].end) {
    const std::string_view key = tape[i].key;
    if (key == "properties") properties = i;
    call = call || key == "event" || key == "type";
    if (key == "traits") traits = i;
    if (key == "schema") schema = i;
    snowplow = snowplow || key == "ue_pr" || key == "ue_px" || key == "co" || key == "cx";
  }
  if (schema != kNoNode) {
    add_event(item_, 0, "");
    if (!subjects_.empty()) return subjects_;
  }
  if (snowplow) {
    for (const auto& [plain, coded] : {std::pair("ue_pr", "ue_px"), std::pair("co", "cx")}) {
      const JsonDocument* document = carried(plain, false);
      const char* name = plain;
      if (document == nullptr) {
        document = carried(coded, true);
        name = coded;
      }
      if (document != nullptr) add_event(*document, 0, "/" + std::string(name));
    }
    return subjects_;
  }
  if (properties == kNoNode) properties = traits;
  if (properties == kNoNode) {
    if (!call) return subjects_;  // Of a client with names of its own.
    Subject& subject = subjects_.emplace_back();
    subject.document = &nothing_;
    subject.prefix = "/properties";
    return subjects_;
  }
  const std::string_view named = text_of(tape, properties, "schema");
  if (is_iglu(named) && find_member(tape, properties, "data") != kNoNode) {
    add_event(item_, properties, "");
    return subjects_;
  }
  Subject& subject = subjects_.emplace_back();
  subject.document = &item_;
  subject.node = properties;
  return subjects_;
}

}  // namespace millrace::contract
