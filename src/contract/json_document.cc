#include "contract/json_document.h"

#include <utility>

#include "base/hash.h"
#include "contract/number.h"

namespace millrace::contract {

namespace {

base::Error invalid(std::string_view what, const std::string& at) {
  return base::Error(base::ErrorCode::invalid_argument, std::string(what) + (at.empty() ? "" : ", at " + at));
}

}  // namespace

base::Status JsonDocument::read(std::string_view text) {
  tape_.clear();
  switch (index_.scan(text)) {
    case collect::JsonFault::none: break;
    case collect::JsonFault::empty: return invalid("the text is empty", "");
    case collect::JsonFault::unclosed_string: return invalid("the text ends inside a string", "");
    case collect::JsonFault::too_long: return invalid("the text is too long", "");
  }
  const auto fault = tape_.build(index_, 0);
  switch (fault) {
    case collect::TapeFault::none: break;
    case collect::TapeFault::invalid_json: return invalid("not JSON", tape_.fault_at());
    case collect::TapeFault::invalid_utf8: return invalid("not UTF-8", tape_.fault_at());
    case collect::TapeFault::nested_too_deep: return invalid("nested too deep", tape_.fault_at());
    case collect::TapeFault::too_many_values: return invalid("too many values", tape_.fault_at());
  }
  if (tape_.end_token() != index_.size()) return invalid("something follows the JSON value", "");
  return base::Ok{};
}

base::Status JsonDocument::own(std::string text) {
  owned_ = std::move(text);
  return read(owned_);
}

std::uint32_t find_member(const JsonTape& tape, std::uint32_t object, std::string_view key) {
  std::uint32_t found = kNoNode;
  if (object >= tape.size() || tape[object].kind != JsonKind::object) return found;
  for (std::uint32_t i = object + 1; i < tape[object].end; i = tape[i].end) {
    if (tape[i].key == key) found = i;
  }
  return found;
}

std::string_view text_of(const JsonTape& tape, std::uint32_t object, std::string_view key) {
  const std::uint32_t node = find_member(tape, object, key);
  return node != kNoNode && tape[node].kind == JsonKind::string ? tape[node].text : std::string_view{};
}

std::string pointer_to(const JsonTape& tape, std::uint32_t node) {
  std::string pointer;
  std::uint32_t at = 0;
  while (at != node) {
    std::uint32_t position = 0;
    std::uint32_t child = at + 1;
    for (; tape[child].end <= node; child = tape[child].end) ++position;
    if (tape[at].kind == JsonKind::object) {
      collect::append_pointer_step(pointer, tape[child].key);
    } else {
      collect::append_pointer_step(pointer, std::to_string(position));
    }
    at = child;
  }
  return pointer;
}

std::uint32_t node_at(const JsonTape& tape, std::uint32_t from, std::string_view pointer) {
  std::uint32_t at = from;
  while (!pointer.empty()) {
    if (pointer.front() != '/') return kNoNode;
    pointer.remove_prefix(1);
    const std::string_view step = pointer.substr(0, pointer.find('/'));
    pointer.remove_prefix(step.size());
    if (tape[at].kind == JsonKind::object) {
      std::string key;
      for (std::size_t i = 0; i < step.size(); ++i) {
        const bool escaped =
            step[i] == '~' && i + 1 < step.size() && (step[i + 1] == '0' || step[i + 1] == '1');
        key += escaped ? (step[++i] == '0' ? '~' : '/') : step[i];
      }
      at = find_member(tape, at, key);
    } else if (tape[at].kind == JsonKind::array) {
      if (step.empty() || step.size() > 6 || (step.size() > 1 && step.front() == '0')) return kNoNode;
      std::uint32_t wanted = 0;
      for (const char c : step) {
        if (c < '0' || c > '9') return kNoNode;
        wanted = wanted * 10 + static_cast<std::uint32_t>(c - '0');
      }
      std::uint32_t child = at + 1;
      while (wanted > 0 && child < tape[at].end) {
        child = tape[child].end;
        --wanted;
      }
      at = child < tape[at].end ? child : kNoNode;
    } else {
      return kNoNode;
    }
    if (at == kNoNode) return kNoNode;
  }
  return at;
}

std::uint32_t count_children(const JsonTape& tape, std::uint32_t container) {
  std::uint32_t count = 0;
  for (std::uint32_t i = container + 1; i < tape[container].end; i = tape[i].end) ++count;
  return count;
}

bool equal_values(const JsonTape& a, std::uint32_t node_a, const JsonTape& b, std::uint32_t node_b,
                  std::int64_t& budget) {
  if (--budget < 0) return false;
  const JsonNode& left = a[node_a];
  const JsonNode& right = b[node_b];
  if (left.kind != right.kind) return false;
  switch (left.kind) {
    case JsonKind::null: return true;
    case JsonKind::boolean:
    case JsonKind::string: return left.text == right.text;
    case JsonKind::number: return left.text == right.text || Number(left.text) == Number(right.text);
    case JsonKind::array: {
      std::uint32_t i = node_a + 1, j = node_b + 1;
      for (; i < left.end && j < right.end; i = a[i].end, j = b[j].end) {
        if (!equal_values(a, i, b, j, budget)) return false;
      }
      return i >= left.end && j >= right.end;
    }
    case JsonKind::object: break;
  }
  for (std::uint32_t i = node_a + 1; i < left.end; i = a[i].end) {
    budget -= right.end - node_b;
    const std::uint32_t j = find_member(b, node_b, a[i].key);
    if (j == kNoNode || find_member(a, node_a, a[i].key) != i) {
      if (j == kNoNode) return false;
      continue;  // A later member of the same name counts.
    }
    if (!equal_values(a, i, b, j, budget)) return false;
  }
  for (std::uint32_t j = node_b + 1; j < right.end; j = b[j].end) {
    budget -= left.end - node_a;
    if (find_member(a, node_a, b[j].key) == kNoNode) return false;
  }
  return budget >= 0;
}

std::uint64_t hash_value(const JsonTape& tape, std::uint32_t node) {
  const JsonNode& value = tape[node];
  const auto kind = static_cast<std::uint64_t>(value.kind);
  switch (value.kind) {
    case JsonKind::null: return kind;
    case JsonKind::boolean:
    case JsonKind::string: return base::hash64(value.text, kind);
    case JsonKind::number: return base::mix(kind, Number(value.text).hash());
    case JsonKind::array:
    case JsonKind::object: break;
  }
  std::uint64_t hash = kind;
  for (std::uint32_t i = node + 1; i < value.end; i = tape[i].end) {
    const std::uint64_t child = hash_value(tape, i);
    if (value.kind == JsonKind::array) {
      hash = base::mix(hash, child);
    } else {
      hash += base::mix(base::hash64(tape[i].key), child);
    }
  }
  return hash;
}

}  // namespace millrace::contract
