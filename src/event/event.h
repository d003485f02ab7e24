#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "event/money.h"

namespace millrace::event {

// The canonical vocabulary: what happened, whatever client said it. Values are persisted; append only.
enum class EventType : std::uint8_t {
  other = 0,  // An event we have no name for; Text::event_name keeps what the client called it.
  page_viewed = 1,
  screen_viewed = 2,
  identified = 3,
  grouped = 4,
  aliased = 5,
  product_searched = 6,
  product_list_viewed = 7,
  product_list_filtered = 8,
  product_clicked = 9,
  product_viewed = 10,
  product_added = 11,
  product_removed = 12,
  cart_viewed = 13,
  promotion_viewed = 14,
  promotion_clicked = 15,
  checkout_started = 16,
  checkout_step_viewed = 17,
  checkout_step_completed = 18,
  payment_info_entered = 19,
  payment_failed = 20,
  order_completed = 21,
  order_updated = 22,
  order_refunded = 23,
  order_cancelled = 24,
  coupon_entered = 25,
  coupon_applied = 26,
  coupon_denied = 27,
  coupon_removed = 28,
  wishlist_added = 29,
  wishlist_removed = 30,
  wishlist_moved_to_cart = 31,
  product_shared = 32,
  cart_shared = 33,
  product_reviewed = 34,
};
constexpr std::size_t kEventTypeCount = 35;

// "product_viewed"; the name used in tables, API answers and settings.
std::string_view to_string(EventType type);

// The text fields of a canonical event. Values are persisted; append only, at most 64.
enum class Text : std::uint8_t {
  message_id,
  anonymous_id,
  user_id,
  previous_id,
  group_id,
  event_name,  // As the client wrote it.
  page_url,
  page_path,
  page_title,
  page_referrer,
  campaign_source,
  campaign_medium,
  campaign_name,
  campaign_term,
  campaign_content,
  click_id,  // Name of the advertiser's click parameter: gclid, fbclid, msclkid, ...
  user_agent,
  device_type,  // As the client wrote it, if it did.
  ip,
  locale,
  country,  // As the client wrote it, if it did: ISO 3166-1 alpha-2, upper case.
  timezone,
  email,  // From traits.
  order_id,
  checkout_id,
  cart_id,
  coupon,
  affiliation,
  query,
  list_id,
  category,  // Of a list or page; a product's own is in its line.
  promotion_id,
  payment_method,
  shipping_method,
  step,
  library_name,
  library_version,
  extra,  // JSON object with the properties, traits and context that no field here holds; never dropped.
};
constexpr std::size_t kTextCount = 38;

// The amounts of a canonical event, raw as the client gave them, in its `currency`.
enum class Amount : std::uint8_t { revenue, total, subtotal, tax, shipping, discount, value };
constexpr std::size_t kAmountCount = 7;

// Why a value is not as the client sent it. Bits are persisted; append only.
enum class Flag : std::uint8_t {
  time_corrected = 0,  // Shifted by sentAt against our clock.
  time_clamped = 1,    // Was outside [received - 7 d, received + 5 min].
  time_missing = 2,    // The receipt time stands in.
  imported = 3,        // From the history endpoint: event time taken as it is.
  message_id_made =
      4,  // The client sent none; derived from source, content and receipt position in the request.
  money_rounded = 5,
  money_unreadable = 6,  // An amount was not a number; it is in `extra`.
  totals_differ = 7,     // The order's amounts do not reconcile with its lines.
  fields_truncated = 8,  // A text field was over its limit; raw bytes are whole.
  pseudonymised = 9,     // Ids and addresses are keyed tokens, in the raw bytes too.
  anonymised = 10,       // Has no id, no address and no cookie; the raw bytes are gone.
  contract_violated = 11,
  bot = 12,                // Of a bot, and no revenue event: no operator counts it.
  personal_replaced = 13,  // Personal values in it are keyed tokens.
};

// What a visitor grants the use of an event for. Bits are persisted; append only.
enum class Purpose : std::uint8_t {
  necessary = 0,        // Orders, payment, stock: what the visitor asked for.
  analytics = 1,        // Sessions, funnels, figures of products.
  personalisation = 2,  // Recommendations, the visitor's own view.
  marketing = 3,        // Actions: the message about an abandoned cart.
};
constexpr std::size_t kPurposeCount = 4;
std::string_view to_string(Purpose purpose);

// The purposes granted for one event. Until something decides, nothing is withheld.
struct Purposes {
  static constexpr std::uint8_t kAll = (1u << kPurposeCount) - 1;
  std::uint8_t granted = kAll;  // Bits of Purpose.
  bool decided = false;         // By a signal of the visitor's or by a rule.

  static constexpr std::uint8_t bit(Purpose purpose) {
    return static_cast<std::uint8_t>(1u << static_cast<unsigned>(purpose));
  }
  bool has(Purpose purpose) const { return (granted & bit(purpose)) != 0; }
  bool operator==(const Purposes&) const = default;
};

// Why an event is thought to be a bot's. Bits are persisted; append only, at most 16.
enum class BotReason : std::uint8_t {
  user_agent = 0,   // On the published list.
  no_browser = 1,   // A program's library, where a browser was expected.
  rate = 2,         // More events than a person makes.
  regularity = 3,   // Events in a beat no person keeps.
  data_centre = 4,  // From an address of a data centre.
  headless = 5,     // A browser that says that nobody looks at it.
};
constexpr std::size_t kBotReasonCount = 6;
std::string_view to_string(BotReason reason);

// One product in an event. Views live as long as the event's.
struct ProductLine {
  std::string_view product_id;  // Falls back to sku; the key of product views and stock.
  std::string_view sku;
  std::string_view name;
  std::string_view brand;
  std::string_view category;
  std::string_view variant;
  std::string_view coupon;
  Money price;
  bool has_price = false;
  std::int64_t quantity = 1;
  std::int32_t position = -1;  // -1 when not given.
};

// A canonical commerce event. All text is views into memory owned by someone else: the request while it is being
// collected, the record batch after it was decoded from the journal.
struct Event {
  EventType type = EventType::other;
  std::uint16_t source = 0;    // Index of the source (write key) in event::SourceTable; persisted.
  base::WallTime received_at;  // Set by the server.
  base::WallTime event_time;   // Corrected and clamped.
  base::WallTime client_time;  // As sent; 0 when absent.
  std::uint32_t flags = 0;     // Bits of Flag.
  Purposes purposes;
  std::uint8_t bot_score = 0;     // 0..100
  std::uint16_t bot_reasons = 0;  // Bits of BotReason.
  std::uint64_t present_amounts = 0;
  Currency currency;
  std::array<std::string_view, kTextCount> texts{};
  std::array<Money, kAmountCount> amounts{};
  std::vector<ProductLine> products;
  std::string_view
      raw;  // The item's bytes as they arrived, but for personal values; without what the batch added.

  std::string_view& operator[](Text field) { return texts[static_cast<std::size_t>(field)]; }
  std::string_view operator[](Text field) const { return texts[static_cast<std::size_t>(field)]; }

  bool has(Amount amount) const { return (present_amounts >> static_cast<unsigned>(amount)) & 1u; }
  Money operator[](Amount amount) const { return amounts[static_cast<std::size_t>(amount)]; }
  void set(Amount amount, Money money) {
    amounts[static_cast<std::size_t>(amount)] = money;
    present_amounts |= 1u << static_cast<unsigned>(amount);
  }

  bool has(Flag flag) const { return (flags >> static_cast<unsigned>(flag)) & 1u; }
  void set(Flag flag) { flags |= 1u << static_cast<unsigned>(flag); }

  // The key that orders and partitions a visitor's events: anonymous_id, else user_id.
  std::string_view visitor_key() const {
    const auto anonymous = (*this)[Text::anonymous_id];
    return anonymous.empty() ? (*this)[Text::user_id] : anonymous;
  }
  // What its partition follows from: an anonymised event has no visitor, and its repetitions must still meet.
  std::string_view partition_key() const {
    const auto visitor = visitor_key();
    return visitor.empty() ? (*this)[Text::message_id] : visitor;
  }
};

// What became of an item. Values are persisted; append only.
enum class Verdict : std::uint8_t {
  accepted = 0,
  duplicate = 1,
  quarantined = 2,
  suppressed = 3,
  bot = 4,
  consent_dropped = 5,
};
constexpr std::size_t kVerdictCount = 6;
std::string_view to_string(Verdict verdict);

}  // namespace millrace::event
