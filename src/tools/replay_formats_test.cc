#include "tools/replay_formats.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace millrace;
using tools::replay_format;
using tools::ReplayItem;

namespace {

std::vector<ReplayItem> read(std::string_view format, std::string_view text) {
  auto set = replay_format(format)(text);
  REQUIRE_EQ(set.first_unreadable, "");
  return std::move(set.items);
}

std::string refusal(std::string_view format, std::string_view text) {
  const auto set = replay_format(format)(text);
  return set.unreadable == 0 ? "taken" : set.first_unreadable;
}

bool has(const ReplayItem& item, std::string_view part) { return item.json.find(part) != std::string::npos; }

constexpr std::string_view kRetailRocket = "timestamp,visitorid,event,itemid,transactionid\n";
constexpr std::string_view kRetentioneering =
    "user_id,session_id,event,timestamp,platform,acquisition_channel\n";
constexpr std::string_view kOnlineRetail =
    "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n";

}  // namespace

TEST_CASE("the lines of one RetailRocket transaction are one order, at its earliest time") {
  const auto items = read("retailrocket", std::string(kRetailRocket) +
                                              "1433221332117,257597,view,355908,\n"
                                              "1433222276276,287857,transaction,15335,4000\n"
                                              "1433222276200,287857,transaction,380775,4000\n"
                                              "1433221999827,111016,addtocart,318965,\n");
  REQUIRE(items.size() == 3);
  CHECK(items[0].at_ms == 1433221332117);
  CHECK(has(items[0], R"("event":"Product Viewed","anonymousId":"257597")"));
  CHECK(has(items[0], R"("timestamp":"2015-06-02T05:02:12.117Z")"));
  CHECK(has(items[1], R"("event":"Product Added")"));
  CHECK(items[2].at_ms == 1433222276200);
  CHECK(has(items[2], R"("order_id":"4000","products":[{"product_id":"15335","quantity":1},)"
                      R"({"product_id":"380775","quantity":1}])"));
}

TEST_CASE("message ids of a replay follow from the rows, so a repeated replay is recognised") {
  const std::string text = std::string(kRetailRocket) + "1433221332117,1,view,2,\n1433221332118,1,view,2,\n";
  const auto first = read("retailrocket", text), second = read("retailrocket", text);
  REQUIRE(first.size() == 2);
  for (std::size_t i = 0; i < 2; ++i) CHECK(first[i].json == second[i].json);
  CHECK(has(first[0], R"("messageId":"retailrocket-0")"));
  CHECK(has(first[1], R"("messageId":"retailrocket-1")"));
}

TEST_CASE("retentioneering steps become calls with their channel and device") {
  const auto items = read("retentioneering", std::string(kRetentioneering) +
                                                 "7,7_1,purchase,2024-03-01 10:00:05.500,mobile,paid_search\n"
                                                 "7,7_1,home,2024-03-01 10:00:00,mobile,paid_search\n");
  REQUIRE(items.size() == 2);
  CHECK(has(items[0], R"("type":"page")"));
  CHECK(has(items[0], R"("device":{"type":"mobile"},"campaign":{"source":"search","medium":"cpc"})"));
  CHECK(items[1].at_ms - items[0].at_ms == 5500);
  CHECK(has(items[1], R"("order_id":"7-7_1")"));
}

TEST_CASE("an invoice of Online Retail is an order, and one with a C returns goods") {
  const auto items =
      read("online-retail",
           std::string(kOnlineRetail) +
               "536365,85123A,WHITE \"\"HOLDER\"\",6,2010-12-01 08:26:00,2.55,17850.0,United Kingdom\n"
               "C536379,D,Discount,-1,2010-12-01 09:41:00,27.50,14527,United Kingdom\n"
               "536365,71053,METAL LANTERN,6,2010-12-01 08:26:00,3.39,17850.0,United Kingdom\n"
               "536370,X,NO CUSTOMER,1,2010-12-01 09:50:00,0.0,,France\n");
  REQUIRE(items.size() == 3);
  CHECK(has(items[0], R"("event":"Order Completed","userId":"17850")"));
  CHECK(has(items[0], R"("quantity":6,"price":2.55},{"product_id":"71053")"));
  CHECK(has(items[1], R"("event":"Order Refunded")"));
  CHECK(has(items[1], R"("quantity":1,"price":27.50)"));
  CHECK(has(items[2], R"("userId":"guest-536370")"));
}

TEST_CASE("lines of Segment items are sent as they are") {
  const auto items =
      read("segment-jsonl",
           "{\"type\":\"page\",\"timestamp\":\"2024-03-01T10:00:00Z\"}\r\n"
           "\n"
           "{\"type\":\"page\"}\n"
           "{\"type\":\"page\",\"originalTimestamp\":\"2024-03-01T10:00:01Z\",\"timestamp\":\"x\"}");
  REQUIRE(items.size() == 3);
  CHECK(items[0].json == "{\"type\":\"page\",\"timestamp\":\"2024-03-01T10:00:00Z\"}");
  // Without a time of its own a line goes with the one before it.
  CHECK(items[1].at_ms == items[0].at_ms);
  CHECK(items[1].json == "{\"type\":\"page\"}");
  CHECK(items[2].at_ms - items[0].at_ms == 1000);
}

TEST_CASE("a row that cannot be read is named by its line") {
  CHECK((replay_format("parquet") == nullptr));
  CHECK(refusal("retailrocket", std::string(kRetailRocket) + "1,2,view,3,\n1,2,stare,3,\n") ==
        "line 3: unknown event \"stare\"");
  CHECK(refusal("retailrocket", std::string(kRetailRocket) + "yesterday,2,view,3,\n").starts_with("line 2:"));
  CHECK(refusal("retailrocket", std::string(kRetailRocket) + "1433221332117,2\n").starts_with("line 2:"));
  CHECK(refusal("retentioneering", std::string(kRetentioneering) + "1,1_1,home,soon,web,email\n") ==
        "line 2: cannot read the time \"soon\"");
  // A price that is no number would have made the whole request unreadable.
  const std::string bad = "1,X,Thing,1,2010-12-01 08:26:00,}],1,France\n";
  CHECK(refusal("online-retail", std::string(kOnlineRetail) + bad).starts_with("line 2: expected numbers"));
  CHECK(refusal("online-retail", std::string(kOnlineRetail) + "1,X,Thing,,2010-12-01 08:26:00,1,1,France\n")
            .starts_with("line 2: expected numbers"));
  // Numbers, but not as JSON writes them.
  for (const std::string price : {".5", "5.", "007", "-.5", "-", "inf", "nan", "1e3", "+1"}) {
    CAPTURE(price);
    CHECK(refusal("online-retail",
                  std::string(kOnlineRetail) + "1,X,Thing,1,2010-12-01 08:26:00," + price + ",1,France\n")
              .starts_with("line 2: expected numbers"));
  }
  for (const char* format : {"retailrocket", "retentioneering", "online-retail", "segment-jsonl"})
    CHECK(read(format, "").empty());
}

TEST_CASE("rows that cannot be read are left out and counted, and the others are taken") {
  const auto rows = replay_format("retailrocket")(
      std::string(kRetailRocket) + "1433221332117,1,view,3,\nbad\n1433221332118,1,view,4,\n14332213");
  CHECK(rows.items.size() == 2);
  CHECK(rows.unreadable == 2);
  CHECK(rows.first_unreadable.starts_with("line 3:"));
  const auto lines = replay_format("segment-jsonl")("{\"type\":\"page\"}\n{not json\n[]\n{\"type\":\"pa");
  CHECK(lines.items.size() == 1);
  CHECK(lines.unreadable == 3);
  CHECK(lines.first_unreadable == "line 2: is no JSON object");
}

TEST_CASE("Online Retail is read as spreadsheets write its times, too") {
  const auto items =
      read("online-retail",
           std::string(kOnlineRetail) + "536365,85123A,HOLDER,6,12/1/2010 8:26,2.55,17850,United Kingdom\n");
  REQUIRE(items.size() == 1);
  CHECK(has(items[0], R"("timestamp":"2010-12-01T08:26:00.000Z")"));
  for (const char* time : {"13/1/2010 8:26", "12/1/2010 8:26 PM", "12/1/2010"}) {
    CHECK(refusal("online-retail", std::string(kOnlineRetail) + "1,X,Y,1," + time + ",1,1,France\n")
              .starts_with("line 2: cannot read the time"));
  }
}

TEST_CASE("text of old data sets becomes valid JSON text") {
  const auto items =
      read("online-retail",
           std::string(kOnlineRetail) + "1,X,\"CAF\xc9 \"\"A\\B\"\"\t\",1,2010-12-01 08:26:00,1,1,France\n");
  REQUIRE(items.size() == 1);
  CHECK(has(items[0], "\"name\":\"CAF\\u00c9 \\\"A\\\\B\\\"\\u0009\""));
}

TEST_CASE("bytes that only look like UTF-8 become valid JSON text, too") {
  for (const char* bytes : {"\xed\xa0\x80", "\xe0\x80\x80", "\xf4\x90\x80\x80", "\xf0\x80\x80\x80"}) {
    const auto items = read(
        "online-retail", std::string(kOnlineRetail) + "1,X," + bytes + ",1,2010-12-01 08:26:00,1,1,France\n");
    REQUIRE(items.size() == 1);
    CHECK(std::all_of(items[0].json.begin(), items[0].json.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x80; }));
  }
}

TEST_CASE("a quote that is never closed does not swallow the rows after it unseen") {
  const std::string row = "1,X,A,1,2010-12-01 08:26:00,1,1,";
  CHECK(refusal("online-retail", std::string(kOnlineRetail) + row + "\"France\n" + row + "France\n")
            .starts_with("line 2: a quote is opened and never closed"));
}
