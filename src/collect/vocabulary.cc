#include "collect/vocabulary.h"

#include <cstring>

#include "base/hash.h"
#include "base/result.h"

namespace millrace::collect {

using event::EventType;

namespace {

constexpr std::uint64_t bit(EventType type) { return std::uint64_t{1} << static_cast<unsigned>(type); }

constexpr std::uint64_t kPages = bit(EventType::page_viewed) | bit(EventType::screen_viewed);
constexpr std::uint64_t kCalls =
    kPages | bit(EventType::identified) | bit(EventType::grouped) | bit(EventType::aliased);
constexpr std::uint64_t kOneProduct = bit(EventType::product_clicked) | bit(EventType::product_viewed) |
                                      bit(EventType::product_added) | bit(EventType::product_removed) |
                                      bit(EventType::wishlist_added) | bit(EventType::wishlist_removed) |
                                      bit(EventType::wishlist_moved_to_cart) |
                                      bit(EventType::product_shared) | bit(EventType::product_reviewed);
constexpr std::uint64_t kLists = bit(EventType::product_list_viewed) | bit(EventType::product_list_filtered);
constexpr std::uint64_t kCoupons = bit(EventType::coupon_entered) | bit(EventType::coupon_applied) |
                                   bit(EventType::coupon_denied) | bit(EventType::coupon_removed);
constexpr std::uint64_t kCheckouts = bit(EventType::checkout_started) | bit(EventType::checkout_step_viewed) |
                                     bit(EventType::checkout_step_completed) |
                                     bit(EventType::payment_info_entered);
constexpr std::uint64_t kOrders = bit(EventType::order_completed) | bit(EventType::order_updated) |
                                  bit(EventType::order_refunded) | bit(EventType::order_cancelled);

// Lower case without what people put between words; at most 64 characters, which is more than any name we know.
struct NormalName {
  char text[64];
  std::size_t size = 0;
};
NormalName normalise(std::string_view name) {
  NormalName normal;
  for (char c : name) {
    if (c == ' ' || c == '_' || c == '-' || c == '\t') continue;
    if (normal.size == sizeof normal.text) return {};
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    normal.text[normal.size++] = c;
  }
  return normal;
}

inline Vocabulary::Ends ends_of(std::string_view key) {
  Vocabulary::Ends ends;
  if (key.size() >= 8) {
    std::memcpy(&ends.first, key.data(), 8);
    std::memcpy(&ends.last, key.data() + key.size() - 8, 8);
  } else if (key.size() >= 4) {
    std::memcpy(&ends.first, key.data(), 4);
    std::memcpy(&ends.last, key.data() + key.size() - 4, 4);
  } else if (!key.empty()) {
    const auto byte = [&key](std::size_t i) { return std::uint64_t{static_cast<unsigned char>(key[i])}; };
    ends.first = byte(0) | byte(key.size() / 2) << 8 | byte(key.size() - 1) << 16;
  }
  return ends;
}

// "a.b[].c" is "a", "b", "[]", "c".
std::vector<std::string_view> steps_of(std::string_view path) {
  std::vector<std::string_view> steps;
  while (!path.empty()) {
    const std::size_t dot = path.find('.');
    std::string_view step = path.substr(0, dot);
    path = dot == std::string_view::npos ? std::string_view{} : path.substr(dot + 1);
    const bool is_array = step.ends_with("[]");
    if (is_array) step.remove_suffix(2);
    steps.push_back(step);
    if (is_array) steps.push_back("[]");
  }
  return steps;
}

}  // namespace

std::uint64_t types_of(Scope scope) {
  switch (scope) {
    case Scope::any: return ~std::uint64_t{0};
    case Scope::page: return kPages;
    case Scope::track: return ~kCalls;
    case Scope::line: return kOneProduct;
    case Scope::not_line: return ~kOneProduct;
    case Scope::list: return kLists;
    case Scope::coupon_event: return kCoupons;
    case Scope::order: return kOrders;
    case Scope::identify: return bit(EventType::identified);
    case Scope::checkout: return kCheckouts;
    case Scope::cart: return bit(EventType::cart_viewed);
  }
  return 0;
}

inline std::size_t Vocabulary::slot(Section section, std::string_view key, Ends ends) {
  // The ends and the length tell the keys we know apart; everything else only has to be spread.
  const std::uint64_t mixed =
      (ends.first ^ (ends.last * 0x9e3779b97f4a7c15ULL) ^ (std::uint64_t{section} << 56) ^ key.size()) *
      0xd6e8feb86659fd93ULL;
  return (mixed >> 40) % kSlots;
}

Vocabulary::Vocabulary(Table table) : Vocabulary(field_rows(table), event_name_rows(table)) {}

Vocabulary::Vocabulary(std::span<const FieldRow> fields, std::span<const EventNameRow> names) {
  compile_fields(fields);
  compile_names(names);
}

Vocabulary::Entry& Vocabulary::entry_for(Section section, std::string_view key) {
  for (Entry& entry : entries_) {
    if (entry.section == section && entry.key == key) return entry;
  }
  return entries_.emplace_back(Entry{key, ends_of(key), section, 0, 0, 0});
}

void Vocabulary::compile_fields(std::span<const FieldRow> fields) {
  Section sections = 1;
  std::vector<std::pair<std::size_t, Row>> found;  // By entry.
  std::uint16_t rank = 0;
  for (const FieldRow& field : fields) {
    const auto steps = steps_of(field.path);
    Section section = kRoot;
    for (std::size_t i = 0; i + 1 < steps.size(); ++i) {
      Entry& container = entry_for(section, steps[i]);
      if (container.opens == 0) container.opens = sections++;
      section = container.opens;
    }
    const Entry& entry = entry_for(section, steps.back());
    found.push_back({static_cast<std::size_t>(&entry - entries_.data()),
                     Row{types_of(field.scope), field.target, rank++}});
  }
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    entries_[i].first_row = static_cast<std::uint16_t>(rows_.size());
    for (const auto& [entry, row] : found) {
      if (entry != i) continue;
      rows_.push_back(row);
      ++entries_[i].row_count;
    }
  }
  INVARIANT(entries_.size() < kSlots / 2);
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    std::size_t at = slot(entries_[i].section, entries_[i].key, entries_[i].ends);
    while (slots_[at] != 0) at = (at + 1) % kSlots;
    slots_[at] = static_cast<std::uint16_t>(i + 1);
  }
}

const Vocabulary::Entry* Vocabulary::find(Section section, std::string_view key) const {
  const Ends ends = ends_of(key);
  for (std::size_t at = slot(section, key, ends); slots_[at] != 0; at = (at + 1) % kSlots) {
    const Entry& entry = entries_[slots_[at] - 1u];
    if (entry.section != section || entry.ends != ends || entry.key.size() != key.size()) continue;
    if (key.size() <= 16 || entry.key == key) [[likely]]
      return &entry;
  }
  return nullptr;
}

void Vocabulary::compile_names(std::span<const EventNameRow> names) {
  const auto add = [&](std::string_view name, EventType type) {
    const NormalName normal = normalise(name);
    if (normal.size == 0 || event_type(name) != EventType::other) return;
    names_.push_back({std::string(normal.text, normal.size), type});
    std::size_t at = base::hash64(names_.back().normal) % kSlots;
    while (name_slots_[at] != 0) at = (at + 1) % kSlots;
    name_slots_[at] = static_cast<std::uint16_t>(names_.size());
  };
  for (const EventNameRow& row : names) {
    add(row.name, row.type);
    add(row.alias, row.type);
    add(event::to_string(row.type), row.type);
  }
}

EventType Vocabulary::event_type(std::string_view name) const {
  const NormalName normal = normalise(name);
  const std::string_view text(normal.text, normal.size);
  for (std::size_t at = base::hash64(text) % kSlots; name_slots_[at] != 0; at = (at + 1) % kSlots) {
    const NameEntry& entry = names_[name_slots_[at] - 1u];
    if (entry.normal == text) return entry.type;
  }
  return EventType::other;
}

}  // namespace millrace::collect
