// How an object's members are checked.
#include <algorithm>
#include <array>
#include <utility>

#include "contract/fault_text.h"
#include "contract/validator.h"

namespace millrace::contract {

namespace {

// Only names of members that must be there, and few: "required" by itself.
bool asks_for_presence(const MemberTable& table) {
  constexpr std::size_t kFewSlots = 4;
  if (table.slots.size() > kFewSlots || !table.patterns.empty() || table.has_rest) return false;
  return std::none_of(table.slots.begin(), table.slots.end(), [](const auto& slot) { return slot.declared; });
}

bool has_all(const JsonTape& tape, std::uint32_t object, const std::vector<std::string_view>& names) {
  return std::all_of(names.begin(), names.end(),
                     [&](std::string_view name) { return find_member(tape, object, name) != kNoNode; });
}

}  // namespace

std::uint32_t Validator::count_names(std::uint32_t object) {
  names_.clear();
  for (std::uint32_t i = object + 1; i < (*tape_)[object].end; i = (*tape_)[i].end)
    names_.push_back((*tape_)[i].key);
  std::sort(names_.begin(), names_.end());
  return static_cast<std::uint32_t>(std::unique(names_.begin(), names_.end()) - names_.begin());
}

bool Validator::check_object(const Step& step, std::uint32_t node) {
  switch (step.op) {
    case Op::min_members: return count_names(node) >= step.a || fail(step, node);
    case Op::max_members: return count_names(node) <= step.a || fail(step, node);
    case Op::member_names: return check_names(step, node);
    case Op::dependent_required:
      if (find_member(*tape_, node, program_->names[step.a]) == kNoNode) return true;
      for (std::uint32_t i = step.b; i < step.b + step.c; ++i) {
        if (find_member(*tape_, node, program_->names[i]) == kNoNode) return fail(step, node);
      }
      return true;
    case Op::dependent_schema:
      if (find_member(*tape_, node, program_->names[step.a]) == kNoNode) return true;
      if (step.b == kNever) return fail(step, node);
      return run(step.b, node);
    default: return check_members(step, node);
  }
}

// A name is a value without a place on the tape: it gets a tape of its own.
bool Validator::check_names(const Step& step, std::uint32_t node) {
  if (step.a == kAlways) return true;
  const JsonTape* const tape = tape_;
  for (std::uint32_t i = node + 1; i < (*tape)[node].end; i = (*tape)[i].end) {
    quoted_.clear();
    append_quoted(quoted_, (*tape)[i].key);
    if (!name_.read(quoted_).ok()) return fail(step, i);
    tape_ = &name_.tape();
    auto* const faults = std::exchange(faults_, nullptr);
    const bool ok = child(step.a, 0);
    faults_ = faults;
    tape_ = tape;
    if (!ok) return fail(step, i);
  }
  return true;
}

bool Validator::check_members(const Step& step, std::uint32_t node) {
  const MemberTable& table = program_->member_tables[step.a];
  if (asks_for_presence(table) && has_all(*tape_, node, table.required)) return true;
  const JsonTape& tape = *tape_;
  std::array<std::uint64_t, 8> seen{};
  std::size_t seen_count = 0;
  bool ok = true;
  const std::uint32_t end = tape[node].end;
  for (std::uint32_t i = node + 1; i < end; i = tape[i].end) {
    const MemberTable::Slot* const slot = table.find(tape[i].key);
    bool known = false;
    bool fits_all = true;
    if (slot != nullptr) {
      if (slot->required != MemberTable::kUnset) {
        std::uint64_t& word = seen[slot->required / 64];
        const std::uint64_t bit = std::uint64_t{1} << (slot->required % 64);
        seen_count += (word & bit) == 0;
        word |= bit;
      }
      if (slot->declared) {
        known = true;
        if (slot->schema == kNever) fail(step.keyword, i, "properties", "This member must not be there.");
        fits_all = child(slot->schema, i);
      }
    }
    for (const auto& [pattern, schema] : table.patterns) {
      if (--budget_ < 0) return false;
      if (!pattern.matches(tape[i].key)) continue;
      known = true;
      if (schema == kNever) fail(step.keyword, i, "patternProperties", "This member must not be there.");
      fits_all = child(schema, i) && fits_all;
    }
    if (!known && table.has_rest) {
      known = true;
      if (table.rest == kNever)
        fail(table.rest_keyword, i, "additionalProperties", "The schema does not know this member.");
      fits_all = child(table.rest, i);
    }
    if (known && program_->tracks_evaluation) evaluated_.push_back(i);
    if (fits_all) continue;
    ok = false;
    if (faults_ == nullptr || exhausted()) return false;
  }
  if (seen_count == table.required.size()) return ok;
  for (std::size_t i = 0; i < table.required.size(); ++i) {
    if ((seen[i / 64] >> (i % 64)) & 1u) continue;
    fail(table.required_keyword, node, "required",
         faults_ == nullptr
             ? std::string()
             : "The member \"" + std::string(table.required[i].substr(0, 128)) + "\" is missing.");
  }
  return false;
}

}  // namespace millrace::contract
