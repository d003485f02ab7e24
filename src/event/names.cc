#include <array>

#include "event/event.h"
#include "event/fact.h"
#include "event/row.h"

namespace millrace::event {

namespace {

constexpr std::array<std::string_view, kEventTypeCount> kEventTypes = {
    "other",
    "page_viewed",
    "screen_viewed",
    "identified",
    "grouped",
    "aliased",
    "product_searched",
    "product_list_viewed",
    "product_list_filtered",
    "product_clicked",
    "product_viewed",
    "product_added",
    "product_removed",
    "cart_viewed",
    "promotion_viewed",
    "promotion_clicked",
    "checkout_started",
    "checkout_step_viewed",
    "checkout_step_completed",
    "payment_info_entered",
    "payment_failed",
    "order_completed",
    "order_updated",
    "order_refunded",
    "order_cancelled",
    "coupon_entered",
    "coupon_applied",
    "coupon_denied",
    "coupon_removed",
    "wishlist_added",
    "wishlist_removed",
    "wishlist_moved_to_cart",
    "product_shared",
    "cart_shared",
    "product_reviewed",
};
constexpr std::array<std::string_view, kVerdictCount> kVerdicts = {
    "accepted", "duplicate", "quarantined", "suppressed", "bot", "consent_dropped"};
constexpr std::array<std::string_view, kPurposeCount> kPurposes = {"necessary", "analytics",
                                                                   "personalisation", "marketing"};
constexpr std::array<std::string_view, kBotReasonCount> kBotReasons = {
    "user_agent", "no_browser", "rate", "regularity", "data_centre", "headless"};
constexpr std::array<std::string_view, kFunnelStepCount> kFunnelSteps = {
    "landing", "browse", "product_view", "add_to_cart", "checkout", "payment", "purchase"};
constexpr std::array<std::string_view, kChannelCount> kChannels = {"direct", "organic", "paid",
                                                                   "social", "email",   "referral"};
constexpr std::array<std::string_view, kDeviceCount> kDevices = {"unknown", "desktop", "mobile",
                                                                 "tablet",  "bot",     "other"};
constexpr std::array<std::string_view, 4> kOrderStatuses = {"completed", "updated", "refunded", "cancelled"};
constexpr std::array<std::string_view, kTopicCount> kTopics = {"events", "facts", "sessions", "actions"};
constexpr std::array<std::string_view, 2> kActionKinds = {"cart_abandoned", "cart_abandonment_cancelled"};

template <class Enum, std::size_t N>
std::string_view name_of(const std::array<std::string_view, N>& names, Enum value) {
  const auto index = static_cast<std::size_t>(value);
  return index < N ? names[index] : std::string_view("unknown");
}

}  // namespace

std::string_view to_string(EventType type) { return name_of(kEventTypes, type); }
std::string_view to_string(Verdict verdict) { return name_of(kVerdicts, verdict); }
std::string_view to_string(Purpose purpose) { return name_of(kPurposes, purpose); }
std::string_view to_string(BotReason reason) { return name_of(kBotReasons, reason); }
std::string_view to_string(FunnelStep step) { return name_of(kFunnelSteps, step); }
std::string_view to_string(Channel channel) { return name_of(kChannels, channel); }
std::string_view to_string(Device device) { return name_of(kDevices, device); }
std::string_view to_string(OrderStatus status) { return name_of(kOrderStatuses, status); }
std::string_view to_string(Topic topic) { return name_of(kTopics, topic); }
std::string_view to_string(ActionKind kind) { return name_of(kActionKinds, kind); }

}  // namespace millrace::event
