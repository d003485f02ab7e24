#include "contract/item_fix.h"

#include <utility>

#include "contract/fault_text.h"
#include "contract/field_drop.h"
#include "contract/number.h"

namespace millrace::contract {

namespace {

constexpr std::string_view kActions[] = {"rename", "cast", "default", "drop"};
constexpr std::string_view kCasts[] = {"string", "number", "integer", "boolean"};
constexpr std::size_t kFixesMax = 50;

base::Error invalid(std::string message) {
  return base::Error(base::ErrorCode::invalid_argument, std::move(message));
}

std::string trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return std::string(text);
}

// The value as the type wanted, or nothing when it does not read as one.
std::optional<std::string> cast(const JsonNode& node, std::string_view to) {
  const bool container = node.kind == JsonKind::object || node.kind == JsonKind::array;
  if (container || node.kind == JsonKind::null) return std::nullopt;
  if (to == "string") {
    if (node.kind == JsonKind::string) return std::nullopt;
    return "\"" + std::string(node.raw) + "\"";
  }
  std::string text = trimmed(node.text);
  if (to == "boolean") {
    if (text == "true" || text == "1" || text == "yes") return "true";
    if (text == "false" || text == "0" || text == "no") return "false";
    return std::nullopt;
  }
  if (node.kind == JsonKind::boolean) text = text == "true" ? "1" : "0";
  // "1.299,50" and "12,5": a comma is the decimal point unless a point follows it.
  const auto comma = text.rfind(',');
  if (comma != std::string::npos && text.find('.', comma) == std::string::npos) {
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (i == comma) plain += '.';
      if (text[i] != '.' && text[i] != ',') plain += text[i];
    }
    text = std::move(plain);
  }
  if (!collect::is_json_number(text)) return std::nullopt;
  if (to == "integer" && !Number(text).is_integer()) return std::nullopt;
  return text;
}

std::string spliced(std::string_view text, const char* begin, const char* end, std::string_view between) {
  const auto from = static_cast<std::size_t>(begin - text.data());
  const auto to = static_cast<std::size_t>(end - text.data());
  return std::string(text.substr(0, from)) + std::string(between) + std::string(text.substr(to));
}

std::string replaced(const JsonDocument& item, std::uint32_t node, std::string_view value) {
  const std::string_view raw = item[node].raw;
  return spliced(item.text(), raw.data(), raw.data() + raw.size(), value);
}

std::optional<std::string> with_default(const JsonDocument& item, const ItemFix& fix) {
  const std::uint32_t node = node_at(item.tape(), 0, fix.pointer);
  if (node != kNoNode) {
    if (item[node].kind != JsonKind::null) return std::nullopt;
    return replaced(item, node, fix.value);
  }
  const auto slash = fix.pointer.rfind('/');
  if (slash == std::string::npos) return std::nullopt;
  const std::uint32_t parent = node_at(item.tape(), 0, fix.pointer.substr(0, slash));
  if (parent == kNoNode || item[parent].kind != JsonKind::object) return std::nullopt;
  std::string key;
  for (std::size_t i = slash + 1; i < fix.pointer.size(); ++i) {
    const bool escaped = fix.pointer[i] == '~' && i + 1 < fix.pointer.size();
    key += escaped ? (fix.pointer[++i] == '0' ? '~' : '/') : fix.pointer[i];
  }
  std::string member;
  append_quoted(member, key);
  member += ":" + fix.value + (item[parent].end == parent + 1 ? "" : ",");
  const char* const inside = item[parent].raw.data() + 1;
  return spliced(item.text(), inside, inside, member);
}

std::optional<std::string> fixed(const JsonDocument& item, const ItemFix& fix) {
  if (fix.action == ItemFix::Action::set_default) return with_default(item, fix);
  const std::uint32_t node = node_at(item.tape(), 0, fix.pointer);
  if (node == kNoNode || node == 0) return std::nullopt;
  if (fix.action == ItemFix::Action::drop) return without_values(item, std::span(&fix.pointer, 1));
  if (fix.action == ItemFix::Action::cast) {
    const auto value = cast(item[node], fix.to);
    if (!value) return std::nullopt;
    return replaced(item, node, *value);
  }
  // A member of an array has no name.
  const JsonNode& value = item[node];
  if (value.member == value.raw.data()) return std::nullopt;
  std::string key;
  append_quoted(key, fix.to);
  return spliced(item.text(), value.member, value.raw.data(), key + ":");
}

}  // namespace

base::Result<std::vector<ItemFix>> read_fixes(const JsonTape& tape, std::uint32_t list) {
  std::vector<ItemFix> fixes;
  if (list == kNoNode) return fixes;
  if (tape[list].kind != JsonKind::array) return invalid("fixes are a list");
  for (std::uint32_t i = list + 1; i < tape[list].end; i = tape[i].end) {
    ItemFix fix;
    fix.pointer = text_of(tape, i, "pointer");
    fix.to = text_of(tape, i, "to");
    const std::string_view action = text_of(tape, i, "action");
    const std::uint32_t value = find_member(tape, i, "value");
    if (value != kNoNode) fix.value = tape[value].raw;
    std::size_t known = 0;
    while (known < std::size(kActions) && kActions[known] != action) ++known;
    if (known == std::size(kActions)) return invalid("a fix's action is rename, cast, default or drop");
    fix.action = static_cast<ItemFix::Action>(known);
    if (!fix.pointer.starts_with('/'))
      return invalid("a fix's pointer is RFC 6901, such as /properties/price");
    if (fix.action == ItemFix::Action::rename && fix.to.empty()) return invalid("a rename says \"to\" what");
    if (fix.action == ItemFix::Action::set_default && fix.value.empty())
      return invalid("a default has a \"value\"");
    bool castable = false;
    for (const std::string_view type : kCasts) castable = castable || type == fix.to;
    if (fix.action == ItemFix::Action::cast && !castable)
      return invalid("a cast is \"to\" string, number, integer or boolean");
    fixes.push_back(std::move(fix));
  }
  if (fixes.size() > kFixesMax) return invalid("at most " + std::to_string(kFixesMax) + " fixes");
  return fixes;
}

base::Result<std::string> apply_fixes(std::string_view item, const std::vector<ItemFix>& fixes) {
  std::string text(item);
  JsonDocument document;
  TRY(document.own(text));
  if (document[0].kind != JsonKind::object) return invalid("the item is no JSON object");
  for (const ItemFix& fix : fixes) {
    auto next = fixed(document, fix);
    if (!next) continue;
    text = *std::move(next);
    TRY(document.own(text));
  }
  return text;
}

}  // namespace millrace::contract
