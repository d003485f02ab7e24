#include "collect/shopify_item.h"

#include "collect/client_time.h"

namespace millrace::collect {

using event::EventType;

namespace {

constexpr std::string_view kVisitorNames[] = {"anonymousId", "anonymous_id", "millrace_id"};

std::string_view text_of(const JsonTape& tape, std::uint32_t object, std::string_view key) {
  const std::uint32_t node = member_of(tape, object, key);
  return node == 0 ? std::string_view{} : tape[node].text;
}

bool is_empty(const JsonTape& tape, std::uint32_t node) { return node == 0 || tape[node].end == node + 1; }

}  // namespace

void prepare_shopify_item(JsonTape& item, EventType type) {
  const std::uint32_t attributes = member_of(item, 0, "note_attributes");
  for (std::uint32_t i = attributes + 1; attributes != 0 && i < item[attributes].end; i = item[i].end) {
    const std::string_view name = text_of(item, i, "name");
    for (const std::string_view known : kVisitorNames) {
      if (name == known) item[i].key = "anonymous_id";
    }
  }
  const std::uint32_t lines = member_of(item, 0, "line_items");
  const bool has_refunds = !is_empty(item, member_of(item, 0, "refunds"));
  if (type == EventType::order_updated && has_refunds && lines != 0)
    item[lines].key = "line_items as ordered";
}

std::optional<base::WallTime> shopify_time(const JsonTape& item, EventType type) {
  const auto first_of = [&](std::initializer_list<std::string_view> keys) -> std::optional<base::WallTime> {
    for (const std::string_view key : keys) {
      const JsonNode* const node = root_member(item, key);
      if (node == nullptr || node->kind != JsonKind::string) continue;
      if (const auto time = parse_client_time(node->kind, node->text)) return time;
    }
    return std::nullopt;
  };
  switch (type) {
    case EventType::order_completed:
    case EventType::order_refunded: return first_of({"processed_at", "created_at"});
    case EventType::order_cancelled: return first_of({"cancelled_at", "updated_at"});
    case EventType::checkout_started: return first_of({"created_at"});
    default: return first_of({"updated_at", "created_at"});
  }
}

std::optional<event::Money> shopify_refund(const JsonTape& item) {
  const std::uint32_t transactions = member_of(item, 0, "transactions");
  if (is_empty(item, transactions)) return std::nullopt;
  event::Money sum;
  for (std::uint32_t i = transactions + 1; i < item[transactions].end; i = item[i].end) {
    if (text_of(item, i, "kind") != "refund" || text_of(item, i, "status") != "success") continue;
    const auto amount = event::parse_money(text_of(item, i, "amount"));
    if (!amount) return std::nullopt;
    const auto more = event::add(sum, amount->money);
    if (!more) return std::nullopt;
    sum = *more;
  }
  return sum;
}

}  // namespace millrace::collect
