#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lake/iceberg_table.h"

namespace millrace::lake {

struct CatalogRequest {
  std::string_view method;
  std::string_view path;   // From "/v1" on, percent-encoded as it came.
  std::string_view query;  // Without the question mark; may be empty.
};

struct CatalogResponse {
  int status = 200;
  std::string content_type;  // Empty when there is no body.
  std::string body;
};

// The read-only part of Iceberg's REST catalog protocol, over tables of this process: what a reader needs to
// find a table's newest metadata. Namespaces have one level. Any thread.
class RestCatalog {
 public:
  // The tables must outlive the catalog.
  explicit RestCatalog(std::vector<const IcebergTable*> tables) : tables_(std::move(tables)) {}

  // Every request has an answer, if only an error in the protocol's form: 404 for what does not exist, 406
  // for what would write.
  CatalogResponse answer(const CatalogRequest& request) const;

 private:
  CatalogResponse list_namespaces(std::string_view query) const;
  CatalogResponse load_namespace(std::string_view name) const;
  CatalogResponse list_tables(std::string_view name_space) const;
  CatalogResponse load_table(std::string_view name_space, std::string_view name,
                             std::string_view query) const;
  CatalogResponse route(const std::vector<std::string>& segments, std::string_view query) const;
  bool has_namespace(std::string_view name) const;

  std::vector<const IcebergTable*> tables_;
};

}  // namespace millrace::lake
