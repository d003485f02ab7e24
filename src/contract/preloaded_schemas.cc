#include "contract/preloaded_schemas.h"

#include <algorithm>
#include <span>
#include <string_view>

#include "event/event.h"

namespace millrace::contract {

namespace {

using event::EventType;

// Clients send amounts and counts as numbers or as text; both are read.
constexpr std::string_view kAmount =
    R"({"type":["number","string","null"],"minimum":0,"maximum":1e12,"pattern":"^[0-9 .,]{1,32}$"})";
constexpr std::string_view kCount =
    R"({"type":["integer","string","null"],"minimum":0,"maximum":1000000000,"pattern":"^[0-9]{1,9}$"})";
constexpr std::string_view kId = R"({"type":["string","integer"],"minLength":1,"maxLength":256})";
constexpr std::string_view kText = R"({"type":["string","number","null"],"maxLength":2048})";
constexpr std::string_view kLongText = R"({"type":["string","null"],"maxLength":16384})";
constexpr std::string_view kCurrency = R"({"type":["string","null"],"pattern":"^[A-Za-z]{3}$"})";
constexpr std::string_view kEmail = R"({"type":["string","null"],"maxLength":320})";

struct Property {
  std::string_view name;
  std::string_view schema;
};

constexpr Property kProduct[] = {{"product_id", kId},     {"sku", kId},        {"name", kText},
                                 {"brand", kText},        {"category", kText}, {"variant", kText},
                                 {"coupon", kText},       {"price", kAmount},  {"quantity", kCount},
                                 {"position", kCount},    {"url", kText},      {"image_url", kText},
                                 {"currency", kCurrency}, {"value", kAmount}};
constexpr Property kOrder[] = {
    {"order_id", kId},       {"checkout_id", kId},      {"cart_id", kId},          {"affiliation", kText},
    {"revenue", kAmount},    {"total", kAmount},        {"subtotal", kAmount},     {"tax", kAmount},
    {"shipping", kAmount},   {"discount", kAmount},     {"value", kAmount},        {"coupon", kText},
    {"currency", kCurrency}, {"payment_method", kText}, {"shipping_method", kText}};
constexpr Property kCart[] = {
    {"cart_id", kId}, {"currency", kCurrency}, {"value", kAmount}, {"total", kAmount}};
constexpr Property kList[] = {{"list_id", kText}, {"category", kText}, {"query", kText}};
constexpr Property kPromotion[] = {
    {"promotion_id", kId}, {"creative", kText}, {"name", kText}, {"position", kText}};
constexpr Property kCheckoutStep[] = {{"checkout_id", kId},
                                      {"order_id", kId},
                                      {"step", kText},
                                      {"shipping_method", kText},
                                      {"payment_method", kText}};
constexpr Property kCoupon[] = {{"order_id", kId},      {"cart_id", kId},      {"coupon_id", kText},
                                {"coupon_name", kText}, {"discount", kAmount}, {"reason", kText}};
constexpr Property kShare[] = {{"share_via", kText}, {"share_message", kLongText},
                               {"recipient", kText}, {"product_id", kId},
                               {"cart_id", kId},     {"name", kText}};
constexpr Property kReview[] = {
    {"product_id", kId}, {"review_id", kText}, {"review_body", kLongText}, {"rating", kText}};
constexpr Property kPage[] = {{"url", kText},    {"path", kText}, {"title", kText},   {"referrer", kText},
                              {"search", kText}, {"name", kText}, {"category", kText}};
constexpr Property kPerson[] = {
    {"email", kEmail}, {"name", kText}, {"first_name", kText}, {"last_name", kText}};

// What must be there: one of the spellings that the vocabulary reads.
constexpr std::string_view kHasProduct = "product_id productId id sku";
constexpr std::string_view kHasOrder = "order_id orderId";

enum class Lines : std::uint8_t { none, may };

struct Contract {
  EventType type;
  std::span<const Property> properties;
  std::string_view one_of;  // Spellings of what must be there; empty: nothing must.
  Lines lines = Lines::none;
};

constexpr Contract kContracts[] = {
    {EventType::page_viewed, kPage, ""},
    {EventType::screen_viewed, kPage, ""},
    {EventType::identified, kPerson, ""},
    {EventType::product_searched, kList, "query"},
    {EventType::product_list_viewed, kList, "", Lines::may},
    {EventType::product_list_filtered, kList, "", Lines::may},
    {EventType::product_clicked, kProduct, kHasProduct},
    {EventType::product_viewed, kProduct, kHasProduct},
    {EventType::product_added, kProduct, kHasProduct},
    {EventType::product_removed, kProduct, kHasProduct},
    {EventType::cart_viewed, kCart, "", Lines::may},
    {EventType::promotion_viewed, kPromotion, ""},
    {EventType::promotion_clicked, kPromotion, ""},
    {EventType::checkout_started, kOrder, "", Lines::may},
    {EventType::checkout_step_viewed, kCheckoutStep, ""},
    {EventType::checkout_step_completed, kCheckoutStep, ""},
    {EventType::payment_info_entered, kCheckoutStep, ""},
    {EventType::payment_failed, kCheckoutStep, ""},
    {EventType::order_completed, kOrder, kHasOrder, Lines::may},
    {EventType::order_updated, kOrder, kHasOrder, Lines::may},
    {EventType::order_refunded, kOrder, kHasOrder, Lines::may},
    {EventType::order_cancelled, kOrder, kHasOrder, Lines::may},
    {EventType::coupon_entered, kCoupon, ""},
    {EventType::coupon_applied, kCoupon, ""},
    {EventType::coupon_denied, kCoupon, ""},
    {EventType::coupon_removed, kCoupon, ""},
    {EventType::wishlist_added, kProduct, kHasProduct},
    {EventType::wishlist_removed, kProduct, kHasProduct},
    {EventType::wishlist_moved_to_cart, kProduct, kHasProduct},
    {EventType::product_shared, kShare, ""},
    {EventType::cart_shared, kShare, "", Lines::may},
    {EventType::product_reviewed, kReview, kHasProduct},
};

void append_properties(std::string& out, std::span<const Property> properties) {
  out += R"("properties":{)";
  for (std::size_t i = 0; i < properties.size(); ++i) {
    if (i > 0) out += ',';
    out.append("\"").append(properties[i].name).append("\":").append(properties[i].schema);
  }
}

void append_one_of(std::string& out, std::string_view names) {
  if (names.empty()) return;
  out += R"(,"anyOf":[)";
  while (!names.empty()) {
    const std::string_view name = names.substr(0, names.find(' '));
    names.remove_prefix(std::min(names.size(), name.size() + 1));
    out.append(R"({"required":[")").append(name).append(names.empty() ? R"("]})" : R"("]},)");
  }
  out += ']';
}

std::string schema_of(const Contract& contract) {
  std::string out = R"({"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object",)";
  append_properties(out, contract.properties);
  if (contract.lines != Lines::none) {
    out += R"(,"products":{"type":"array","maxItems":1000,"items":{"type":"object",)";
    append_properties(out, kProduct);
    out += '}';
    append_one_of(out, kHasProduct);
    out += "}}";
  }
  out += '}';
  append_one_of(out, contract.one_of);
  return out + "}";
}

}  // namespace

std::vector<std::pair<SchemaKey, std::string>> preloaded_schemas() {
  std::vector<std::pair<SchemaKey, std::string>> schemas;
  for (const Contract& contract : kContracts) {
    SchemaKey key;
    key.vendor = kPreloadedVendor;
    key.name = event::to_string(contract.type);
    schemas.emplace_back(std::move(key), schema_of(contract));
  }
  return schemas;
}

}  // namespace millrace::contract
