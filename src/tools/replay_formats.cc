#include "tools/replay_formats.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>

#include "base/iso_time.h"
#include "tools/csv.h"
#include "tools/json_text.h"

namespace millrace::tools {

namespace {

using base::Error;
using base::ErrorCode;

using Items = base::Result<std::vector<ReplayItem>>;

Error at_line(std::size_t row, std::string_view what) {
  return Error(ErrorCode::invalid_argument, fmt::format("line {}: {}", row + 2, what));
}

std::string iso(std::int64_t ms) {
  std::string text;
  base::append_iso_time(text, {ms});
  return text;
}

// Numbers go into the item as they are written, so they must be ones of JSON.
bool is_number(std::string_view text) {
  double value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return false;
  if (text.starts_with('-')) text.remove_prefix(1);
  const std::string_view whole = text.substr(0, text.find('.'));
  return (whole == "0" || (!whole.empty() && whole.front() != '0')) && !text.ends_with('.');
}

void sort_by_time(std::vector<ReplayItem>& items) {
  std::stable_sort(items.begin(), items.end(),
                   [](const auto& a, const auto& b) { return a.at_ms < b.at_ms; });
}

base::Result<std::int64_t> local_time(const std::string& text, std::size_t row) {
  std::string with_zone = text;
  if (with_zone.size() > 10 && with_zone[10] == ' ') with_zone[10] = 'T';
  const auto time = base::parse_iso_time(with_zone + "Z");
  if (!time.ok()) return at_line(row, "cannot read the time \"" + text + "\"");
  return time->ms;
}

Items read_retailrocket(std::string_view text) {
  struct Order {
    std::int64_t at_ms;
    std::size_t row;
    std::string visitor;
    std::vector<std::string> items;
  };
  std::vector<ReplayItem> items;
  std::map<std::string, Order> orders;
  CsvReader reader(text);
  std::vector<std::string> fields;
  reader.next(fields);
  for (std::size_t row = 0; reader.next(fields); ++row) {
    std::int64_t at_ms = 0;
    if (fields.size() < 5 ||
        std::from_chars(fields[0].data(), fields[0].data() + fields[0].size(), at_ms).ec != std::errc()) {
      return at_line(row, "expected timestamp,visitorid,event,itemid,transactionid");
    }
    if (fields[2] == "transaction") {
      auto [order, is_new] = orders.try_emplace(fields[4], Order{at_ms, row, fields[1], {}});
      if (at_ms < order->second.at_ms) order->second.at_ms = at_ms;
      order->second.items.push_back(fields[3]);
      continue;
    }
    const bool view = fields[2] == "view";
    if (!view && fields[2] != "addtocart") return at_line(row, "unknown event \"" + fields[2] + "\"");
    items.push_back(
        {at_ms, fmt::format(R"({{"type":"track","event":"{}","anonymousId":{},"messageId":"retailrocket-{}",)"
                            R"("timestamp":"{}","properties":{{"product_id":{}{}}}}})",
                            view ? "Product Viewed" : "Product Added", json_text(fields[1]), row, iso(at_ms),
                            json_text(fields[3]), view ? "" : ",\"quantity\":1")});
  }
  for (const auto& [id, order] : orders) {
    std::string lines;
    for (const auto& item : order.items) {
      lines +=
          fmt::format(R"({}{{"product_id":{},"quantity":1}})", lines.empty() ? "" : ",", json_text(item));
    }
    items.push_back(
        {order.at_ms,
         fmt::format(
             R"({{"type":"track","event":"Order Completed","anonymousId":{},"messageId":"retailrocket-{}",)"
             R"("timestamp":"{}","properties":{{"order_id":{},"products":[{}]}}}})",
             json_text(order.visitor), order.row, iso(order.at_ms), json_text(id), lines)});
  }
  sort_by_time(items);
  return items;
}

struct Step {
  std::string_view event;
  std::string_view call;        // What comes before the properties.
  std::string_view properties;  // Without braces.
};
constexpr Step kRetentioneeringSteps[] = {
    {"home", R"("type":"page")", R"("path":"/")"},
    {"promo_page", R"("type":"page")", R"("path":"/promo")"},
    {"account_page", R"("type":"page")", R"("path":"/account")"},
    {"review_page", R"("type":"page")", R"("path":"/reviews")"},
    {"compare", R"("type":"page")", R"("path":"/compare")"},
    {"error_page", R"("type":"page")", R"("path":"/error")"},
    {"catalog", R"("type":"track","event":"Product List Viewed")", R"("list_id":"catalog")"},
    {"search", R"("type":"track","event":"Products Searched")", ""},
    {"filter_results", R"("type":"track","event":"Product List Filtered")", R"("list_id":"catalog")"},
    {"product_view", R"("type":"track","event":"Product Viewed")", ""},
    {"wishlist_add", R"("type":"track","event":"Product Added to Wishlist")", ""},
    {"add_to_cart", R"("type":"track","event":"Product Added")", R"("quantity":1)"},
    {"cart", R"("type":"track","event":"Cart Viewed")", ""},
    {"shipping_details", R"("type":"track","event":"Checkout Step Viewed")", R"("step":1)"},
    {"payment_details", R"("type":"track","event":"Payment Info Entered")", ""},
    {"payment_error", R"("type":"track","event":"Payment Failed")", ""},
    {"checkout_bug", R"("type":"track","event":"Checkout Error")", ""},
    {"support_chat", R"("type":"track","event":"Support Chat Opened")", ""},
    {"purchase", R"("type":"track","event":"Order Completed")", ""},
};

std::string_view retentioneering_campaign(std::string_view channel) {
  if (channel == "paid_search") return R"(,"campaign":{"source":"search","medium":"cpc"})";
  if (channel == "organic") return R"(,"campaign":{"medium":"organic"})";
  if (channel == "email") return R"(,"campaign":{"medium":"email"})";
  if (channel == "social") return R"(,"campaign":{"medium":"social"})";
  return "";
}

Items read_retentioneering(std::string_view text) {
  std::vector<ReplayItem> items;
  CsvReader reader(text);
  std::vector<std::string> fields;
  reader.next(fields);
  for (std::size_t row = 0; reader.next(fields); ++row) {
    if (fields.size() < 6)
      return at_line(row, "expected user_id,session_id,event,timestamp,platform,acquisition_channel");
    TRY_ASSIGN(const std::int64_t at_ms, local_time(fields[3], row));
    const auto step = std::find_if(std::begin(kRetentioneeringSteps), std::end(kRetentioneeringSteps),
                                   [&](const Step& s) { return s.event == fields[2]; });
    if (step == std::end(kRetentioneeringSteps)) return at_line(row, "unknown event \"" + fields[2] + "\"");
    std::string properties(step->properties);
    if (fields[2] == "purchase") properties = "\"order_id\":" + json_text(fields[0] + "-" + fields[1]);
    items.push_back(
        {at_ms, fmt::format(R"({{{},"anonymousId":{},"messageId":"retentioneering-{}","timestamp":"{}",)"
                            R"("properties":{{{}}},"context":{{"device":{{"type":{}}}{}}}}})",
                            step->call, json_text(fields[0]), row, iso(at_ms), properties,
                            json_text(fields[4]), retentioneering_campaign(fields[5]))});
  }
  sort_by_time(items);
  return items;
}

// An invoice is an order; one whose number begins with C is a cancellation of goods.
Items read_online_retail(std::string_view text) {
  struct Invoice {
    std::int64_t at_ms;
    std::size_t row;
    std::string customer;
    std::string country;
    std::string lines;
  };
  std::vector<ReplayItem> items;
  std::map<std::string, Invoice> invoices;
  CsvReader reader(text);
  std::vector<std::string> fields;
  reader.next(fields);
  for (std::size_t row = 0; reader.next(fields); ++row) {
    if (fields.size() < 8)
      return at_line(
          row, "expected InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country");
    TRY_ASSIGN(const std::int64_t at_ms, local_time(fields[4], row));
    auto& invoice =
        invoices.try_emplace(fields[0], Invoice{at_ms, row, fields[6], fields[7], ""}).first->second;
    std::string quantity = fields[3];
    if (fields[0].starts_with("C") && quantity.starts_with("-")) quantity.erase(0, 1);
    if (!is_number(quantity) || !is_number(fields[5])) {
      return at_line(row, fmt::format("expected numbers, not \"{}\" and \"{}\"", fields[3], fields[5]));
    }
    invoice.lines += fmt::format(R"({}{{"product_id":{},"name":{},"quantity":{},"price":{}}})",
                                 invoice.lines.empty() ? "" : ",", json_text(fields[1]), json_text(fields[2]),
                                 quantity, fields[5]);
  }
  for (const auto& [number, invoice] : invoices) {
    std::string customer = invoice.customer.substr(0, invoice.customer.find('.'));
    if (customer.empty()) customer = "guest-" + number;
    items.push_back(
        {invoice.at_ms,
         fmt::format(
             R"({{"type":"track","event":"{}","userId":{},"messageId":"online-retail-{}","timestamp":"{}",)"
             R"("properties":{{"order_id":{},"currency":"GBP","products":[{}]}},)"
             R"("context":{{"location":{{"country":{}}}}}}})",
             number.starts_with("C") ? "Order Refunded" : "Order Completed", json_text(customer), invoice.row,
             iso(invoice.at_ms), json_text(number), invoice.lines, json_text(invoice.country))});
  }
  sort_by_time(items);
  return items;
}

// Lines are sent as they are, in the file's order; only their time is looked for, for the pace.
Items read_segment_jsonl(std::string_view text) {
  std::vector<ReplayItem> items;
  std::int64_t last_ms = 0;
  for (std::size_t row = 0; !text.empty(); ++row) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
    if (line.empty()) continue;
    for (const std::string_view key : {"\"originalTimestamp\":\"", "\"timestamp\":\""}) {
      const std::size_t at = line.find(key);
      if (at == std::string_view::npos) continue;
      const std::string_view value = line.substr(at + key.size());
      if (const auto time = base::parse_iso_time(value.substr(0, value.find('"'))); time.ok())
        last_ms = time->ms;
      break;
    }
    items.push_back({last_ms, std::string(line)});
  }
  return items;
}

}  // namespace

ReplayFormat replay_format(std::string_view name) {
  if (name == "retailrocket") return read_retailrocket;
  if (name == "retentioneering") return read_retentioneering;
  if (name == "online-retail") return read_online_retail;
  if (name == "segment-jsonl") return read_segment_jsonl;
  return nullptr;
}

}  // namespace millrace::tools
