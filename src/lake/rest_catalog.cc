#include "lake/rest_catalog.h"

#include <fmt/format.h>

#include <optional>
#include <set>
#include <utility>

#include "lake/json_writer.h"

namespace millrace::lake {
namespace {

CatalogResponse json_response(std::string body) { return {200, "application/json", std::move(body)}; }

CatalogResponse failure(int status, std::string_view type, std::string_view message) {
  JsonWriter out;
  out.begin_object();
  out.key("error");
  out.begin_object();
  out.member("message", message);
  out.member("type", type);
  out.member("code", status);
  out.end_object();
  out.end_object();
  return {status, "application/json", out.take()};
}

CatalogResponse no_namespace(std::string_view name) {
  return failure(404, "NoSuchNamespaceException", fmt::format("Namespace does not exist: {}", name));
}

std::optional<int> hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

// Malformed escapes stay as they are: such a name is simply not found.
std::string decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      const auto high = hex_digit(text[i + 1]), low = hex_digit(text[i + 2]);
      if (high && low) {
        out.push_back(static_cast<char>(*high * 16 + *low));
        i += 2;
        continue;
      }
    }
    out.push_back(text[i]);
  }
  return out;
}

std::vector<std::string> split_path(std::string_view path) {
  std::vector<std::string> segments;
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    const std::string_view segment = path.substr(0, slash);
    if (!segment.empty()) segments.push_back(decoded(segment));
    if (slash == std::string_view::npos) break;
    path.remove_prefix(slash + 1);
  }
  return segments;
}

std::optional<std::string> query_value(std::string_view query, std::string_view key) {
  while (!query.empty()) {
    const std::size_t end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    const std::size_t equals = pair.find('=');
    if (decoded(pair.substr(0, equals)) == key) {
      return equals == std::string_view::npos ? "" : decoded(pair.substr(equals + 1));
    }
    if (end == std::string_view::npos) break;
    query.remove_prefix(end + 1);
  }
  return std::nullopt;
}

// Without the list of endpoints, clients assume that everything they know is there.
CatalogResponse config() {
  return json_response(R"({"defaults":{},"overrides":{},"endpoints":[)"
                       R"("GET /v1/{prefix}/namespaces",)"
                       R"("GET /v1/{prefix}/namespaces/{namespace}",)"
                       R"("HEAD /v1/{prefix}/namespaces/{namespace}",)"
                       R"("GET /v1/{prefix}/namespaces/{namespace}/tables",)"
                       R"("GET /v1/{prefix}/namespaces/{namespace}/tables/{table}",)"
                       R"("HEAD /v1/{prefix}/namespaces/{namespace}/tables/{table}"]})");
}

void write_namespace(JsonWriter& out, std::string_view name) {
  out.begin_array();
  out.value(name);
  out.end_array();
}

}  // namespace

bool RestCatalog::has_namespace(std::string_view name) const {
  for (const IcebergTable* table : tables_) {
    if (table->spec().name_space == name) return true;
  }
  return false;
}

CatalogResponse RestCatalog::list_namespaces(std::string_view query) const {
  const std::string parent = query_value(query, "parent").value_or("");
  if (!parent.empty() && !has_namespace(parent)) return no_namespace(parent);
  std::set<std::string_view> names;
  for (const IcebergTable* table : tables_) {
    if (parent.empty()) names.insert(table->spec().name_space);
  }
  JsonWriter out;
  out.begin_object();
  out.key("namespaces");
  out.begin_array();
  for (const std::string_view name : names) write_namespace(out, name);
  out.end_array();
  out.end_object();
  return json_response(out.take());
}

CatalogResponse RestCatalog::load_namespace(std::string_view name) const {
  if (!has_namespace(name)) return no_namespace(name);
  JsonWriter out;
  out.begin_object();
  out.key("namespace");
  write_namespace(out, name);
  out.key("properties");
  out.begin_object();
  out.end_object();
  out.end_object();
  return json_response(out.take());
}

CatalogResponse RestCatalog::list_tables(std::string_view name_space) const {
  if (!has_namespace(name_space)) return no_namespace(name_space);
  JsonWriter out;
  out.begin_object();
  out.key("identifiers");
  out.begin_array();
  for (const IcebergTable* table : tables_) {
    if (table->spec().name_space != name_space) continue;
    out.begin_object();
    out.key("namespace");
    write_namespace(out, name_space);
    out.member("name", table->spec().name);
    out.end_object();
  }
  out.end_array();
  out.end_object();
  return json_response(out.take());
}

CatalogResponse RestCatalog::load_table(std::string_view name_space, std::string_view name,
                                        std::string_view query) const {
  const std::string snapshots = query_value(query, "snapshots").value_or("all");
  if (snapshots != "all" && snapshots != "refs") {
    return failure(400, "BadRequestException", "snapshots must be all or refs");
  }
  for (const IcebergTable* table : tables_) {
    if (table->spec().name_space != name_space || table->spec().name != name) continue;
    const auto state = table->state();
    JsonWriter out;
    out.begin_object();
    out.member("metadata-location", table->metadata_location(*state));
    out.key("metadata");
    out.raw(to_json(state->metadata, snapshots == "all" ? SnapshotFilter::all : SnapshotFilter::referenced));
    out.key("config");
    out.begin_object();
    out.end_object();
    out.end_object();
    return json_response(out.take());
  }
  return failure(404, "NoSuchTableException", fmt::format("Table does not exist: {}.{}", name_space, name));
}

CatalogResponse RestCatalog::route(const std::vector<std::string>& segments, std::string_view query) const {
  const std::size_t count = segments.size();
  if (count == 2 && segments[1] == "config") return config();
  if (count >= 2 && segments[1] == "namespaces") {
    if (count == 2) return list_namespaces(query);
    if (count == 3) return load_namespace(segments[2]);
    if (count == 4 && segments[3] == "tables") return list_tables(segments[2]);
    if (count == 5 && segments[3] == "tables") return load_table(segments[2], segments[4], query);
  }
  return failure(404, "NoSuchEndpointException", "No such endpoint; GET /v1/config lists them");
}

CatalogResponse RestCatalog::answer(const CatalogRequest& request) const {
  if (request.method != "GET" && request.method != "HEAD") {
    return failure(406, "UnsupportedOperationException", "This catalog is read-only");
  }
  std::vector<std::string> segments = split_path(request.path);
  if (segments.empty() || segments.front() != "v1") segments = {"", ""};
  CatalogResponse response = route(segments, request.query);
  if (request.method == "HEAD") {
    response.body.clear();
    response.content_type.clear();
    if (response.status == 200) response.status = 204;
  }
  return response;
}

}  // namespace millrace::lake
