#include <algorithm>

#include "collect/event_mapper.h"

namespace millrace::collect {

void EventMapper::append_separator() {
  if (!extra_.empty() && extra_.back() != '{' && extra_.back() != '[') extra_ += ',';
}

// Appends the members of a container that nothing took.
void EventMapper::append_leftovers(JsonTape& tape, std::uint32_t container) {
  for (std::uint32_t i = container + 1; i < tape[container].end; i = tape[i].end) {
    if (!tape[i].taken) append_leftover(tape, i);  // Most are: not worth a call.
  }
}

bool EventMapper::append_leftover(JsonTape& tape, std::uint32_t i) {
  const JsonNode& node = tape[i];
  if (node.taken || node.kind == JsonKind::null) return false;
  if (is_container(node.kind) && node.end == i + 1) return false;  // Empty.
  const std::size_t before = extra_.size();
  append_separator();
  const char* const raw_end = node.raw.data() + node.raw.size();
  if (!node.entered) {
    extra_.append(node.member, static_cast<std::size_t>(raw_end - node.member));
    return true;
  }
  extra_.append(node.member, static_cast<std::size_t>(node.raw.data() - node.member));
  extra_ += node.raw.front();
  const std::size_t inside = extra_.size();
  bool any = false;
  for (std::uint32_t child = i + 1; child < node.end; child = tape[child].end) {
    if (node.kind == JsonKind::object) {
      if (!tape[child].taken) any |= append_leftover(tape, child);
    } else if (append_leftover(tape, child)) {
      any = true;
    } else {
      append_separator();
      extra_ += "null";  // Keeps the others at their index.
    }
  }
  if (!any || extra_.size() == inside) {
    extra_.resize(before);
    return false;
  }
  extra_ += node.raw.back();
  return true;
}

// Appends "key":{...} with the item's leftovers of that member and those of the batch that the item does not have itself.
void EventMapper::append_merged(JsonTape& item, std::uint32_t own, JsonTape& shared, std::uint32_t common) {
  const std::size_t before = extra_.size();
  append_separator();
  extra_.append(item[own].member, static_cast<std::size_t>(item[own].raw.data() - item[own].member));
  extra_ += '{';
  const std::size_t inside = extra_.size();
  append_leftovers(item, own);
  own_keys_.clear();
  for (std::uint32_t i = own + 1; i < item[own].end; i = item[i].end) own_keys_.push_back(item[i].key);
  std::sort(own_keys_.begin(), own_keys_.end());
  for (std::uint32_t i = common + 1; i < shared[common].end; i = shared[i].end) {
    if (!std::binary_search(own_keys_.begin(), own_keys_.end(), shared[i].key)) append_leftover(shared, i);
  }
  if (extra_.size() == inside) {
    extra_.resize(before);
  } else {
    extra_ += '}';
  }
}

void EventMapper::append_extra(JsonTape& item, JsonTape& shared) {
  constexpr std::string_view kMerged[] = {"context", "integrations"};
  std::uint32_t common[std::size(kMerged)] = {};
  bool merges = false;
  for (std::size_t i = 0; i < std::size(kMerged); ++i) {
    common[i] = member_of(shared, 0, kMerged[i]);
    merges = merges || common[i] != 0;
  }
  extra_ += '{';
  if (!merges) {
    append_leftovers(item, 0);
  } else {
    for (std::uint32_t i = 1; i < item[0].end; i = item[i].end) {
      const auto which = static_cast<std::size_t>(
          std::find(std::begin(kMerged), std::end(kMerged), item[i].key) - std::begin(kMerged));
      const std::uint32_t with = which == std::size(kMerged) ? 0 : common[which];
      if (with != 0 && item[i].kind == JsonKind::object && shared[with].kind == JsonKind::object) {
        append_merged(item, i, shared, with);
      } else {
        append_leftover(item, i);
      }
    }
    for (std::size_t i = 0; i < std::size(kMerged); ++i) {
      if (common[i] == 0) continue;
      const std::uint32_t own = member_of(item, 0, kMerged[i]);
      if (own == 0 || item[own].kind != JsonKind::object) append_leftover(shared, common[i]);
    }
  }
  extra_ += '}';
  if (extra_.size() == 2) extra_.clear();
}

}  // namespace millrace::collect
