#include "contract/schema_compiler.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "contract/format_check.h"

namespace millrace::contract {

namespace {

constexpr std::uint64_t kCountMax = 1'000'000'000;

}  // namespace

std::optional<SchemaFault> compile_schema(std::string text, std::string uri, const SchemaSource& source,
                                          Program& into) {
  return SchemaCompiler(source, into).compile(std::move(text), std::move(uri));
}

SchemaFault SchemaCompiler::fault(SchemaPlace schema, std::uint32_t node, std::string_view code,
                                  std::string message) const {
  return {index_.location({schema.document, node}), std::string(code), std::move(message)};
}

std::uint32_t SchemaCompiler::locate(SchemaPlace schema, std::uint32_t node) {
  program_.locations.push_back(index_.location({schema.document, node}));
  return static_cast<std::uint32_t>(program_.locations.size() - 1);
}

Step& SchemaCompiler::step(Op op, SchemaPlace schema, std::uint32_t node) {
  Step& added = program_.steps.emplace_back();
  added.op = op;
  added.keyword = locate(schema, node);
  return added;
}

std::uint32_t SchemaCompiler::anchor_id(const std::string& name) {
  return anchor_ids_.try_emplace(name, static_cast<std::uint32_t>(anchor_ids_.size())).first->second;
}

std::uint32_t SchemaCompiler::block_for(SchemaPlace place) {
  const JsonNode& node = tape(place)[place.node];
  if (node.kind == JsonKind::boolean) return node.text == "true" ? kAlways : kNever;
  if (node.end == place.node + 1) return kAlways;
  const auto [known, added] =
      block_by_place_.try_emplace(place, static_cast<std::uint32_t>(program_.blocks.size()));
  if (added) {
    program_.blocks.emplace_back();
    place_by_block_.push_back(place);
    waiting_.push_back(place);
  }
  return known->second;
}

SchemaCompiler::Fault SchemaCompiler::compile(std::string text, std::string uri) {
  if (auto wrong = index_.add(std::move(text), std::move(uri))) return wrong;
  program_ = Program{};
  program_.root = block_for({0, 0});
  std::size_t anchors_done = 0;
  while (!waiting_.empty() || anchors_done < index_.dynamic_anchors().size()) {
    if (waiting_.empty()) {
      const auto anchor = index_.dynamic_anchors()[anchors_done++];
      program_.dynamic_anchors[{anchor.resource, anchor_id(anchor.name)}] = block_for(anchor.place);
      continue;
    }
    if (program_.blocks.size() > kBlocksMax)
      return SchemaFault{"", "too_complex",
                         "A schema consists of at most " + std::to_string(kBlocksMax) + " schemas."};
    const SchemaPlace place = waiting_.front();
    waiting_.pop_front();
    if (auto wrong = emit_block(place, block_by_place_.at(place))) return wrong;
  }
  program_.documents = index_.documents();
  return find_endless_recursion();
}

SchemaCompiler::Fault SchemaCompiler::emit_block(SchemaPlace place, std::uint32_t block) {
  const auto first = static_cast<std::uint32_t>(program_.steps.size());
  const JsonTape& in = tape(place);
  const std::uint32_t end = in[place.node].end;
  if (auto wrong = emit_members(place)) return wrong;
  if (auto wrong = emit_elements(place)) return wrong;
  for (std::uint32_t i = place.node + 1; i < end; i = in[i].end) {
    const Keyword keyword = find_keyword(in[i].key)->keyword;
    if (keyword == Keyword::unevaluated_items || keyword == Keyword::unevaluated_properties) continue;
    if (auto wrong = emit(keyword, {place, i, in[i]})) return wrong;
  }
  // After all that may have looked at a child.
  for (std::uint32_t i = place.node + 1; i < end; i = in[i].end) {
    const Keyword keyword = find_keyword(in[i].key)->keyword;
    const bool items = keyword == Keyword::unevaluated_items;
    if (!items && keyword != Keyword::unevaluated_properties) continue;
    const std::uint32_t schema = block_for({place.document, i});
    step(items ? Op::unevaluated_elements : Op::unevaluated_members, place, i).a = schema;
    program_.tracks_evaluation = true;
  }
  program_.blocks[block] = {first, static_cast<std::uint32_t>(program_.steps.size()) - first,
                            index_.resource_of(place)};
  return std::nullopt;
}

SchemaCompiler::Fault SchemaCompiler::emit(Keyword keyword, const Value& value) {
  const SchemaPlace place = value.schema;
  switch (keyword) {
    case Keyword::ref: return emit_reference(value, false);
    case Keyword::dynamic_ref: return emit_reference(value, true);
    case Keyword::contains: return emit_contains(place, value.node);
    case Keyword::if_schema: return emit_conditional(place, value.node);
    case Keyword::dependent_required:
    case Keyword::dependent_schemas: return emit_dependencies(value);
    case Keyword::negation: {
      const std::uint32_t schema = block_for({place.document, value.node});
      step(Op::negate, place, value.node).a = schema;
      return std::nullopt;
    }
    case Keyword::property_names: {
      const std::uint32_t schema = block_for({place.document, value.node});
      step(Op::member_names, place, value.node).a = schema;
      return std::nullopt;
    }
    case Keyword::all_of:
    case Keyword::any_of:
    case Keyword::one_of: {
      const auto first = static_cast<std::uint32_t>(program_.schemas.size());
      for (std::uint32_t i = value.node + 1; i < value.json.end; i = tape(place)[i].end) {
        const std::uint32_t schema = block_for({place.document, i});
        program_.schemas.push_back(schema);
      }
      const Op op = keyword == Keyword::all_of   ? Op::all_of
                    : keyword == Keyword::any_of ? Op::any_of
                                                 : Op::one_of;
      Step& added = step(op, place, value.node);
      added.a = first;
      added.b = static_cast<std::uint32_t>(program_.schemas.size()) - first;
      return std::nullopt;
    }
    default: return emit_scalar(keyword, value);
  }
}

SchemaCompiler::Fault SchemaCompiler::emit_scalar(Keyword keyword, const Value& value) {
  switch (keyword) {
    case Keyword::type: return emit_type(value);
    case Keyword::enumeration:
    case Keyword::constant: return emit_constants(value);
    case Keyword::minimum: return emit_number(Op::minimum, value);
    case Keyword::maximum: return emit_number(Op::maximum, value);
    case Keyword::exclusive_minimum: return emit_number(Op::exclusive_minimum, value);
    case Keyword::exclusive_maximum: return emit_number(Op::exclusive_maximum, value);
    case Keyword::multiple_of: return emit_number(Op::multiple_of, value);
    case Keyword::min_length: return emit_count(Op::min_length, value);
    case Keyword::max_length: return emit_count(Op::max_length, value);
    case Keyword::min_items: return emit_count(Op::min_items, value);
    case Keyword::max_items: return emit_count(Op::max_items, value);
    case Keyword::min_properties: return emit_count(Op::min_members, value);
    case Keyword::max_properties: return emit_count(Op::max_members, value);
    case Keyword::pattern: return emit_pattern(value);
    case Keyword::unique_items:
      if (value.json.kind != JsonKind::boolean)
        return fault(value.schema, value.node, "invalid_keyword", "The value is true or false.");
      if (value.json.text == "true") step(Op::unique_items, value.schema, value.node);
      return std::nullopt;
    case Keyword::format: {
      const auto format = value.json.kind == JsonKind::string ? parse_format(value.json.text) : std::nullopt;
      if (!format)
        return fault(value.schema, value.node, "unsupported_format",
                     "This format is not enforced here, so the schema is not taken.");
      step(Op::format, value.schema, value.node).a = static_cast<std::uint32_t>(*format);
      return std::nullopt;
    }
    default: return std::nullopt;  // Annotations, and what emit_members() and emit_elements() have taken.
  }
}

SchemaCompiler::Fault SchemaCompiler::emit_type(const Value& value) {
  static constexpr std::pair<std::string_view, std::uint32_t> kTypes[] = {
      {"object", kind_bit(JsonKind::object)},
      {"array", kind_bit(JsonKind::array)},
      {"string", kind_bit(JsonKind::string)},
      {"number", kind_bit(JsonKind::number)},
      {"boolean", kind_bit(JsonKind::boolean)},
      {"null", kind_bit(JsonKind::null)},
      {"integer", kIntegerBit}};
  std::uint32_t mask = 0;
  const auto add = [&mask](const JsonNode& name) {
    for (const auto& [type, bit] : kTypes) {
      if (name.kind == JsonKind::string && name.text == type) return mask |= bit, true;
    }
    return false;
  };
  bool ok = true;
  if (value.json.kind == JsonKind::array) {
    const JsonTape& in = tape(value.schema);
    for (std::uint32_t i = value.node + 1; i < value.json.end; i = in[i].end) ok = ok && add(in[i]);
  } else {
    ok = add(value.json);
  }
  if (!ok || mask == 0)
    return fault(value.schema, value.node, "invalid_keyword",
                 "A type is one or more of null, boolean, object, array, number, string, integer.");
  step(Op::type, value.schema, value.node).a = mask;
  return std::nullopt;
}

SchemaCompiler::Fault SchemaCompiler::emit_constants(const Value& value) {
  const JsonTape& in = tape(value.schema);
  const auto first = static_cast<std::uint32_t>(program_.constants.size());
  if (value.json.key == "const") {
    program_.constants.push_back({&in, value.node});
  } else {
    if (value.json.kind != JsonKind::array)
      return fault(value.schema, value.node, "invalid_keyword", "The value is a list.");
    for (std::uint32_t i = value.node + 1; i < value.json.end; i = in[i].end)
      program_.constants.push_back({&in, i});
  }
  Step& added = step(Op::equals, value.schema, value.node);
  added.a = first;
  added.b = static_cast<std::uint32_t>(program_.constants.size()) - first;
  return std::nullopt;
}

SchemaCompiler::Fault SchemaCompiler::emit_number(Op op, const Value& value) {
  if (value.json.kind != JsonKind::number)
    return fault(value.schema, value.node, "invalid_keyword", "The value is a number.");
  const Number number(value.json.text);
  if (op == Op::multiple_of && (!number.is_positive() || !number.is_divisor()))
    return fault(value.schema, value.node, "invalid_keyword",
                 "The value is a number above 0 of at most 19 significant digits.");
  program_.numbers.push_back(number);
  step(op, value.schema, value.node).a = static_cast<std::uint32_t>(program_.numbers.size() - 1);
  return std::nullopt;
}

SchemaCompiler::Fault SchemaCompiler::read_count(SchemaPlace schema, std::uint32_t node,
                                                 std::uint32_t& count) {
  const JsonNode& json = tape(schema)[node];
  std::uint64_t read = 0;
  if (json.kind != JsonKind::number || !Number(json.text).to_count(kCountMax, read))
    return fault(schema, node, "invalid_keyword",
                 "The value is a whole number from 0 to " + std::to_string(kCountMax) + ".");
  count = static_cast<std::uint32_t>(read);
  return std::nullopt;
}

SchemaCompiler::Fault SchemaCompiler::emit_count(Op op, const Value& value) {
  std::uint32_t count = 0;
  if (auto wrong = read_count(value.schema, value.node, count)) return wrong;
  step(op, value.schema, value.node).a = count;
  return std::nullopt;
}

SchemaCompiler::Fault SchemaCompiler::emit_pattern(const Value& value) {
  if (value.json.kind != JsonKind::string)
    return fault(value.schema, value.node, "invalid_keyword", "The value is a regular expression.");
  auto pattern = Pattern::compile(value.json.text);
  if (!pattern.ok())
    return fault(value.schema, value.node, "unsupported_pattern",
                 "This regular expression cannot be enforced: " + pattern.error().message() + ".");
  program_.patterns.push_back(*std::move(pattern));
  step(Op::pattern, value.schema, value.node).a = static_cast<std::uint32_t>(program_.patterns.size() - 1);
  return std::nullopt;
}

SchemaCompiler::Fault SchemaCompiler::emit_elements(SchemaPlace schema) {
  const JsonTape& in = tape(schema);
  const std::uint32_t prefix = find_member(in, schema.node, "prefixItems");
  const std::uint32_t items = find_member(in, schema.node, "items");
  if (prefix == kNoNode && items == kNoNode) return std::nullopt;
  Step added;
  added.op = Op::elements;
  added.keyword = locate(schema, items == kNoNode ? prefix : items);
  added.a = static_cast<std::uint32_t>(program_.schemas.size());
  added.c = items == kNoNode ? kAbsent : block_for({schema.document, items});
  for (std::uint32_t i = prefix + 1; prefix != kNoNode && i < in[prefix].end; i = in[i].end) {
    const std::uint32_t block = block_for({schema.document, i});
    program_.schemas.push_back(block);
  }
  added.b = static_cast<std::uint32_t>(program_.schemas.size()) - added.a;
  program_.steps.push_back(added);
  return std::nullopt;
}

SchemaCompiler::Fault SchemaCompiler::emit_contains(SchemaPlace schema, std::uint32_t node) {
  const JsonTape& in = tape(schema);
  std::uint32_t min = 1;
  std::uint32_t max = UINT32_MAX;
  const std::uint32_t min_node = find_member(in, schema.node, "minContains");
  const std::uint32_t max_node = find_member(in, schema.node, "maxContains");
  if (min_node != kNoNode) {
    if (auto wrong = read_count(schema, min_node, min)) return wrong;
  }
  if (max_node != kNoNode) {
    if (auto wrong = read_count(schema, max_node, max)) return wrong;
  }
  const std::uint32_t block = block_for({schema.document, node});
  Step& added = step(Op::contains, schema, node);
  added.a = block;
  added.b = min;
  added.c = max;
  return std::nullopt;
}

SchemaCompiler::Fault SchemaCompiler::read_names(SchemaPlace schema, std::uint32_t list,
                                                 std::vector<std::string_view>& names) {
  const JsonTape& in = tape(schema);
  bool ok = in[list].kind == JsonKind::array;
  for (std::uint32_t i = list + 1; ok && i < in[list].end; i = in[i].end) {
    ok = in[i].kind == JsonKind::string && std::find(names.begin(), names.end(), in[i].text) == names.end();
    if (ok) names.push_back(in[i].text);
  }
  if (ok) return std::nullopt;
  return fault(schema, list, "invalid_keyword", "The value is a list of different strings.");
}

SchemaCompiler::Fault SchemaCompiler::emit_conditional(SchemaPlace schema, std::uint32_t node) {
  const JsonTape& in = tape(schema);
  const auto branch = [&](std::string_view name) {
    const std::uint32_t at = find_member(in, schema.node, name);
    return at == kNoNode ? kAlways : block_for({schema.document, at});
  };
  const std::uint32_t condition = block_for({schema.document, node});
  const std::uint32_t then_block = branch("then");
  const std::uint32_t else_block = branch("else");
  Step& added = step(Op::conditional, schema, node);
  added.a = condition;
  added.b = then_block;
  added.c = else_block;
  return std::nullopt;
}

SchemaCompiler::Fault SchemaCompiler::emit_reference(const Value& value, bool dynamic) {
  if (value.json.kind != JsonKind::string)
    return fault(value.schema, value.node, "invalid_keyword", "The value is a URI reference.");
  SchemaPlace target;
  if (auto wrong = index_.resolve(index_.resource_of(value.schema), value.json.text, target)) {
    if (wrong->pointer.empty()) wrong->pointer = index_.location({value.schema.document, value.node});
    return wrong;
  }
  const std::uint32_t block = block_for(target);
  const auto anchor = index_.dynamic_anchor_at(target);
  const auto hash = value.json.text.find('#');
  const bool named = hash != std::string_view::npos && anchor && value.json.text.substr(hash + 1) == *anchor;
  const bool jumps = dynamic && named;
  Step& added = step(jumps ? Op::dynamic_reference : Op::reference, value.schema, value.node);
  added.a = block;
  if (jumps) added.b = anchor_id(*anchor);
  return std::nullopt;
}

// A schema that applies itself to the value it was applied to would never end.
SchemaCompiler::Fault SchemaCompiler::find_endless_recursion() {
  enum class Mark : std::uint8_t { fresh, open, done };
  std::vector<Mark> marks(program_.blocks.size(), Mark::fresh);
  struct Visit {
    std::uint32_t block;
    std::vector<std::uint32_t> next;
  };
  const auto edges = [this](std::uint32_t block) {
    std::vector<std::uint32_t> to;
    const Block& from = program_.blocks[block];
    for (std::uint32_t i = from.first; i < from.first + from.count; ++i) {
      const Step& at = program_.steps[i];
      const bool list = at.op == Op::all_of || at.op == Op::any_of || at.op == Op::one_of;
      for (std::uint32_t child = 0; list && child < at.b; ++child)
        to.push_back(program_.schemas[at.a + child]);
      if (at.op == Op::negate || at.op == Op::reference || at.op == Op::dynamic_reference) to.push_back(at.a);
      if (at.op == Op::dependent_schema) to.push_back(at.b);
      if (at.op == Op::conditional) to.insert(to.end(), {at.a, at.b, at.c});
    }
    return to;
  };
  for (std::uint32_t root = 0; root < program_.blocks.size(); ++root) {
    if (marks[root] != Mark::fresh) continue;
    std::vector<Visit> path;
    path.push_back({root, edges(root)});
    marks[root] = Mark::open;
    while (!path.empty()) {
      if (path.back().next.empty()) {
        marks[path.back().block] = Mark::done;
        path.pop_back();
        continue;
      }
      const std::uint32_t next = path.back().next.back();
      path.back().next.pop_back();
      if (next >= program_.blocks.size() || marks[next] == Mark::done) continue;
      if (marks[next] == Mark::open)
        return SchemaFault{index_.location(place_by_block_[next]), "endless_recursion",
                           "The schema applies itself to the same value again."};
      marks[next] = Mark::open;
      path.push_back({next, edges(next)});
    }
  }
  return std::nullopt;
}

}  // namespace millrace::contract
