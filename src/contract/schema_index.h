#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "contract/json_document.h"

namespace millrace::contract {

// Why a schema is refused.
struct SchemaFault {
  std::string pointer;  // RFC 6901, into the schema; after "URI#" when that is another one than was given.
  std::string code;     // Stable: "unsupported_keyword", "invalid_keyword", "unresolved_reference", ...
  std::string message;  // One sentence.
};

// Where schemas that others refer to are found.
class SchemaSource {
 public:
  virtual ~SchemaSource() = default;
  // The text of the schema with that URI, without a fragment.
  virtual std::optional<std::string> schema(std::string_view uri) const = 0;
};

// A schema within a document.
struct SchemaPlace {
  std::uint32_t document = 0;
  std::uint32_t node = 0;
  auto operator<=>(const SchemaPlace&) const = default;
};

// The documents that a schema consists of: which places hold schemas, in which resource ($id) each lies, and where the anchors
// are. Every keyword of every schema in them is one that is supported.
class SchemaIndex {
 public:
  static constexpr std::size_t kSchemaBytesMax = 256 * 1024;
  static constexpr std::size_t kDocumentsMax = 64;

  explicit SchemaIndex(const SchemaSource& source) : source_(source) {}

  std::optional<SchemaFault> add(std::string text, std::string uri);
  // Where `reference`, standing in the resource, leads; loads what is not there yet.
  std::optional<SchemaFault> resolve(std::uint32_t resource, std::string_view reference, SchemaPlace& place);

  const JsonTape& tape(std::uint32_t document) const { return documents_[document]->tape(); }
  std::uint32_t resource_of(SchemaPlace place) const { return places_.at(place); }
  // "URI#/pointer", or "/pointer" in the first document.
  std::string location(SchemaPlace place) const;
  // The $dynamicAnchor that a place has in its resource.
  std::optional<std::string> dynamic_anchor_at(SchemaPlace place) const;
  struct DynamicAnchor {
    std::uint32_t resource;
    std::string name;
    SchemaPlace place;
  };
  const std::vector<DynamicAnchor>& dynamic_anchors() const { return dynamic_anchors_; }
  std::vector<std::shared_ptr<const JsonDocument>> documents() const;
  std::size_t size() const { return documents_.size(); }

 private:
  struct Resource {
    std::string uri;
    SchemaPlace root;
  };
  std::optional<SchemaFault> walk(SchemaPlace place, std::uint32_t resource, int depth);
  std::optional<SchemaFault> walk_members(SchemaPlace place, std::uint32_t resource, int depth);
  std::optional<SchemaFault> enter_resource(SchemaPlace place, std::uint32_t& resource);
  std::optional<SchemaFault> add_anchor(SchemaPlace place, std::uint32_t node, std::uint32_t resource,
                                        bool dynamic);
  SchemaFault fault(SchemaPlace place, std::string_view code, std::string message) const;

  const SchemaSource& source_;
  std::vector<std::shared_ptr<JsonDocument>> documents_;
  std::vector<std::string> uris_;  // Of the documents.
  std::vector<Resource> resources_;
  std::map<std::string, std::uint32_t, std::less<>> resource_by_uri_;
  std::map<std::string, SchemaPlace, std::less<>> anchors_;  // "URI#name"
  std::vector<DynamicAnchor> dynamic_anchors_;
  std::map<SchemaPlace, std::uint32_t> places_;  // Resource of each place that holds a schema.
};

}  // namespace millrace::contract
