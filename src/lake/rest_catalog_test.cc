#include "lake/rest_catalog.h"

#include "lake/table_fixture.h"

namespace millrace::lake {
namespace {

struct Fixture {
  Fixture() {
    TableSpec other = sample_spec();
    other.name_space = "raw";
    tables.push_back(must(IcebergTable::open_or_create(store, sample_spec(), clock, random, {})));
    tables.push_back(must(IcebergTable::open_or_create(store, other, clock, random, {})));
    other.name = "more";
    tables.push_back(must(IcebergTable::open_or_create(store, other, clock, random, {})));
  }
  CatalogResponse get(std::string_view path, std::string_view query = "", std::string_view method = "GET") {
    std::vector<const IcebergTable*> pointers;
    for (const auto& table : tables) pointers.push_back(table.get());
    return RestCatalog(pointers).answer({method, path, query});
  }
  MemoryObjectStore store;
  sim::SimClock clock;
  base::SeededRandom random{3};
  std::vector<std::unique_ptr<IcebergTable>> tables;
};

std::string error_body(std::string_view message, std::string_view type, int code) {
  return "{\"error\":{\"message\":\"" + std::string(message) + "\",\"type\":\"" + std::string(type) +
         "\",\"code\":" + std::to_string(code) + "}}";
}

TEST_CASE("the catalog says what it can do, and lists namespaces and tables") {
  Fixture f;
  const CatalogResponse config = f.get("/v1/config", "warehouse=anything");
  CHECK(config.status == 200);
  CHECK(config.content_type == "application/json");
  CHECK(config.body.find("\"GET /v1/{prefix}/namespaces/{namespace}/tables/{table}\"") != std::string::npos);
  CHECK(config.body.find("POST") == std::string::npos);
  CHECK(f.get("/v1/namespaces").body == R"({"namespaces":[["conformed"],["raw"]]})");
  CHECK(f.get("/v1/namespaces", "parent=raw").body == R"({"namespaces":[]})");
  CHECK(f.get("/v1/namespaces", "pageToken=&parent=").body == R"({"namespaces":[["conformed"],["raw"]]})");
  CHECK(f.get("/v1/namespaces/raw").body == R"({"namespace":["raw"],"properties":{}})");
  CHECK(f.get("/v1/namespaces/r%61w/tables/").body ==
        R"({"identifiers":[{"namespace":["raw"],"name":"events"},{"namespace":["raw"],"name":"more"}]})");
}

TEST_CASE("a table is loaded as it is now, with all snapshots or the current one") {
  Fixture f;
  must(f.tables[0]->append({sample_file(*f.tables[0], 2)}, {}));
  must(f.tables[0]->append({sample_file(*f.tables[0], 3)}, {}));
  const CatalogResponse all = f.get("/v1/namespaces/conformed/tables/events");
  const TableMetadata& metadata = f.tables[0]->state()->metadata;
  CHECK(all.status == 200);
  CHECK(all.body ==
        R"({"metadata-location":"memory://conformed/events/metadata/v3.metadata.json","metadata":)" +
            to_json(metadata) + R"(,"config":{}})");
  const CatalogResponse current = f.get("/v1/namespaces/conformed/tables/events", "snapshots=refs");
  CHECK(current.body.find(std::to_string(metadata.snapshots[1].id)) != std::string::npos);
  CHECK(current.body.find("\"snapshot-id\":" + std::to_string(metadata.snapshots[0].id) +
                          ",\"sequence-number\"") == std::string::npos);
}

TEST_CASE("what is not there is an error in the protocol's form") {
  Fixture f;
  const auto check = [&](std::string_view path, std::string_view query, int status, std::string_view type) {
    CAPTURE(path);
    const CatalogResponse response = f.get(path, query);
    CHECK(response.status == status);
    CHECK(response.body.find("\"type\":\"" + std::string(type) + "\"") != std::string::npos);
    CHECK(response.body.find("\"code\":" + std::to_string(status)) != std::string::npos);
  };
  CHECK(f.get("/v1/namespaces/none").body ==
        error_body("Namespace does not exist: none", "NoSuchNamespaceException", 404));
  check("/v1/namespaces/raw%1Fdeep", "", 404, "NoSuchNamespaceException");
  check("/v1/namespaces", "parent=none", 404, "NoSuchNamespaceException");
  check("/v1/namespaces/none/tables", "", 404, "NoSuchNamespaceException");
  check("/v1/namespaces/raw/tables/none", "", 404, "NoSuchTableException");
  check("/v1/namespaces/none/tables/events", "", 404, "NoSuchTableException");
  check("/v1/namespaces/raw/tables/events", "snapshots=some", 400, "BadRequestException");
  check("/v1/namespaces/raw/views", "", 404, "NoSuchEndpointException");
  check("/v1/namespaces/raw/tables/events/plan", "", 404, "NoSuchEndpointException");
  check("/v2/config", "", 404, "NoSuchEndpointException");
  check("", "", 404, "NoSuchEndpointException");
  check("/v1/namespaces/%", "", 404, "NoSuchNamespaceException");
}

TEST_CASE("HEAD answers by status alone, and nothing can be written") {
  Fixture f;
  CHECK(f.get("/v1/namespaces/raw/tables/events", "", "HEAD").status == 204);
  CHECK(f.get("/v1/namespaces/raw", "", "HEAD").status == 204);
  const CatalogResponse absent = f.get("/v1/namespaces/raw/tables/none", "", "HEAD");
  CHECK(absent.status == 404);
  CHECK(absent.body.empty());
  CHECK(absent.content_type.empty());
  for (const char* method : {"POST", "PUT", "DELETE", "PATCH"}) {
    const CatalogResponse response = f.get("/v1/namespaces/raw/tables/events", "", method);
    CHECK(response.status == 406);
    CHECK(response.body.find("UnsupportedOperationException") != std::string::npos);
  }
}

}  // namespace
}  // namespace millrace::lake
