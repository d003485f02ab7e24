#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "contract/json_document.h"
#include "contract/number.h"
#include "contract/pattern.h"

namespace millrace::contract {

// What a schema is compiled to: blocks of steps, a block for each schema. Built by SchemaCompiler, run by Validator.

enum class Op : std::uint8_t {
  type,     // a: bits of kind_bit()
  equals,   // One of constants[a, a + b).
  minimum,  // a: numbers
  maximum,
  exclusive_minimum,
  exclusive_maximum,
  multiple_of,
  min_length,  // a: count
  max_length,
  pattern,  // a: patterns
  format,   // a: Format
  min_items,
  max_items,
  unique_items,
  elements,  // schemas[a, a + b) for the first ones, c for the rest.
  contains,  // a: block; between b and c of them.
  members,   // a: member_tables
  min_members,
  max_members,
  member_names,        // a: block
  dependent_required,  // When a member names[a] is there, names[b, b + c) are.
  dependent_schema,    // When a member names[a] is there, block b.
  all_of,              // schemas[a, a + b)
  any_of,
  one_of,
  negate,                // a: block
  conditional,           // if a then b else c
  reference,             // a: block
  dynamic_reference,     // a: block; b: dynamic anchor
  unevaluated_members,   // a: block
  unevaluated_elements,  // a: block
};

// Instead of a block.
constexpr std::uint32_t kAlways = UINT32_MAX;      // The schema `true`.
constexpr std::uint32_t kNever = UINT32_MAX - 1;   // The schema `false`.
constexpr std::uint32_t kAbsent = UINT32_MAX - 2;  // No schema: what it would look at stays unlooked at.

constexpr std::uint32_t kIntegerBit = 64;
constexpr std::uint32_t kind_bit(JsonKind kind) { return 1u << static_cast<unsigned>(kind); }

struct Step {
  Op op = Op::type;
  std::uint32_t a = 0;
  std::uint32_t b = 0;
  std::uint32_t c = 0;
  std::uint32_t keyword = 0;  // Into locations.
};

struct Block {
  std::uint32_t first = 0;
  std::uint32_t count = 0;
  std::uint32_t resource = 0;  // The schema resource ($id) it belongs to.
};

// properties, patternProperties, additionalProperties and required of one schema, checked in one pass over the members.
struct MemberTable {
  static constexpr std::uint32_t kUnset = UINT32_MAX;
  struct Slot {
    std::string_view key;
    std::uint32_t schema = kAlways;
    std::uint32_t required = kUnset;  // Into required.
    bool used = false;
    bool declared = false;  // By properties, not by required alone.
  };
  std::vector<Slot> slots;  // Open addressing; a power of two.
  std::vector<std::pair<Pattern, std::uint32_t>> patterns;
  std::uint32_t rest = kAlways;
  bool has_rest = false;
  std::vector<std::string_view> required;
  std::uint32_t required_keyword = 0;  // Into locations, as the next.
  std::uint32_t rest_keyword = 0;

  static std::size_t hash(std::string_view key) {
    if (key.empty()) return 0;
    return key.size() * 31 + static_cast<unsigned char>(key.front()) * 7 +
           static_cast<unsigned char>(key[key.size() / 2]) * 131 +
           static_cast<unsigned char>(key.back()) * 17;
  }
  const Slot* find(std::string_view key) const {
    for (std::size_t i = hash(key);; ++i) {
      const Slot& slot = slots[i & (slots.size() - 1)];
      if (!slot.used) return nullptr;
      if (slot.key == key) return &slot;
    }
  }
};

struct Constant {
  const JsonTape* tape = nullptr;
  std::uint32_t node = 0;
};

// Immutable once compiled; any thread.
struct Program {
  std::uint32_t root = kAlways;
  bool tracks_evaluation = false;  // Some schema in it asks what others have looked at.
  std::vector<Block> blocks;
  std::vector<Step> steps;
  std::vector<std::uint32_t> schemas;
  std::vector<Number> numbers;
  std::vector<Pattern> patterns;
  std::vector<Constant> constants;
  std::vector<std::string_view> names;
  std::vector<MemberTable> member_tables;
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t>
      dynamic_anchors;                                         // Resource, anchor: block.
  std::vector<std::string> locations;                          // "URI#/pointer/keyword"
  std::vector<std::shared_ptr<const JsonDocument>> documents;  // What the views above point into.
};

}  // namespace millrace::contract
