#include "contract/compatibility.h"

#include <string_view>

#include "contract/number.h"
#include "contract/schema_keywords.h"

namespace millrace::contract {

namespace {

class Comparison {
 public:
  Comparison(const JsonTape& before, const JsonTape& after) : before_(before), after_(after) {}

  std::optional<Narrowing> schemas(std::uint32_t a, std::uint32_t b) {
    if (is(after_, b, "true") || is(before_, a, "false")) return std::nullopt;
    if (is(after_, b, "false")) return narrower(b, "Nothing is taken here any more.");
    if (is(before_, a, "true")) {
      if (after_[b].end == b + 1) return std::nullopt;
      return narrower(b, "Anything was taken here before.");
    }
    for (std::uint32_t i = b + 1; i < after_[b].end; i = after_[i].end) {
      if (auto found = keyword(a, i)) return found;
    }
    return lost_members(a, b);
  }

 private:
  static bool is(const JsonTape& tape, std::uint32_t node, std::string_view word) {
    return tape[node].kind == JsonKind::boolean && tape[node].text == word;
  }
  Narrowing narrower(std::uint32_t node, std::string message) const {
    return {pointer_to(after_, node), std::move(message)};
  }
  bool same(std::uint32_t a, std::uint32_t b) const {
    std::int64_t budget = 1'000'000;
    return a != kNoNode && equal_values(before_, a, after_, b, budget);
  }

  // The keyword at `node` of the new schema, against the old schema `a`.
  std::optional<Narrowing> keyword(std::uint32_t a, std::uint32_t node) {
    const KeywordRow* const row = find_keyword(after_[node].key);
    const std::uint32_t old = find_member(before_, a, after_[node].key);
    if (row == nullptr || same(old, node)) return std::nullopt;
    switch (row->keyword) {
      case Keyword::annotation:
      case Keyword::self:
      case Keyword::schema_dialect:
      case Keyword::id:
      case Keyword::anchor:
      case Keyword::dynamic_anchor: return std::nullopt;
      case Keyword::definitions:
        // What refers to a definition has the same $ref, so the definition itself has to hold.
        return old == kNoNode ? std::nullopt : named_schemas(old, node);
      case Keyword::type: return types(old, node);
      case Keyword::enumeration:
      case Keyword::constant: return values(a, node);
      case Keyword::minimum:
      case Keyword::exclusive_minimum:
      case Keyword::min_length:
      case Keyword::min_items:
      case Keyword::min_properties: return bound(old, node, -1);
      case Keyword::maximum:
      case Keyword::exclusive_maximum:
      case Keyword::max_length:
      case Keyword::max_items:
      case Keyword::max_properties: return bound(old, node, 1);
      case Keyword::required: return required(old, node);
      case Keyword::properties: return properties(a, node);
      case Keyword::items:
        if (old == kNoNode) return narrower(node, "The elements were not looked at before.");
        return schemas(old, node);
      case Keyword::additional_properties:
        if (is(after_, node, "true")) return std::nullopt;
        if (old == kNoNode) return narrower(node, "Members that it does not name were taken before.");
        return schemas(old, node);
      default: break;
    }
    return narrower(node, old == kNoNode ? "This was not asked before."
                                         : "Whether this takes all that was taken cannot be decided.");
  }

  std::optional<Narrowing> named_schemas(std::uint32_t old, std::uint32_t node) {
    for (std::uint32_t i = node + 1; i < after_[node].end; i = after_[i].end) {
      const std::uint32_t before = find_member(before_, old, after_[i].key);
      if (before == kNoNode) continue;
      if (auto found = schemas(before, i)) return found;
    }
    return std::nullopt;
  }

  std::optional<Narrowing> types(std::uint32_t old, std::uint32_t node) const {
    if (old == kNoNode) return narrower(node, "Any type was taken before.");
    const auto allows = [&](std::string_view type) {
      const auto named = [&](const JsonNode& name) {
        return name.text == type || (type == "integer" && name.text == "number");
      };
      if (after_[node].kind == JsonKind::string) return named(after_[node]);
      for (std::uint32_t i = node + 1; i < after_[node].end; i = after_[i].end) {
        if (named(after_[i])) return true;
      }
      return false;
    };
    const bool one = before_[old].kind == JsonKind::string;
    for (std::uint32_t i = one ? old : old + 1; i < before_[old].end; i = before_[i].end) {
      if (!allows(before_[i].text))
        return narrower(node, "A type is gone: " + std::string(before_[i].text) + ".");
    }
    return std::nullopt;
  }

  std::optional<Narrowing> values(std::uint32_t a, std::uint32_t node) const {
    std::uint32_t old = find_member(before_, a, "enum");
    const bool one = old == kNoNode;
    if (one) old = find_member(before_, a, "const");
    if (old == kNoNode) return narrower(node, "Any value was taken before.");
    const bool list = after_[node].key == "enum";
    for (std::uint32_t i = one ? old : old + 1; i < before_[old].end; i = before_[i].end) {
      bool found = false;
      for (std::uint32_t j = list ? node + 1 : node; j < after_[node].end && !found; j = after_[j].end)
        found = same(i, j);
      if (!found)
        return narrower(node, "A value is gone: " + std::string(before_[i].raw.substr(0, 64)) + ".");
    }
    return std::nullopt;
  }

  std::optional<Narrowing> bound(std::uint32_t old, std::uint32_t node, int direction) const {
    if (old == kNoNode) return narrower(node, "There was no such limit before.");
    const auto order = compare(Number(after_[node].text), Number(before_[old].text));
    if (direction > 0 ? order >= 0 : order <= 0) return std::nullopt;
    return narrower(node, "The limit is tighter than before.");
  }

  std::optional<Narrowing> required(std::uint32_t old, std::uint32_t node) const {
    for (std::uint32_t i = node + 1; i < after_[node].end; i = after_[i].end) {
      bool found = false;
      for (std::uint32_t j = old + 1; old != kNoNode && j < before_[old].end && !found; j = before_[j].end)
        found = before_[j].text == after_[i].text;
      if (!found) return narrower(i, "A member is required that was not.");
    }
    return std::nullopt;
  }

  std::optional<Narrowing> properties(std::uint32_t a, std::uint32_t node) {
    const std::uint32_t old = find_member(before_, a, "properties");
    const std::uint32_t rest = find_member(before_, a, "additionalProperties");
    for (std::uint32_t i = node + 1; i < after_[node].end; i = after_[i].end) {
      const std::uint32_t before = find_member(before_, old == kNoNode ? 0 : old, after_[i].key);
      if (old != kNoNode && before != kNoNode) {
        if (auto found = schemas(before, i)) return found;
      } else if (rest != kNoNode && before_[rest].kind == JsonKind::object) {
        if (auto found = schemas(rest, i)) return found;
      }
    }
    return std::nullopt;
  }

  // A property that a closed schema no longer names is one it turns away.
  std::optional<Narrowing> lost_members(std::uint32_t a, std::uint32_t b) {
    // Without these, other keywords of the same schema reach further.
    for (const std::string_view name : {"patternProperties", "prefixItems", "if", "then", "else", "oneOf",
                                        "minContains", "unevaluatedProperties", "unevaluatedItems"}) {
      if (find_member(before_, a, name) != kNoNode && find_member(after_, b, name) == kNoNode)
        return narrower(b, "Without " + std::string(name) + " it cannot be decided what is taken.");
    }
    const std::uint32_t rest = find_member(after_, b, "additionalProperties");
    const std::uint32_t old = find_member(before_, a, "properties");
    if (rest == kNoNode || is(after_, rest, "true") || old == kNoNode) return std::nullopt;
    const std::uint32_t now = find_member(after_, b, "properties");
    for (std::uint32_t i = old + 1; i < before_[old].end; i = before_[i].end) {
      if (now != kNoNode && find_member(after_, now, before_[i].key) != kNoNode) continue;
      if (is(before_, i, "false")) continue;
      return narrower(rest, "The member \"" + std::string(before_[i].key.substr(0, 64)) + "\" is gone.");
    }
    return std::nullopt;
  }

  const JsonTape& before_;
  const JsonTape& after_;
};

}  // namespace

std::optional<Narrowing> find_narrowing(const JsonDocument& before, const JsonDocument& after) {
  return Comparison(before.tape(), after.tape()).schemas(0, 0);
}

}  // namespace millrace::contract
