#include "contract/schema_index.h"

#include <utility>

#include "contract/schema_keywords.h"
#include "contract/uri.h"

namespace millrace::contract {

namespace {

constexpr std::string_view kDialect = "https://json-schema.org/draft/2020-12/schema";
constexpr std::string_view kIgluDialect =
    "http://iglucentral.com/schemas/com.snowplowanalytics.self-desc/schema/";

bool is_anchor(std::string_view name) {
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    if (!letter && (i == 0 || !((c >= '0' && c <= '9') || c == '-' || c == '.'))) return false;
  }
  return !name.empty();
}

std::string without_fragment(std::string_view uri) { return std::string(uri.substr(0, uri.find('#'))); }

}  // namespace

SchemaFault SchemaIndex::fault(SchemaPlace place, std::string_view code, std::string message) const {
  return {location(place), std::string(code), std::move(message)};
}

std::string SchemaIndex::location(SchemaPlace place) const {
  const std::string pointer = pointer_to(tape(place.document), place.node);
  return place.document == 0 ? pointer : uris_[place.document] + "#" + pointer;
}

std::vector<std::shared_ptr<const JsonDocument>> SchemaIndex::documents() const {
  return {documents_.begin(), documents_.end()};
}

std::optional<std::string> SchemaIndex::dynamic_anchor_at(SchemaPlace place) const {
  for (const DynamicAnchor& anchor : dynamic_anchors_) {
    if (anchor.place == place) return anchor.name;
  }
  return std::nullopt;
}

std::optional<SchemaFault> SchemaIndex::add(std::string text, std::string uri) {
  if (text.size() > kSchemaBytesMax)
    return SchemaFault{"", "too_large",
                       "A schema has at most " + std::to_string(kSchemaBytesMax) + " bytes."};
  if (documents_.size() == kDocumentsMax)
    return SchemaFault{"", "too_many_documents",
                       "A schema refers to at most " + std::to_string(kDocumentsMax) + " others."};
  auto document = std::make_shared<JsonDocument>();
  if (const auto read = document->own(std::move(text)); !read.ok())
    return SchemaFault{"", "invalid_json", "The schema cannot be read: " + read.error().message() + "."};
  const auto index = static_cast<std::uint32_t>(documents_.size());
  documents_.push_back(std::move(document));
  uris_.push_back(without_fragment(uri));
  const auto resource = static_cast<std::uint32_t>(resources_.size());
  resources_.push_back({uris_.back(), {index, 0}});
  resource_by_uri_.emplace(uris_.back(), resource);
  return walk({index, 0}, resource, 0);
}

std::optional<SchemaFault> SchemaIndex::walk(SchemaPlace place, std::uint32_t resource, int depth) {
  const JsonNode& node = tape(place.document)[place.node];
  if (node.kind != JsonKind::object && node.kind != JsonKind::boolean)
    return fault(place, "invalid_schema", "A schema is an object or a boolean.");
  if (node.kind == JsonKind::object) {
    if (auto wrong = enter_resource(place, resource)) return wrong;
  }
  places_[place] = resource;
  return node.kind == JsonKind::object ? walk_members(place, resource, depth) : std::nullopt;
}

std::optional<SchemaFault> SchemaIndex::enter_resource(SchemaPlace place, std::uint32_t& resource) {
  const JsonTape& in = tape(place.document);
  const std::uint32_t id = find_member(in, place.node, "$id");
  if (id == kNoNode) return std::nullopt;
  if (in[id].kind != JsonKind::string)
    return fault({place.document, id}, "invalid_keyword", "$id is a string.");
  const std::string_view text = in[id].text;
  if (text.find('#') != std::string_view::npos && !text.ends_with('#'))
    return fault({place.document, id}, "invalid_keyword", "$id has no fragment; name it with $anchor.");
  const std::string uri = without_fragment(resolve_uri(resources_[resource].uri, text));
  const auto [known, added] =
      resource_by_uri_.try_emplace(uri, static_cast<std::uint32_t>(resources_.size()));
  if (added) {
    resources_.push_back({uri, place});
  } else if (resources_[known->second].root != place) {
    return fault({place.document, id}, "duplicate_id", "Two schemas have the same $id: " + uri + ".");
  }
  resource = known->second;
  return std::nullopt;
}

std::optional<SchemaFault> SchemaIndex::add_anchor(SchemaPlace place, std::uint32_t node,
                                                   std::uint32_t resource, bool dynamic) {
  const JsonNode& name = tape(place.document)[node];
  if (name.kind != JsonKind::string || !is_anchor(name.text))
    return fault({place.document, node}, "invalid_keyword",
                 "An anchor is a letter or _, then letters, digits, '-', '_' and '.'.");
  const std::string uri = resources_[resource].uri + "#" + std::string(name.text);
  if (const auto [known, added] = anchors_.try_emplace(uri, place); !added && known->second != place)
    return fault({place.document, node}, "duplicate_anchor", "Two schemas have the same anchor.");
  if (dynamic) dynamic_anchors_.push_back({resource, std::string(name.text), place});
  return std::nullopt;
}

std::optional<SchemaFault> SchemaIndex::walk_members(SchemaPlace place, std::uint32_t resource, int depth) {
  const std::uint32_t document = place.document;
  const std::uint32_t end = tape(document)[place.node].end;
  for (std::uint32_t i = place.node + 1; i < end; i = tape(document)[i].end) {
    const JsonNode& node = tape(document)[i];
    const SchemaPlace here{document, i};
    const KeywordRow* const row = find_keyword(node.key);
    if (row == nullptr)
      return fault(here, "unsupported_keyword",
                   "The keyword \"" + std::string(node.key.substr(0, 64)) +
                       "\" is not enforced here, so the schema is not taken.");
    if (find_member(tape(document), place.node, node.key) != i)
      return fault(here, "duplicate_keyword", "The keyword is given twice.");
    if (row->keyword == Keyword::schema_dialect &&
        (node.kind != JsonKind::string ||
         (without_fragment(node.text) != kDialect && !node.text.starts_with(kIgluDialect))))
      return fault(here, "unsupported_dialect",
                   "Schemas are of draft 2020-12: " + std::string(kDialect) + ".");
    if (row->keyword == Keyword::anchor || row->keyword == Keyword::dynamic_anchor) {
      if (auto wrong = add_anchor(place, i, resource, row->keyword == Keyword::dynamic_anchor)) return wrong;
    }
    if (row->shape == KeywordShape::value) continue;
    if (row->shape == KeywordShape::schema) {
      if (auto wrong = walk(here, resource, depth + 1)) return wrong;
      continue;
    }
    const bool list = row->shape == KeywordShape::schema_list;
    if (node.kind != (list ? JsonKind::array : JsonKind::object) || (list && node.end == i + 1))
      return fault(
          here, "invalid_keyword",
          list ? "The value is a list of schemas, at least one." : "The value is an object of schemas.");
    for (std::uint32_t child = i + 1; child < node.end; child = tape(document)[child].end) {
      if (auto wrong = walk({document, child}, resource, depth + 1)) return wrong;
    }
  }
  return std::nullopt;
}

std::optional<SchemaFault> SchemaIndex::resolve(std::uint32_t resource, std::string_view reference,
                                                SchemaPlace& place) {
  const std::string uri = resolve_uri(resources_[resource].uri, reference);
  const SplitUri split = split_fragment(uri);
  auto found = resource_by_uri_.find(split.document);
  if (found == resource_by_uri_.end()) {
    auto text = source_.schema(split.document);
    if (!text)
      return SchemaFault{"", "unresolved_reference",
                         "There is no schema " + std::string(split.document) + "."};
    if (auto wrong = add(*std::move(text), std::string(split.document))) return wrong;
    found = resource_by_uri_.find(split.document);
  }
  const Resource& target = resources_[found->second];
  if (split.fragment.empty()) {
    place = target.root;
    return std::nullopt;
  }
  if (split.fragment.front() == '/') {
    const std::uint32_t node = node_at(tape(target.root.document), target.root.node, split.fragment);
    place = {target.root.document, node};
    if (node != kNoNode && places_.contains(place)) return std::nullopt;
  } else {
    // The root of a document that names itself by $id is known by its own URI and by the one it was asked for.
    const std::string canonical = resources_[resource_of(target.root)].uri + "#" + split.fragment;
    if (const auto anchor = anchors_.find(canonical); anchor != anchors_.end()) {
      place = anchor->second;
      return std::nullopt;
    }
  }
  return SchemaFault{"", "unresolved_reference", "There is no schema at " + uri.substr(0, 256) + "."};
}

}  // namespace millrace::contract
