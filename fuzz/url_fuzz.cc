// Whatever stands where an address should: request targets, queries, origins, cookies, references of schemas, targets of webhooks. The first
// byte chooses what the rest is.

#include <cstddef>
#include <cstdint>
#include <string>

#include "act/target.h"
#include "admin/write_key_book.h"
#include "base/result.h"
#include "collect/origin.h"
#include "collect/url_query.h"
#include "commerce/channel.h"
#include "contract/schema_key.h"
#include "contract/uri.h"
#include "http/http.h"
#include "tools/http_client.h"

namespace {

using namespace millrace;

void read_target(const std::string& text) {
  http::Request request;
  if (http::parse_target(text, request)) INVARIANT(request.path.starts_with('/'));
  std::string decoded;
  if (http::percent_decode(text, http::Plus::space, decoded)) INVARIANT(decoded.size() <= text.size());
}

void read_query(const std::string& text) {
  (void)collect::path_of_url(text);
  char host[256];
  (void)commerce::host_of(text, host);
  collect::for_each_query_field(text, [](std::string_view name, std::string_view value) {
    (void)collect::is_click_parameter(name);
    // Without a byte to spare.
    const auto place = std::make_unique<char[]>(value.size());
    INVARIANT(collect::decode_query_value(value, place.get()).size() <= value.size());
  });
}

void read_origin(const std::string& text) {
  http::Request request;
  request.headers = {{"Referer", text}};
  const auto origin = collect::page_origin(request);
  (void)collect::allows_origin({"https://*.shop.example", "https://shop.example:8443"}, origin);
  const auto normal = admin::normal_origin(text);
  if (!normal) return;
  INVARIANT(admin::normal_origin(*normal) == normal);
  if (normal->find('*') == std::string::npos) INVARIANT(collect::allows_origin({*normal}, *normal));
}

void read_reference(const std::string& text) {
  const std::size_t cut = text.find('\n');
  const std::string base = text.substr(0, cut);
  const std::string resolved =
      contract::resolve_uri(base, cut == std::string::npos ? std::string() : text.substr(cut + 1));
  (void)contract::split_fragment(resolved);
  if (const auto key = contract::SchemaKey::parse(text); key.ok()) {
    const auto again = contract::SchemaKey::parse(key->uri());
    INVARIANT(again.ok() && *again == *key);
  }
  (void)contract::contract_name(text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 5) {
    case 0: read_target(text); break;
    case 1: read_query(text); break;
    case 2: read_origin(text); break;
    case 3: read_reference(text); break;
    default: (void)act::parse_url(text).ok(); (void)tools::parse_endpoint(text).ok();
  }
  return 0;
}
