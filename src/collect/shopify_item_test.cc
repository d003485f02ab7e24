#include "collect/shopify_item.h"

#include <doctest/doctest.h>

#include "collect/dialect_rig.h"
#include "collect/signature.h"
#include "collect/webhook_dialect.h"

using namespace millrace;
using namespace millrace::collect;
using event::Amount;
using event::EventType;
using event::Flag;
using event::Text;

namespace {

struct Shop {
  Shop()
      : sources(*SourceTable::make({{1, "shopify", "shop", "s3cret", true}}, {true, 0, "default"})),
        dialect(sources, {}),
        rig(dialect) {}
  const event::Event& told(std::string_view topic, std::string_view body) {
    const std::string signature = signature_of(body, "s3cret", SignatureCoding::base64);
    const auto answer = rig.post("/webhooks/shopify/shop", body,
                                 {{"X-Shopify-Topic", topic},
                                  {"X-Shopify-Hmac-Sha256", signature},
                                  {"X-Shopify-Shop-Domain", "a.shop"}});
    REQUIRE(answer.status == 200);
    return rig.event();
  }
  SourceTable sources;
  WebhookDialect dialect;
  DialectRig rig;
};

std::string both(std::string_view shop, std::string_view shop_currency, std::string_view customer,
                 std::string_view customer_currency) {
  return R"({"shop_money":{"amount":")" + std::string(shop) + R"(","currency_code":")" +
         std::string(shop_currency) + R"("},"presentment_money":{"amount":")" + std::string(customer) +
         R"(","currency_code":")" + std::string(customer_currency) + R"("}})";
}

}  // namespace

TEST_CASE("what is of no product of the catalogue goes by its title, ordered and returned") {
  Shop shop;
  const auto& order = shop.told(
      "orders/create",
      R"({"id":1,"currency":"EUR","total_price":"25.00","subtotal_price":"22.00","line_items":[)"
      R"({"product_id":7,"sku":"","title":"Tea","price":"10.00","quantity":1},)"
      R"({"product_id":null,"variant_id":null,"sku":null,"title":"Engraving \u00e9","price":"12.00","quantity":1},)"
      R"({"product_id":null,"sku":"","title":"Tip","price":"3.00","quantity":1},)"
      R"({"product_id":null,"sku":"GONE","title":"No longer sold","price":"0","quantity":1},)"
      R"({"product_id":null,"sku":null,"title":null,"price":"0","quantity":1}]})");
  REQUIRE(order.products.size() == 4);
  CHECK(order.products[0].product_id == "7");
  CHECK(order.products[1].product_id == "Engraving \u00e9");
  CHECK(order.products[1].name == "Engraving \u00e9");
  CHECK(order.products[2].product_id == "Tip");
  CHECK(order.products[3].product_id == "GONE");
  const auto& refund =
      shop.told("refunds/create",
                R"({"id":2,"order_id":1,"refund_line_items":[{"quantity":1,"line_item":)"
                R"({"product_id":null,"sku":null,"title":"Tip","price":"3.00"}}],"transactions":[]})");
  CHECK(refund.type == EventType::order_refunded);
  REQUIRE(refund.products.size() == 1);
  CHECK(refund.products[0].product_id == "Tip");
}

TEST_CASE("free delivery is no discount on the goods") {
  Shop shop;
  const auto order = [](std::string_view discounts, std::string_view subtotal, std::string_view shipping) {
    return R"({"id":1,"currency":"EUR","total_line_items_price":"100.00","subtotal_price":")" +
           std::string(subtotal) + R"(","total_discounts":")" + std::string(discounts) +
           R"(","total_price":")" + std::string(subtotal) + R"(","total_shipping_price_set":)" +
           both(shipping, "EUR", "9.00", "USD") +
           R"(,"shipping_lines":[{"title":"Post","price":"5.00","discounted_price":"0.00"}],)"
           R"("line_items":[{"product_id":7,"price":"50.00","quantity":2}]})";
  };
  const auto& free = shop.told("orders/create", order("5.00", "100.00", "5.00"));
  CHECK(free[Amount::discount].micros == 0);
  CHECK(free[Amount::shipping].micros == 0);
  CHECK_FALSE(free.has(Flag::totals_differ));
  // Ten off the goods beside it; the price of the delivery as it is paid.
  const auto& beside = shop.told("orders/create", order("15.00", "90.00", "0.00"));
  CHECK(beside[Amount::discount].micros == 10'000'000);
  CHECK(beside[Amount::shipping].micros == 0);
  // Amounts that do not show it are left alone.
  const auto& unclear = shop.told("orders/create", order("5.00", "95.00", "5.00"));
  CHECK(unclear[Amount::discount].micros == 5'000'000);
  CHECK(unclear[Amount::shipping].micros == 5'000'000);
}

TEST_CASE("an edit names its order") {
  Shop shop;
  const auto& edit = shop.told(
      "orders/edited",
      R"({"order_edit":{"id":78912328793,"app_id":null,"created_at":"2025-06-15T15:06:00Z","notify_customer":false,)"
      R"("order_id":450789469,"reason":"","staff_note":"","user_id":null,"line_items":{"additions":[{"id":1,"delta":1}],)"
      R"("removals":[]},"committed_at":"2025-06-15T15:06:35Z"}})");
  CHECK(edit.type == EventType::order_updated);
  CHECK(edit[Text::order_id] == "450789469");
  CHECK(edit.event_time.ms == 1'749'999'995'000);
  CHECK(edit.products.empty());
}

TEST_CASE("a cart's currency is that of its prices") {
  Shop shop;
  const auto& cart = shop.told(
      "carts/update",
      R"({"id":"c1","token":"c1","line_items":[{"id":1,"quantity":3,"product_id":8,"price":"1500",)"
      R"("price_set":)" +
          both("1500", "JPY", "10.0", "USD") + R"(}],"note":null,"updated_at":"2025-06-15T15:06:00Z"})");
  CHECK(cart.currency.text() == "JPY");
  REQUIRE(cart.products.size() == 1);
  CHECK(cart.products[0].price.micros == 1'500'000'000);
  CHECK(cart.products[0].quantity == 3);
}

TEST_CASE("a refund paid back in the customer's currency is told in the shop's") {
  Shop shop;
  const std::string paid =
      R"("transactions":[{"kind":"refund","status":"success","amount":"20.00","currency":"USD"}],"total_duties_set":)" +
      both("0.00", "EUR", "0.00", "USD");
  const auto& units =
      shop.told("refunds/create",
                R"({"id":2,"order_id":1,"refund_line_items":[{"quantity":1,"subtotal":18.0,"subtotal_set":)" +
                    both("18.00", "EUR", "20.00", "USD") +
                    R"(,"line_item":{"product_id":7,"price":"18.00"}}],)" + paid + "}");
  CHECK(units.currency.text() == "EUR");
  CHECK_FALSE(units.has(Amount::total));
  REQUIRE(units.products.size() == 1);
  const auto& money = shop.told(
      "refunds/create",
      R"({"id":2,"order_id":1,"refund_line_items":[],"order_adjustments":[{"kind":"refund_discrepancy","amount":"-15.50",)"
      R"("tax_amount":"-2.50","amount_set":)" +
          both("-15.50", "EUR", "-17.00", "USD") + R"(,"tax_amount_set":)" +
          both("-2.50", "EUR", "-3.00", "USD") + "}]," + paid + "}");
  CHECK(money.currency.text() == "EUR");
  CHECK(money[Amount::total].micros == 18'000'000);
  const auto& unknown =
      shop.told("refunds/create",
                R"({"id":2,"order_id":1,"refund_line_items":[],"order_adjustments":[],)" + paid + "}");
  CHECK(unknown.type == EventType::order_refunded);
  CHECK_FALSE(unknown.has(Amount::total));
}

TEST_CASE("a refund on its way counts, one that gives nothing back is none") {
  Shop shop;
  const auto refund = [&](std::string_view transactions) -> const event::Event& {
    return shop.told("refunds/create", R"({"id":2,"order_id":1,"refund_line_items":[],"transactions":[)" +
                                           std::string(transactions) + "]}");
  };
  const auto& pending = refund(R"({"kind":"refund","status":"pending","amount":"5.00","currency":"EUR"})");
  CHECK(pending.type == EventType::order_refunded);
  CHECK(pending[Amount::total].micros == 5'000'000);
  CHECK(refund(R"({"kind":"refund","status":"failure","amount":"5.00","currency":"EUR"})").type ==
        EventType::other);
  CHECK(refund("").type == EventType::other);
  CHECK(
      refund(
          R"({"kind":"refund","status":"success","amount":"5.00"},{"kind":"refund","status":"success","amount":{}})")
          .type == EventType::order_refunded);
}

TEST_CASE("what is about no visitor is the shop's") {
  Shop shop;
  for (const std::string_view topic :
       {"fulfillments/create", "order_transactions/create", "app/uninstalled", "shop/update",
        "collections/update", "inventory_items/update", "disputes/create", "refunds/create"}) {
    CAPTURE(topic);
    CHECK(shop.told(topic, R"({"id":5,"order_id":1})")[Text::anonymous_id] == "shopify:a.shop");
  }
  CHECK(shop.told("draft_orders/create", R"({"id":5})")[Text::anonymous_id] == "shopify:a.shop:5");
}

TEST_CASE("members of the wrong type or beyond all sense leave the amounts as they came") {
  Shop shop;
  for (
      const std::string_view member :
      {R"("shipping_lines":7)", R"("shipping_lines":[7,null])", R"("shipping_lines":{"a":{"price":"1"}})",
       R"("shipping_lines":[{"price":"9e12","discounted_price":"-9e12"},{"price":"9e12","discounted_price":"-9e12"}])",
       R"("shipping_lines":[{"price":{},"discounted_price":[]}])", R"("order_edit":"x")",
       R"("order_edit":[])", R"("line_items":[{"product_id":null,"title":{"a":1},"sku":[]},null,[]])",
       R"("total_discounts":null,"shipping_lines":[{"price":"5","discounted_price":"4"}])",
       R"("transactions":[null,7,{"kind":"refund","status":"success","amount":"-9e12"},{"kind":"refund","status":"success","amount":"-9e12"}])",
       R"("transactions":{},"total_duties_set":{"shop_money":[]},"refund_line_items":[[]],"order_adjustments":[null])"}) {
    CAPTURE(member);
    for (const std::string_view topic : {"orders/create", "orders/edited", "refunds/create"}) {
      CAPTURE(topic);
      const auto& event =
          shop.told(topic, R"({"id":1,"order_id":1,"total_price":"5.00",)" + std::string(member) + "}");
      CHECK(event[Amount::total].micros == 5'000'000);
    }
  }
}
