#include "collect/kept_item.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace millrace::collect {

namespace {

bool lay_out(std::string_view text, JsonIndex& index, JsonTape& tape) {
  return index.scan(text) == JsonFault::none && tape.build(index, 0) == TapeFault::none &&
         tape.end_token() == index.size() && tape[0].kind == JsonKind::object;
}

const char* end_of(const JsonNode& node) { return node.raw.data() + node.raw.size(); }

}  // namespace

void KeptItem::copy_up_to(const char* end) {
  bytes_.append(copied_, end);
  copied_ = end;
}

void KeptItem::append(const JsonNode& member, bool is_first) {
  if (!is_first) bytes_ += ',';
  bytes_.append(member.member, end_of(member));
}

void KeptItem::merge(std::uint32_t own, std::uint32_t given) {
  std::vector<std::string_view> known;
  for (std::uint32_t i = own + 1; i < item_[own].end; i = item_[i].end) known.push_back(item_[i].key);
  bool is_first = known.empty();
  std::sort(known.begin(), known.end());
  copy_up_to(end_of(item_[own]) - 1);
  for (std::uint32_t i = given + 1; i < given_[given].end; i = given_[i].end) {
    if (std::binary_search(known.begin(), known.end(), given_[i].key)) continue;
    append(given_[i], is_first);
    is_first = false;
  }
}

std::string_view KeptItem::with(std::string_view raw, std::string_view members) {
  given_text_.assign("{").append(members).append("}");
  if (!lay_out(raw, index_, item_) || !lay_out(given_text_, given_index_, given_)) return raw;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> merged;  // Of the item, and what it gets.
  std::vector<std::uint32_t> added;
  for (std::uint32_t i = 1; i < given_.size(); i = given_[i].end) {
    const std::uint32_t own = member_of(item_, 0, given_[i].key);
    if (own == 0 || item_[own].kind != JsonKind::object) {
      added.push_back(i);
    } else if (given_[i].kind == JsonKind::object) {
      merged.emplace_back(own, i);
    }
  }
  std::sort(merged.begin(), merged.end());
  bytes_.clear();
  // Control characters may have been cleaned away on the way: what was laid out is what is kept.
  copied_ = index_.text().data();
  for (const auto& [own, given] : merged) merge(own, given);
  copy_up_to(end_of(item_[0]) - 1);
  bool is_first = item_[0].end == 1;
  for (const std::uint32_t i : added) {
    append(given_[i], is_first);
    is_first = false;
  }
  copy_up_to(end_of(item_[0]));
  return bytes_;
}

}  // namespace millrace::collect
