#include <doctest/doctest.h>
#include <zlib.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/iso_time.h"
#include "commerce/entity_rig.h"
#include "event/money.h"

// A year of a real shop's orders, UCI Online Retail, against sums made naively.
namespace millrace::commerce {
namespace {

constexpr char kOnlineRetail[] =
    MILLRACE_SOURCE_DIR "/../shared/data/orders/online_retail_2010-12_2011-12.csv.gz";

struct RetailLine {
  std::string invoice, product, name, customer;
  std::int64_t quantity = 0;
  std::int64_t at_ms = 0;
  event::Money price;
};

std::vector<std::string> fields_of(gzFile file, std::string& buffer) {
  std::vector<std::string> fields(1);
  if (gzgets(file, buffer.data(), static_cast<int>(buffer.size())) == nullptr) return {};
  bool quoted = false;
  for (const char* c = buffer.c_str(); *c != 0; ++c) {
    if (*c == '"') {
      quoted = !quoted;
    } else if (*c == ',' && !quoted) {
      fields.emplace_back();
    } else if (*c != '\n' && *c != '\r') {
      fields.back().push_back(*c);
    }
  }
  return fields;
}

std::optional<std::vector<RetailLine>> read_retail() {
  const gzFile file = gzopen(kOnlineRetail, "rb");
  if (file == nullptr) return std::nullopt;
  std::vector<RetailLine> lines;
  std::string buffer(1 << 16, '\0');
  fields_of(file, buffer);
  for (auto row = fields_of(file, buffer); row.size() == 8; row = fields_of(file, buffer)) {
    RetailLine& line = lines.emplace_back();
    line.invoice = row[0];
    line.product = row[1];
    line.name = row[2];
    std::from_chars(row[3].data(), row[3].data() + row[3].size(), line.quantity);
    line.at_ms = base::parse_iso_time(row[4])->ms;
    line.price = event::parse_money(row[5])->money;
    line.customer = row[6];
  }
  gzclose(file);
  return lines;
}

const std::vector<RetailLine>* retail() {
  static const auto lines = read_retail();
  if (lines.has_value()) return &*lines;
  MESSAGE("skipped: no Online Retail data beside the source tree");
  return nullptr;
}

// Calls with [first, last) of each invoice.
template <class Visit>
void each_invoice(const std::vector<RetailLine>& lines, Visit&& visit) {
  for (std::size_t first = 0; first < lines.size();) {
    std::size_t last = first;
    while (last < lines.size() && lines[last].invoice == lines[first].invoice) ++last;
    visit(first, last);
    first = last;
  }
}

// Units of one product in one order, one entry each line, in order: what is left to return of them.
struct Units {
  std::vector<std::pair<std::int64_t, event::Money>> left;
};
struct NaiveTotals {
  std::map<std::string, std::map<std::string, Units>> orders;  // By order, then product.
  std::map<std::string, std::string> last_order;               // By customer and product.
  std::map<std::string, std::uint64_t> purchases;

  // Returns the order that the return belongs to, if any, having taken the units from it.
  std::string take_back(const RetailLine& line) {
    const auto order = last_order.find(line.customer + "|" + line.product);
    if (line.customer.empty() || order == last_order.end()) return "";
    std::int64_t quantity = -line.quantity;
    auto& left = orders[order->second][line.product].left;
    std::vector<std::pair<std::int64_t, event::Money>*> in_turn;
    for (auto& units : left) in_turn.push_back(&units);
    std::stable_partition(in_turn.begin(), in_turn.end(),
                          [&line](const auto* units) { return units->second == line.price; });
    for (auto* const units : in_turn) {
      const std::int64_t taken = std::min(quantity, units->first);
      units->first -= taken;
      quantity -= taken;
    }
    return order->second;
  }
};

event::OrderPlaced placed(const std::vector<RetailLine>& lines, std::size_t first, std::size_t last) {
  event::OrderPlaced fact;
  fact.order.order_id = lines[first].invoice;
  fact.order.visitor_id = "browser-" + lines[first].customer;
  fact.order.ordered_at = {lines[first].at_ms};
  fact.order.currency = event::parse_currency("GBP");
  for (std::size_t i = first; i < last; ++i) {
    fact.order.lines.push_back({lines[i].product, lines[i].name, "", lines[i].quantity, lines[i].price});
  }
  return fact;
}

TEST_CASE("a year of orders, told twice and partly returned, gives each product its true units and revenue") {
  const auto* lines = retail();
  if (lines == nullptr) return;
  EntitySettings settings;
  settings.order.retention_ms = 1000 * base::kDayMs;
  settings.order.repeat_ms = -1;  // Times are to the minute here, and equal returns in one minute are two.
  EntityRig rig{settings};
  NaiveTotals naive;
  std::size_t invoices = 0, returned_lines = 0;
  std::uint64_t told_twice = 0;
  std::set<std::string> seen;
  each_invoice(*lines, [&](std::size_t first, std::size_t last) {
    const RetailLine& head = (*lines)[first];
    // One invoice goes on after another one's lines: that is the same order told again, and adds nothing.
    const bool again_seen = !seen.insert(head.invoice).second;
    if (head.invoice[0] != 'C') {
      rig.fact(placed(*lines, first, last));
      for (std::size_t i = first; i < last && !again_seen; ++i) {
        const RetailLine& line = (*lines)[i];
        if (line.quantity <= 0) continue;
        auto& units = naive.orders[line.invoice][line.product];
        if (units.left.empty()) ++naive.purchases[line.product];
        units.left.emplace_back(line.quantity, line.price);
        naive.last_order[line.customer + "|" + line.product] = line.invoice;
      }
      if (invoices % 10 == 0) {
        auto again = placed(*lines, first, last);
        again.order.visitor_id = "server";
        rig.fact(again);
        ++told_twice;
      }
    }
    for (std::size_t i = first; i < last && head.invoice[0] == 'C'; ++i) {
      ++returned_lines;
      const std::string order = naive.take_back((*lines)[i]);
      if (order.empty()) continue;
      auto refund = placed(*lines, i, i + 1);
      refund.order.order_id = order;
      refund.order.status = event::OrderStatus::refunded;
      refund.order.lines[0].quantity *= -1;
      rig.fact(refund);
    }
    if (++invoices % 200 == 0) rig.tick(head.at_ms);
    if (invoices % 50 == 0) rig.run(500);
    if (invoices % 3000 == 0) rig.checkpoint();
    if (invoices % 7000 == 0) rig.crash();
  });
  rig.run(500);
  CHECK_EQ(lines->size(), 541'909);
  CHECK_EQ(seen.size(), 25'900);
  CHECK_EQ(returned_lines, 9'288);
  CHECK(rig.stage().duplicate_orders() >= told_twice);

  std::map<std::string, std::pair<std::int64_t, std::int64_t>> expected;
  for (const auto& [order, products] : naive.orders) {
    for (const auto& [product, units] : products) {
      for (const auto& [quantity, price] : units.left) {
        expected[product].first += quantity;
        expected[product].second += quantity * price.micros;
      }
    }
  }
  REQUIRE(expected.size() > 3000);
  for (const auto& [product, sums] : expected) {
    CAPTURE(product);
    const auto& view = rig.products.at(product);
    REQUIRE_EQ(static_cast<std::int64_t>(view->units_sold), sums.first);
    REQUIRE_EQ(view->revenue.micros, sums.second);
    REQUIRE_EQ(view->purchases, naive.purchases.at(product));
  }
  // The newest version of every order holds what is left of it.
  std::map<std::string, event::OrderRow> newest;
  for (const auto& row : rig.orders) newest[row.order_id] = row;
  for (const auto& [order, products] : naive.orders) {
    std::int64_t left = 0;
    for (const auto& [product, units] : products) {
      for (const auto& [quantity, price] : units.left) left += quantity;
    }
    std::int64_t found = 0;
    for (const auto& line : newest.at(order).lines) found += std::max<std::int64_t>(0, line.quantity);
    CAPTURE(order);
    REQUIRE_EQ(found, left);
  }
}

TEST_CASE("a year of orders through the stock: every sale reserved and committed, returns counted back in") {
  const auto* lines = retail();
  if (lines == nullptr) return;
  process::MemoryStateStore store;
  StockSettings settings;
  settings.lines_max = 2000;
  Stock stock(store, "stock/", settings);
  std::map<std::string, std::int64_t> received, sold;
  std::uint64_t sequence = 0, refused = 0;
  const auto receive = [&](const std::string& sku, std::int64_t units) {
    const StockItem* item = stock.item(sku);
    const std::int64_t on_hand = item == nullptr ? 0 : item->on_hand;
    REQUIRE_EQ(stock.apply(sequence++, event::SetStock{sku, on_hand + units, 0, ""}).status, 200);
    received[sku] += units;
  };
  each_invoice(*lines, [&](std::size_t first, std::size_t last) {
    stock.advance({(*lines)[first].at_ms});
    event::Reserve reserve{(*lines)[first].invoice + "/" + std::to_string(first), {}, 0};
    std::map<std::string, std::int64_t> wanted;
    for (std::size_t i = first; i < last; ++i) {
      const RetailLine& line = (*lines)[i];
      if (line.invoice[0] == 'C') receive(line.product, -line.quantity);
      if (line.invoice[0] == 'C' || line.quantity <= 0) continue;
      reserve.lines.push_back({line.product, line.quantity});
      wanted[line.product] += line.quantity;
    }
    if (reserve.lines.empty()) return;
    if (stock.apply(sequence++, reserve).status == 409) {
      ++refused;
      const auto shorts = stock.reservation(reserve.id)->shorts;
      for (const auto& line : shorts) receive(line.sku, line.requested + 500);
      reserve.id += "-again";
      REQUIRE_EQ(stock.apply(sequence++, reserve).status, 201);
    }
    REQUIRE_EQ(stock.apply(sequence++, event::CommitReservation{reserve.id}).status, 200);
    for (const auto& [sku, units] : wanted) sold[sku] += units;
  });
  CHECK(refused > 1000);
  for (const auto& [sku, units] : received) {
    const StockItem* item = stock.item(sku);
    CAPTURE(sku);
    REQUIRE_EQ(item->committed, sold[sku]);
    REQUIRE_EQ(item->on_hand, units - sold[sku]);
    REQUIRE_EQ(item->reserved, 0);
  }
  CHECK_EQ(stock.pending(), 0);
}

}  // namespace
}  // namespace millrace::commerce
