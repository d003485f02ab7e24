#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "contract/schema_index.h"
#include "contract/schema_keywords.h"
#include "contract/schema_program.h"

namespace millrace::contract {

// Compiles the schema `text`, known as `uri`, and all that it refers to. What it accepts is enforced to the letter of
// draft 2020-12, `format` included; a keyword, format or pattern that cannot be is a fault.
std::optional<SchemaFault> compile_schema(std::string text, std::string uri, const SchemaSource& source,
                                          Program& into);

// One compilation.
class SchemaCompiler {
 public:
  static constexpr std::size_t kBlocksMax = 20'000;
  static constexpr std::size_t kRequiredMax = 512;

  SchemaCompiler(const SchemaSource& source, Program& into) : index_(source), program_(into) {}
  std::optional<SchemaFault> compile(std::string text, std::string uri);

 private:
  using Fault = std::optional<SchemaFault>;
  // The value of a keyword, and where its schema is.
  struct Value {
    SchemaPlace schema;
    std::uint32_t node;
    const JsonNode& json;
  };

  std::uint32_t block_for(SchemaPlace place);
  Fault emit_block(SchemaPlace place, std::uint32_t block);
  Fault emit(Keyword keyword, const Value& value);
  Fault emit_scalar(Keyword keyword, const Value& value);
  Fault emit_type(const Value& value);
  Fault emit_constants(const Value& value);
  Fault emit_number(Op op, const Value& value);
  Fault emit_count(Op op, const Value& value);
  Fault emit_pattern(const Value& value);
  Fault emit_elements(SchemaPlace schema);
  Fault emit_contains(SchemaPlace schema, std::uint32_t node);
  Fault emit_members(SchemaPlace schema);
  Fault emit_required(SchemaPlace schema, MemberTable& table);
  Fault emit_dependencies(const Value& value);
  Fault emit_conditional(SchemaPlace schema, std::uint32_t node);
  Fault emit_reference(const Value& value, bool dynamic);
  Fault read_count(SchemaPlace schema, std::uint32_t node, std::uint32_t& count);
  Fault read_names(SchemaPlace schema, std::uint32_t list, std::vector<std::string_view>& names);
  Fault find_endless_recursion();

  Step& step(Op op, SchemaPlace schema, std::uint32_t node);
  std::uint32_t locate(SchemaPlace schema, std::uint32_t node);
  std::uint32_t anchor_id(const std::string& name);
  SchemaFault fault(SchemaPlace schema, std::uint32_t node, std::string_view code, std::string message) const;
  const JsonTape& tape(SchemaPlace place) const { return index_.tape(place.document); }

  SchemaIndex index_;
  Program& program_;
  std::map<SchemaPlace, std::uint32_t> block_by_place_;
  std::deque<SchemaPlace> waiting_;
  std::map<std::string, std::uint32_t> anchor_ids_;
  std::vector<SchemaPlace> place_by_block_;
};

}  // namespace millrace::contract
