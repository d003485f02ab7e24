#include "event/field_names.h"

#include <array>

namespace millrace::event {

namespace {

constexpr std::string_view kTexts[] = {
    "message_id",
    "anonymous_id",
    "user_id",
    "previous_id",
    "group_id",
    "event_name",
    "page_url",
    "page_path",
    "page_title",
    "page_referrer",
    "campaign_source",
    "campaign_medium",
    "campaign_name",
    "campaign_term",
    "campaign_content",
    "click_id",
    "user_agent",
    "device_type",
    "ip",
    "locale",
    "country",
    "timezone",
    "email",
    "order_id",
    "checkout_id",
    "cart_id",
    "coupon",
    "affiliation",
    "query",
    "list_id",
    "category",
    "promotion_id",
    "payment_method",
    "shipping_method",
    "step",
    "library_name",
    "library_version",
    "extra",
};
static_assert(std::size(kTexts) == kTextCount);
constexpr std::string_view kAmounts[] = {"revenue",  "total",    "subtotal", "tax",
                                         "shipping", "discount", "value"};
static_assert(std::size(kAmounts) == kAmountCount);
constexpr std::string_view kFlags[] = {
    "time_corrected", "time_clamped",      "time_missing",  "imported",         "message_id_made",
    "money_rounded",  "money_unreadable",  "totals_differ", "fields_truncated", "pseudonymised",
    "anonymised",     "contract_violated", "bot",           "personal_replaced"};
static_assert(std::size(kFlags) == kFlagCount);

}  // namespace

std::string_view to_string(Text field) { return kTexts[static_cast<std::size_t>(field)]; }
std::string_view to_string(Amount amount) { return kAmounts[static_cast<std::size_t>(amount)]; }
std::string_view to_string(Flag flag) { return kFlags[static_cast<std::size_t>(flag)]; }

}  // namespace millrace::event
