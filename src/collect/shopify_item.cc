#include "collect/shopify_item.h"

#include <algorithm>
#include <string>
#include <utility>

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

bool is_text(const JsonTape& tape, std::uint32_t node) {
  return node != 0 && tape[node].kind == JsonKind::string && !tape[node].text.empty();
}

std::optional<event::Money> money_at(const JsonTape& tape, std::uint32_t node) {
  if (node == 0 || (tape[node].kind != JsonKind::string && tape[node].kind != JsonKind::number))
    return std::nullopt;
  const auto amount = event::parse_money(tape[node].text);
  return amount ? std::optional(amount->money) : std::nullopt;
}

std::optional<event::Money> difference(std::optional<event::Money> from, std::optional<event::Money> what) {
  if (!from || !what) return std::nullopt;
  return event::add(*from, {-what->micros});
}

// The node of what the shop counts in, of a member such as "subtotal_set"; 0 when there is none.
std::uint32_t shop_money(const JsonTape& tape, std::uint32_t object, std::string_view set) {
  const std::uint32_t both = member_of(tape, object, set);
  return both == 0 ? 0 : member_of(tape, both, "shop_money");
}

void write_amount(JsonTape& tape, std::uint32_t node, event::Money amount) {
  const std::string text = event::to_string(amount);
  char* const kept = tape.reserve_text(text.size());
  std::copy(text.begin(), text.end(), kept);
  tape[node].text = {kept, text.size()};
}

// Tips, and what the shop wrote into an order by hand, are of no product of the catalogue: their title is all that names them.
void name_custom_line(JsonTape& item, std::uint32_t line) {
  const std::uint32_t product = member_of(item, line, "product_id");
  const std::uint32_t title = member_of(item, line, "title");
  if (product == 0 || item[product].kind != JsonKind::null) return;
  if (is_text(item, member_of(item, line, "sku")) || !is_text(item, title)) return;
  item[product].kind = JsonKind::string;
  item[product].text = item[title].text;
}

void name_custom_lines(JsonTape& item) {
  const std::uint32_t ordered = member_of(item, 0, "line_items");
  for (std::uint32_t i = ordered + 1; ordered != 0 && i < item[ordered].end; i = item[i].end) {
    name_custom_line(item, i);
  }
  const std::uint32_t returned = member_of(item, 0, "refund_line_items");
  for (std::uint32_t i = returned + 1; returned != 0 && i < item[returned].end; i = item[i].end) {
    if (const std::uint32_t line = member_of(item, i, "line_item"); line != 0) name_custom_line(item, line);
  }
}

// "total_discounts" holds what was taken off the delivery, which the goods earn all the same. Where the amounts show that it does, it goes
// off the price of the delivery instead.
void part_shipping_discount(JsonTape& item) {
  const std::uint32_t lines = member_of(item, 0, "shipping_lines");
  std::optional<event::Money> full = event::Money{}, paid = event::Money{};
  for (std::uint32_t i = lines + 1; lines != 0 && i < item[lines].end; i = item[i].end) {
    const auto price = money_at(item, member_of(item, i, "price"));
    const auto discounted = money_at(item, member_of(item, i, "discounted_price"));
    if (!price || !discounted) return;
    full = event::add(*full, *price);
    paid = event::add(*paid, *discounted);
    if (!full || !paid) return;
  }
  const auto off = difference(full, paid);
  if (!off || off->micros == 0) return;
  const std::uint32_t discounts = member_of(item, 0, "total_discounts");
  const auto on_goods = difference(money_at(item, discounts), off);
  const auto goods = money_at(item, member_of(item, 0, "total_line_items_price"));
  if (!on_goods || difference(goods, money_at(item, member_of(item, 0, "subtotal_price"))) != on_goods)
    return;
  write_amount(item, discounts, *on_goods);
  const std::uint32_t shipping = shop_money(item, 0, "total_shipping_price_set");
  const std::uint32_t amount = shipping == 0 ? 0 : member_of(item, shipping, "amount");
  if (money_at(item, amount) == full) write_amount(item, amount, *paid);
}

// What the transactions of a refund pay back, and whether that is in the shop's currency. Those on their way count, those that failed do not.
struct Repaid {
  std::optional<event::Money> sum = event::Money{};
  bool in_shop_currency = true;
};

std::string_view shop_currency(const JsonTape& item) {
  const auto code = [&item](std::uint32_t money) {
    return money == 0 ? std::string_view{} : text_of(item, money, "currency_code");
  };
  std::string_view found = code(shop_money(item, 0, "total_duties_set"));
  for (const auto& [array, set] :
       {std::pair{"refund_line_items", "subtotal_set"}, std::pair{"order_adjustments", "amount_set"}}) {
    const std::uint32_t list = member_of(item, 0, array);
    if (found.empty() && !is_empty(item, list)) found = code(shop_money(item, list + 1, set));
  }
  return found;
}

Repaid repaid(const JsonTape& item, std::uint32_t transactions) {
  Repaid repaid;
  const std::string_view shop = shop_currency(item);
  for (std::uint32_t i = transactions + 1; i < item[transactions].end; i = item[i].end) {
    const std::string_view status = text_of(item, i, "status");
    if (text_of(item, i, "kind") != "refund" || (status != "success" && status != "pending")) continue;
    const std::string_view currency = text_of(item, i, "currency");
    if (!shop.empty() && !currency.empty() && currency != shop) repaid.in_shop_currency = false;
    const auto amount = money_at(item, member_of(item, i, "amount"));
    repaid.sum = amount && repaid.sum ? event::add(*repaid.sum, *amount) : std::nullopt;
  }
  return repaid;
}

// What a refund without lines gives back in the shop's currency: adjustments are what the order's total falls by, below zero.
std::optional<event::Money> adjusted(const JsonTape& item) {
  const std::uint32_t adjustments = member_of(item, 0, "order_adjustments");
  if (is_empty(item, adjustments)) return std::nullopt;
  std::optional<event::Money> sum = event::Money{};
  for (std::uint32_t i = adjustments + 1; i < item[adjustments].end; i = item[i].end) {
    for (const std::string_view set : {"amount_set", "tax_amount_set"}) {
      const std::uint32_t money = shop_money(item, i, set);
      sum = difference(sum, money == 0 ? std::nullopt : money_at(item, member_of(item, money, "amount")));
    }
  }
  return sum;
}

}  // namespace

void prepare_shopify_item(JsonTape& item, EventType type) {
  const std::uint32_t attributes = member_of(item, 0, "note_attributes");
  for (std::uint32_t i = attributes + 1; attributes != 0 && i < item[attributes].end; i = item[i].end) {
    const std::string_view name = text_of(item, i, "name");
    for (const std::string_view known : kVisitorNames) {
      if (name == known) item[i].key = "anonymous_id";
    }
  }
  name_custom_lines(item);
  part_shipping_discount(item);
  const std::uint32_t lines = member_of(item, 0, "line_items");
  const bool has_refunds = !is_empty(item, member_of(item, 0, "refunds"));
  if (type == EventType::order_updated && has_refunds && lines != 0)
    item[lines].key = "line_items as ordered";
}

std::optional<base::WallTime> shopify_time(const JsonTape& item, EventType type) {
  const std::uint32_t edit = member_of(item, 0, "order_edit");
  const auto first_of = [&](std::initializer_list<std::string_view> keys) -> std::optional<base::WallTime> {
    for (const std::string_view key : keys) {
      const std::uint32_t node = member_of(item, edit, key);
      if (!is_text(item, node)) continue;
      if (const auto time = parse_client_time(item[node].kind, item[node].text)) return time;
    }
    return std::nullopt;
  };
  if (edit != 0) return first_of({"committed_at", "created_at"});
  switch (type) {
    case EventType::order_completed:
    case EventType::order_refunded: return first_of({"processed_at", "created_at"});
    case EventType::order_cancelled: return first_of({"cancelled_at", "updated_at"});
    case EventType::checkout_started: return first_of({"created_at"});
    default: return first_of({"updated_at", "created_at"});
  }
}

ShopifyRefund shopify_refund(const JsonTape& item) {
  const std::uint32_t transactions = member_of(item, 0, "transactions");
  if (transactions == 0 || item[transactions].kind != JsonKind::array) return {};
  const Repaid money = repaid(item, transactions);
  const bool has_lines = !is_empty(item, member_of(item, 0, "refund_line_items"));
  if (!has_lines && money.sum && money.sum->micros == 0) return {.gives_back = false};
  if (is_empty(item, transactions)) return {};
  if (money.in_shop_currency) return {.total = money.sum};
  return {.total = has_lines ? std::nullopt : adjusted(item)};
}

}  // namespace millrace::collect
