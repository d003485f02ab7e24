#include "contract/field_drop.h"

#include <algorithm>
#include <utility>

namespace millrace::contract {

namespace {

using event::Text;

struct Cut {
  const char* begin;
  const char* end;
};

// From the start of the member to the end of its value.
Cut span_of(const JsonNode& node) { return {node.member, node.raw.data() + node.raw.size()}; }

}  // namespace

std::string without_values(const JsonDocument& document, std::span<const std::string> pointers) {
  const JsonTape& tape = document.tape();
  std::vector<bool> gone(tape.size());
  for (const std::string& pointer : pointers) {
    const std::uint32_t node = node_at(tape, 0, pointer);
    if (node == kNoNode || node == 0) continue;
    std::fill(gone.begin() + node, gone.begin() + tape[node].end, true);
  }
  const std::string_view text = document.text();
  std::string out;
  const char* copied = text.data();
  // Walks all nodes in document order, dropping each gone one with the comma that belongs to it.
  struct Open {
    std::uint32_t end;
    bool first = true;
  };
  std::vector<Open> open;
  const auto copy_to = [&](const char* to) {
    if (to > copied) out.append(copied, static_cast<std::size_t>(to - copied));
    copied = std::max(copied, to);
  };
  for (std::uint32_t i = 0; i < tape.size();) {
    while (!open.empty() && i >= open.back().end) open.pop_back();
    if (!open.empty()) {
      const Cut cut = span_of(tape[i]);
      if (gone[i]) {
        // Up to the end of what stayed before; the comma between goes too.
        const char* const kept_end = i == 0 ? copied : cut.begin;
        const char* from = kept_end;
        while (from > copied && from[-1] != ',' && from[-1] != '{' && from[-1] != '[') --from;
        if (from > copied && from[-1] == ',') --from;
        copy_to(from);
        copied = cut.end;
        if (open.back().first) {
          // Nothing of the container is written yet: its next comma goes instead.
          const char* next = cut.end;
          while (next < text.data() + text.size() &&
                 (*next == ' ' || *next == '\n' || *next == '\r' || *next == '\t'))
            ++next;
          if (next < text.data() + text.size() && *next == ',') copied = next + 1;
        }
        i = tape[i].end;
        continue;
      }
      open.back().first = false;
    }
    if (tape[i].kind == JsonKind::object || tape[i].kind == JsonKind::array) open.push_back({tape[i].end});
    ++i;
  }
  copy_to(text.data() + text.size());
  return out;
}

bool FieldDrop::drop(const JsonDocument& item, std::span<const std::string> pointers, event::Event& event) {
  const std::string_view type = text_of(item.tape(), 0, "type");
  const auto call = type.empty() ? std::optional(collect::Call::track) : collect::parse_call(type);
  if (!call) return false;
  std::string raw = without_values(item, pointers);
  if (!before_.own(std::string(item.text())).ok() || !after_.own(raw).ok()) return false;
  nothing_shared_.clear();
  mapped_ = {};
  if (mapper_.map(before_.tape(), nothing_shared_, *call, mapped_)) return false;
  std::array<bool, event::kTextCount> had{};
  for (std::size_t i = 0; i < event::kTextCount; ++i) had[i] = !mapped_.texts[i].empty();
  if (mapper_.map(after_.tape(), nothing_shared_, *call, mapped_)) return false;
  raw_ = std::move(raw);
  event.raw = raw_;
  event.products = mapped_.products;
  event.amounts = mapped_.amounts;
  event.present_amounts = mapped_.present_amounts;
  event.currency = mapped_.currency;
  for (std::size_t i = 0; i < event::kTextCount; ++i) {
    // What the item itself gave; the rest came from its batch or its request.
    if (i != static_cast<std::size_t>(Text::extra) && had[i]) event.texts[i] = mapped_.texts[i];
  }
  if (!event[Text::extra].empty() && leftovers_.own(std::string(event[Text::extra])).ok()) {
    extra_ = without_values(leftovers_, pointers);
    event[Text::extra] = extra_;
  }
  return true;
}

}  // namespace millrace::contract
