#include "lake/avro_schema.h"

#include <simdjson.h>

#include <utility>

namespace millrace::lake {
namespace {

using base::Error;
using base::ErrorCode;
using Pointer = std::shared_ptr<const AvroSchema>;

constexpr int kDepthMax = 24;
constexpr std::size_t kFixedBytesMax = 1 << 20;

Error malformed(std::string_view what) {
  return Error(ErrorCode::corrupt, "Avro schema: " + std::string(what));
}

struct Parser {
  std::map<std::string, Pointer, std::less<>> named;

  base::Result<Pointer> parse(simdjson::dom::element json, int depth);
  base::Result<Pointer> by_name(std::string_view name) const;
  base::Result<Pointer> parse_object(simdjson::dom::object json, int depth);
  base::Status parse_fields(simdjson::dom::object json, AvroSchema& into, int depth);
};

base::Result<Pointer> Parser::by_name(std::string_view name) const {
  using Kind = AvroSchema::Kind;
  static constexpr std::pair<std::string_view, Kind> kPrimitives[] = {
      {"null", Kind::null},     {"boolean", Kind::boolean}, {"int", Kind::integer}, {"long", Kind::integer},
      {"float", Kind::float32}, {"double", Kind::float64},  {"bytes", Kind::bytes}, {"string", Kind::bytes},
  };
  for (const auto& [primitive, kind] : kPrimitives) {
    if (name != primitive) continue;
    auto schema = std::make_shared<AvroSchema>();
    schema->kind = kind;
    return Pointer(std::move(schema));
  }
  const auto found = named.find(name);
  if (found == named.end()) return malformed("unknown type " + std::string(name));
  return found->second;
}

base::Status Parser::parse_fields(simdjson::dom::object json, AvroSchema& into, int depth) {
  simdjson::dom::array fields;
  if (json["fields"].get(fields) != simdjson::SUCCESS) return malformed("a record without fields");
  for (const auto element : fields) {
    simdjson::dom::object field;
    std::string_view name;
    simdjson::dom::element type;
    if (element.get(field) != simdjson::SUCCESS || field["name"].get(name) != simdjson::SUCCESS ||
        field["type"].get(type) != simdjson::SUCCESS) {
      return malformed("a field without name or type");
    }
    std::int64_t id = -1;
    if (field["field-id"].get(id) != simdjson::SUCCESS) id = -1;
    TRY_ASSIGN(Pointer parsed, parse(type, depth));
    into.fields.push_back({std::string(name), static_cast<int>(id), std::move(parsed)});
  }
  return base::Ok{};
}

base::Result<Pointer> Parser::parse_object(simdjson::dom::object json, int depth) {
  simdjson::dom::element type;
  if (json["type"].get(type) != simdjson::SUCCESS) return malformed("no type");
  std::string_view text;
  if (type.get(text) != simdjson::SUCCESS) return parse(type, depth);

  auto schema = std::make_shared<AvroSchema>();
  std::string_view logical_type;
  if (json["logicalType"].get(logical_type) == simdjson::SUCCESS) schema->logical_type = logical_type;
  if (text == "record") {
    schema->kind = AvroSchema::Kind::record;
    TRY(parse_fields(json, *schema, depth));
  } else if (text == "array") {
    schema->kind = AvroSchema::Kind::array;
    simdjson::dom::element items;
    if (json["items"].get(items) != simdjson::SUCCESS) return malformed("an array without items");
    TRY_ASSIGN(Pointer item, parse(items, depth));
    schema->branches.push_back(std::move(item));
  } else if (text == "fixed") {
    schema->kind = AvroSchema::Kind::fixed;
    std::uint64_t size = 0;
    if (json["size"].get(size) != simdjson::SUCCESS || size > kFixedBytesMax) {
      return malformed("a fixed type without a sane size");
    }
    schema->fixed_bytes = size;
  } else {
    TRY_ASSIGN(const Pointer primitive, by_name(text));
    if (schema->logical_type.empty()) return primitive;
    const std::string logical = schema->logical_type;
    *schema = *primitive;
    schema->logical_type = logical;
  }
  std::string_view name;
  Pointer done = std::move(schema);
  if (json["name"].get(name) == simdjson::SUCCESS) named.insert_or_assign(std::string(name), done);
  return done;
}

base::Result<Pointer> Parser::parse(simdjson::dom::element json, int depth) {
  if (depth >= kDepthMax) return malformed("nested too deep");
  if (json.is_string()) return by_name(std::string_view(json));
  simdjson::dom::object object;
  if (json.get(object) == simdjson::SUCCESS) return parse_object(object, depth + 1);
  simdjson::dom::array branches;
  if (json.get(branches) != simdjson::SUCCESS) return malformed("a type is neither text, object nor array");
  auto schema = std::make_shared<AvroSchema>();
  schema->kind = AvroSchema::Kind::choice;
  for (const auto branch : branches) {
    TRY_ASSIGN(Pointer parsed, parse(branch, depth + 1));
    schema->branches.push_back(std::move(parsed));
  }
  if (schema->branches.empty()) return malformed("an empty union");
  return Pointer(std::move(schema));
}

}  // namespace

base::Result<Pointer> parse_avro_schema(std::string_view json) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (parser.parse(json.data(), json.size()).get(root) != simdjson::SUCCESS) return malformed("not JSON");
  return Parser{}.parse(root, 0);
}

}  // namespace millrace::lake
