#include "tools/replay_formats.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <functional>
#include <map>

#include "base/iso_time.h"
#include "tools/csv.h"
#include "tools/json_text.h"

namespace millrace::tools {

namespace {

using base::Error;
using base::ErrorCode;

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

void leave_out(ReplaySet& set, const Error& why) {
  if (set.unreadable++ == 0) set.first_unreadable = why.message();
}

// "12/1/2010 8:26", as spreadsheets of the United States write it, as ISO 8601; other text as it is.
std::string iso_of_spreadsheet(const std::string& text) {
  int month = 0, day = 0, year = 0, hour = 0, minute = 0, length = 0;
  if (std::sscanf(text.c_str(), "%2d/%2d/%4d %2d:%2d%n", &month, &day, &year, &hour, &minute, &length) != 5 ||
      static_cast<std::size_t>(length) != text.size()) {
    return text;
  }
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:00", year, month, day, hour, minute);
}

base::Result<std::int64_t> local_time(const std::string& text, std::size_t row) {
  std::string with_zone = iso_of_spreadsheet(text);
  if (with_zone.size() > 10 && with_zone[10] == ' ') with_zone[10] = 'T';
  const auto time = base::parse_iso_time(with_zone + "Z");
  if (!time.ok()) return at_line(row, "cannot read the time \"" + text + "\"");
  return time->ms;
}

// Gives every row to `take`, which sees it in `fields`, and leaves out those that it cannot use.
void read_rows(CsvReader& reader, std::vector<std::string>& fields, ReplaySet& set,
               const std::function<base::Status(std::size_t row)>& take) {
  for (std::size_t row = 0; reader.next(fields); ++row) {
    if (reader.ended_in_quotes()) {
      leave_out(set, at_line(row, "a quote is opened and never closed; nothing from there on was read"));
      return;
    }
    if (const auto taken = take(row); !taken.ok()) leave_out(set, taken.error());
  }
}

ReplaySet read_retailrocket(std::string_view text) {
  struct Order {
    std::int64_t at_ms;
    std::size_t row;
    std::string visitor;
    std::vector<std::string> items;
  };
  ReplaySet set;
  std::map<std::string, Order> orders;
  CsvReader reader(text);
  std::vector<std::string> fields;
  reader.next(fields);
  const auto take = [&](std::size_t row) -> base::Status {
    std::int64_t at_ms = 0;
    if (fields.size() < 5 ||
        std::from_chars(fields[0].data(), fields[0].data() + fields[0].size(), at_ms).ec != std::errc()) {
      return at_line(row, "expected timestamp,visitorid,event,itemid,transactionid");
    }
    if (fields[2] == "transaction") {
      auto [order, is_new] = orders.try_emplace(fields[4], Order{at_ms, row, fields[1], {}});
      if (at_ms < order->second.at_ms) order->second.at_ms = at_ms;
      order->second.items.push_back(fields[3]);
      return base::Ok{};
    }
    const bool view = fields[2] == "view";
    if (!view && fields[2] != "addtocart") return at_line(row, "unknown event \"" + fields[2] + "\"");
    set.items.push_back(
        {at_ms, fmt::format(R"({{"type":"track","event":"{}","anonymousId":{},"messageId":"retailrocket-{}",)"
                            R"("timestamp":"{}","properties":{{"product_id":{}{}}}}})",
                            view ? "Product Viewed" : "Product Added", json_text(fields[1]), row, iso(at_ms),
                            json_text(fields[3]), view ? "" : ",\"quantity\":1")});
    return base::Ok{};
  };
  read_rows(reader, fields, set, take);
  for (const auto& [id, order] : orders) {
    std::string lines;
    for (const auto& item : order.items) {
      lines +=
          fmt::format(R"({}{{"product_id":{},"quantity":1}})", lines.empty() ? "" : ",", json_text(item));
    }
    set.items.push_back(
        {order.at_ms,
         fmt::format(
             R"({{"type":"track","event":"Order Completed","anonymousId":{},"messageId":"retailrocket-{}",)"
             R"("timestamp":"{}","properties":{{"order_id":{},"products":[{}]}}}})",
             json_text(order.visitor), order.row, iso(order.at_ms), json_text(id), lines)});
  }
  sort_by_time(set.items);
  return set;
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

ReplaySet read_retentioneering(std::string_view text) {
  ReplaySet set;
  CsvReader reader(text);
  std::vector<std::string> fields;
  reader.next(fields);
  const auto take = [&](std::size_t row) -> base::Status {
    if (fields.size() < 6)
      return at_line(row, "expected user_id,session_id,event,timestamp,platform,acquisition_channel");
    TRY_ASSIGN(const std::int64_t at_ms, local_time(fields[3], row));
    const auto step = std::find_if(std::begin(kRetentioneeringSteps), std::end(kRetentioneeringSteps),
                                   [&](const Step& s) { return s.event == fields[2]; });
    if (step == std::end(kRetentioneeringSteps)) return at_line(row, "unknown event \"" + fields[2] + "\"");
    std::string properties(step->properties);
    if (fields[2] == "purchase") properties = "\"order_id\":" + json_text(fields[0] + "-" + fields[1]);
    set.items.push_back(
        {at_ms, fmt::format(R"({{{},"anonymousId":{},"messageId":"retentioneering-{}","timestamp":"{}",)"
                            R"("properties":{{{}}},"context":{{"device":{{"type":{}}}{}}}}})",
                            step->call, json_text(fields[0]), row, iso(at_ms), properties,
                            json_text(fields[4]), retentioneering_campaign(fields[5]))});
    return base::Ok{};
  };
  read_rows(reader, fields, set, take);
  sort_by_time(set.items);
  return set;
}

// An invoice is an order; one whose number begins with C is a cancellation of goods.
ReplaySet read_online_retail(std::string_view text) {
  struct Invoice {
    std::int64_t at_ms;
    std::size_t row;
    std::string customer;
    std::string country;
    std::string lines;
  };
  ReplaySet set;
  std::map<std::string, Invoice> invoices;
  CsvReader reader(text);
  std::vector<std::string> fields;
  reader.next(fields);
  const auto take = [&](std::size_t row) -> base::Status {
    if (fields.size() < 8)
      return at_line(
          row, "expected InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country");
    TRY_ASSIGN(const std::int64_t at_ms, local_time(fields[4], row));
    std::string quantity = fields[3];
    if (fields[0].starts_with("C") && quantity.starts_with("-")) quantity.erase(0, 1);
    if (!is_number(quantity) || !is_number(fields[5])) {
      return at_line(row, fmt::format("expected numbers, not \"{}\" and \"{}\"", fields[3], fields[5]));
    }
    auto& invoice =
        invoices.try_emplace(fields[0], Invoice{at_ms, row, fields[6], fields[7], ""}).first->second;
    invoice.lines += fmt::format(R"({}{{"product_id":{},"name":{},"quantity":{},"price":{}}})",
                                 invoice.lines.empty() ? "" : ",", json_text(fields[1]), json_text(fields[2]),
                                 quantity, fields[5]);
    return base::Ok{};
  };
  read_rows(reader, fields, set, take);
  for (const auto& [number, invoice] : invoices) {
    std::string customer = invoice.customer.substr(0, invoice.customer.find('.'));
    if (customer.empty()) customer = "guest-" + number;
    set.items.push_back(
        {invoice.at_ms,
         fmt::format(
             R"({{"type":"track","event":"{}","userId":{},"messageId":"online-retail-{}","timestamp":"{}",)"
             R"("properties":{{"order_id":{},"currency":"GBP","products":[{}]}},)"
             R"("context":{{"location":{{"country":{}}}}}}})",
             number.starts_with("C") ? "Order Refunded" : "Order Completed", json_text(customer), invoice.row,
             iso(invoice.at_ms), json_text(number), invoice.lines, json_text(invoice.country))});
  }
  sort_by_time(set.items);
  return set;
}

// Lines are sent as they are, in the file's order; only their time is looked for, for the pace.
ReplaySet read_segment_jsonl(std::string_view text) {
  ReplaySet set;
  simdjson::dom::parser parser;
  std::int64_t last_ms = 0;
  for (std::size_t row = 0; !text.empty(); ++row) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
    if (line.empty()) continue;
    if (simdjson::dom::object item;
        parser.parse(simdjson::padded_string(line)).get(item) != simdjson::SUCCESS) {
      leave_out(set, Error(ErrorCode::invalid_argument, fmt::format("line {}: is no JSON object", row + 1)));
      continue;
    }
    for (const std::string_view key : {"\"originalTimestamp\":\"", "\"timestamp\":\""}) {
      const std::size_t at = line.find(key);
      if (at == std::string_view::npos) continue;
      const std::string_view value = line.substr(at + key.size());
      if (const auto time = base::parse_iso_time(value.substr(0, value.find('"'))); time.ok())
        last_ms = time->ms;
      break;
    }
    set.items.push_back({last_ms, std::string(line)});
  }
  return set;
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
