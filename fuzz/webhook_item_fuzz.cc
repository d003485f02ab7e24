// Bodies of webhooks whose signature is right: the first bit chooses between Shopify's, with a topic, and a mapping's.

#include "checking_sink.h"
#include "collect/signature.h"
#include "collect/webhook_dialect.h"

namespace {

using namespace millrace;

std::shared_ptr<const collect::WebhookMapping> mapping() {
  collect::MappingSettings settings;
  settings.items = "/rows";
  settings.event = "/kind";
  settings.time = "/at";
  settings.lines = "/lines";
  settings.fields = {{"user_id", "/who"}, {"order_id", "/order/no"}, {"total", "/order/sum"}};
  settings.line_fields = {{"product_id", "/sku"}, {"price", "/price"}};
  return *collect::WebhookMapping::make(std::move(settings));
}

constexpr std::string_view kTopics[] = {
    "orders/create",    "orders/updated",   "refunds/create",  "carts/update",
    "checkouts/create", "customers/create", "products/update", ""};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const collect::SourceTable sources = [] {
    collect::SourceSettings source{0, "shop", "wk", "s", true};
    source.mapping = mapping();
    return *collect::SourceTable::make({source}, {});
  }();
  static const collect::WebhookDialect dialect(sources, {});
  static const auto reader = dialect.reader();
  if (size == 0) return 0;
  const std::string body(reinterpret_cast<const char*>(data) + 1, size - 1);
  const bool shopify = (data[0] & 1) != 0;
  const std::string signature = collect::signature_of(
      body, "s", shopify ? collect::SignatureCoding::base64 : collect::SignatureCoding::hex);
  http::Request request;
  request.method = http::Method::post;
  request.parameters = {"wk"};
  request.body = body;
  request.headers = {{"X-Shopify-Hmac-Sha256", signature},
                     {"X-Signature", signature},
                     {"X-Write-Key", "wk:s"},
                     {"X-Shopify-Topic", kTopics[(data[0] >> 1) % std::size(kTopics)]}};
  CheckingSink sink;
  const int endpoint = shopify ? collect::WebhookDialect::shopify : collect::WebhookDialect::mapped;
  (void)reader->read(request, endpoint, {1'750'000'000'000}, sink);
  if ((data[0] & 0x80) != 0)
    (void)reader->read(request, collect::WebhookDialect::replayed, {1'750'000'000'000}, sink);
  return 0;
}
