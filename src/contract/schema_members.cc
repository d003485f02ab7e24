// How the keywords about an object's members are compiled.
#include <algorithm>
#include <bit>
#include <utility>

#include "contract/schema_compiler.h"

namespace millrace::contract {

SchemaCompiler::Fault SchemaCompiler::emit_required(SchemaPlace schema, MemberTable& table) {
  const std::uint32_t node = find_member(tape(schema), schema.node, "required");
  if (node == kNoNode) return std::nullopt;
  if (auto wrong = read_names(schema, node, table.required)) return wrong;
  if (table.required.size() > kRequiredMax)
    return fault(schema, node, "too_complex",
                 "At most " + std::to_string(kRequiredMax) + " members of an object are required.");
  table.required_keyword = locate(schema, node);
  return std::nullopt;
}

SchemaCompiler::Fault SchemaCompiler::emit_members(SchemaPlace schema) {
  const JsonTape& in = tape(schema);
  const std::uint32_t properties = find_member(in, schema.node, "properties");
  const std::uint32_t patterns = find_member(in, schema.node, "patternProperties");
  const std::uint32_t rest = find_member(in, schema.node, "additionalProperties");
  MemberTable table;
  if (auto wrong = emit_required(schema, table)) return wrong;
  if (properties == kNoNode && patterns == kNoNode && rest == kNoNode && table.required.empty())
    return std::nullopt;
  std::vector<MemberTable::Slot> slots;
  for (std::uint32_t i = properties + 1; properties != kNoNode && i < in[properties].end; i = in[i].end) {
    if (find_member(in, properties, in[i].key) != i)
      return fault(schema, i, "duplicate_keyword", "The property is given twice.");
    slots.push_back({in[i].key, block_for({schema.document, i}), MemberTable::kUnset, true, true});
  }
  for (std::uint32_t i = 0; i < table.required.size(); ++i) {
    const auto known = std::find_if(slots.begin(), slots.end(),
                                    [&](const auto& slot) { return slot.key == table.required[i]; });
    if (known != slots.end()) {
      known->required = i;
    } else {
      slots.push_back({table.required[i], kAlways, i, true, false});
    }
  }
  table.slots.resize(std::bit_ceil(slots.size() * 2 + 1));
  for (const MemberTable::Slot& slot : slots) {
    std::size_t at = MemberTable::hash(slot.key);
    while (table.slots[at & (table.slots.size() - 1)].used) ++at;
    table.slots[at & (table.slots.size() - 1)] = slot;
  }
  for (std::uint32_t i = patterns + 1; patterns != kNoNode && i < in[patterns].end; i = in[i].end) {
    auto pattern = Pattern::compile(in[i].key);
    if (!pattern.ok())
      return fault(schema, i, "unsupported_pattern",
                   "This regular expression cannot be enforced: " + pattern.error().message() + ".");
    table.patterns.emplace_back(*std::move(pattern), block_for({schema.document, i}));
  }
  if (rest != kNoNode) {
    table.has_rest = true;
    table.rest = block_for({schema.document, rest});
    table.rest_keyword = locate(schema, rest);
  }
  program_.member_tables.push_back(std::move(table));
  const std::uint32_t shown = properties != kNoNode ? properties : schema.node;
  step(Op::members, schema, shown).a = static_cast<std::uint32_t>(program_.member_tables.size() - 1);
  return std::nullopt;
}

SchemaCompiler::Fault SchemaCompiler::emit_dependencies(const Value& value) {
  const JsonTape& in = tape(value.schema);
  const bool schemas = value.json.key == "dependentSchemas";
  if (value.json.kind != JsonKind::object)
    return fault(value.schema, value.node, "invalid_keyword", "The value is an object.");
  for (std::uint32_t i = value.node + 1; i < value.json.end; i = in[i].end) {
    const auto name = static_cast<std::uint32_t>(program_.names.size());
    program_.names.push_back(in[i].key);
    Step added;
    added.op = schemas ? Op::dependent_schema : Op::dependent_required;
    added.keyword = locate(value.schema, i);
    added.a = name;
    if (schemas) {
      added.b = block_for({value.schema.document, i});
    } else {
      std::vector<std::string_view> names;
      if (auto wrong = read_names(value.schema, i, names)) return wrong;
      added.b = static_cast<std::uint32_t>(program_.names.size());
      added.c = static_cast<std::uint32_t>(names.size());
      program_.names.insert(program_.names.end(), names.begin(), names.end());
    }
    program_.steps.push_back(added);
  }
  return std::nullopt;
}

}  // namespace millrace::contract
