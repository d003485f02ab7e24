#include "collect/shopify_stock.h"

#include <doctest/doctest.h>

#include <map>

#include "base/random.h"
#include "collect/dialect_rig.h"
#include "collect/signature.h"
#include "collect/webhook_dialect.h"
#include "sim/sim_disk.h"

using namespace millrace;
using namespace millrace::collect;

namespace {

constexpr std::string_view kFile = "shopify_stock";

std::string counted(ShopifyStock& stock, std::string_view item, std::string_view location,
                    std::int64_t available, std::int64_t at_ms) {
  const auto level = stock.count(item, location, available, {at_ms});
  REQUIRE(level.ok());
  return *level ? (*level)->sku + " " + std::to_string((*level)->on_hand) : "-";
}

struct Door {
  sim::SimDisk disk{1};
  std::unique_ptr<ShopifyStock> stock = *ShopifyStock::open(disk, std::string(kFile));
  SourceTable sources = *SourceTable::make({{1, "shopify", "shop", "s3cret", true}}, {});
  WebhookDialect dialect{sources, {}, stock.get()};
  DialectRig rig{dialect};
  int deliveries = 0;

  std::vector<event::SetStock> deliver(std::string_view topic, std::string_view body) {
    const std::string signature = signature_of(body, "s3cret", SignatureCoding::base64);
    const std::string id = "d" + std::to_string(++deliveries);
    const auto answer = rig.post("/webhooks/shopify/shop", body,
                                 {{"X-Shopify-Topic", topic},
                                  {"X-Shopify-Hmac-Sha256", signature},
                                  {"X-Shopify-Shop-Domain", "a.myshopify.com"},
                                  {"X-Shopify-Webhook-Id", id}});
    CHECK(answer.status == 200);
    return rig.sink.intake.take_counts();
  }
};

}  // namespace

TEST_CASE(
    "a SKU that must not be on a disk is not learned, and of a source that is kept out nothing is taken") {
  sim::SimDisk disk(9);
  const auto stock = *ShopifyStock::open(disk, std::string(kFile));
  stock->keep_out([](std::string_view sku) { return sku.starts_with("4111"); }, {false, true});
  REQUIRE(stock->learn("7", "4111111111111111").ok());
  REQUIRE(stock->learn("4111111111111111", "shoe").ok());
  CHECK_EQ(counted(*stock, "4111111111111111", "1", 5, 1), "-");
  CHECK_EQ(counted(*stock, "7", "4111111111111111", 5, 1), "-");
  CHECK_EQ(disk::read_file(disk, kFile)->size(), 0);
  CHECK_EQ(counted(*stock, "41110000000000", "1", 5, 1),
           "41110000000000 5");  // As long as Shopify's own are.
  REQUIRE(stock->learn("7", "shoe").ok());
  CHECK_GT(disk::read_file(disk, kFile)->size(), 0);
  CHECK(stock->takes(0));
  CHECK_FALSE(stock->takes(1));
  CHECK(stock->takes(2));
}

TEST_CASE("locations add up, old news changes nothing, and all of it is there after a restart") {
  sim::SimDisk disk{1};
  auto stock = *ShopifyStock::open(disk, std::string(kFile));
  CHECK(counted(*stock, "9001", "1", 40, 1000) == "9001 40");
  REQUIRE(stock->learn("9001", "TEA 5 kg").ok());
  CHECK(counted(*stock, "9001", "2", 2, 1000) == "TEA 5 kg 42");
  CHECK(counted(*stock, "9001", "1", 5, 999) == "-");
  CHECK(counted(*stock, "9001", "2", -3, 1000) == "TEA 5 kg 40");
  CHECK(counted(*stock, "x", "2", 1, 1000) == "-");
  CHECK(counted(*stock, "9001", "", 1, 1000) == "-");
  REQUIRE(stock->learn("9002", "two\nlines").ok());
  CHECK(counted(*stock, "9002", "1", 7, 1) == "9002 7");
  stock = *ShopifyStock::open(disk, std::string(kFile));
  CHECK(counted(*stock, "9001", "3", 1, 1) == "TEA 5 kg 41");
  CHECK(counted(*stock, "9001", "1", 5, 999) == "-");

  // A line that was cut off is as if it had not been; one that is wrong is no such file.
  const auto whole = disk::read_file(disk, kFile);
  REQUIRE(whole.ok());
  CHECK(
      *whole ==
      "sku 9001 TEA 5 kg\nlevel 9001 1 40 1000\nlevel 9001 2 -3 1000\nlevel 9002 1 7 1\nlevel 9001 3 1 1\n");
  REQUIRE(disk::write_file_atomically(disk, kFile, *whole + "level 9001 4 10").ok());
  stock = *ShopifyStock::open(disk, std::string(kFile));
  CHECK(counted(*stock, "9001", "3", 1, 1) == "TEA 5 kg 41");
  for (const std::string_view wrong : {"what 1 2\n", "level 1 2 3\n", "level a 2 3 4\n", "sku 1 \n"}) {
    REQUIRE(disk::write_file_atomically(disk, kFile, *whole + std::string(wrong)).ok());
    CHECK_FALSE(ShopifyStock::open(disk, std::string(kFile)).ok());
  }
}

TEST_CASE("what could not be kept is refused, not known, and spoils nothing that was or will be kept") {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    CAPTURE(seed);
    sim::SimDisk disk{seed};
    base::SeededRandom random(seed);
    auto stock = *ShopifyStock::open(disk, std::string(kFile));
    disk.set_faults({.write_exhausted = 0.2, .create_exhausted = 0.1, .sync_fails = 0.2});
    std::map<std::string, std::int64_t> known;  // Units by item.
    const auto check = [&] {
      for (const auto& [item, units] : known) CHECK_EQ(counted(*stock, item, "1", 1, 0), "-");
      for (const auto& [item, units] : known) {
        const auto level = stock->count(item, "2", 0, {1});
        REQUIRE(level.ok());
        CHECK_EQ((*level)->on_hand, units);
      }
    };
    for (std::int64_t at = 1; at <= 60; ++at) {
      const std::string item = std::to_string(random.below(5));
      const auto units = static_cast<std::int64_t>(random.below(2) == 0 ? 1 : 1'000'000'000'000);
      const auto level = stock->count(item, "1", units, {at});
      if (level.ok()) {
        known[item] = units;
      } else {
        CHECK((level.error().code() == base::ErrorCode::io ||
               level.error().code() == base::ErrorCode::exhausted));
        if (!known.contains(item)) continue;
        const auto old = stock->count(item, "1", 7, {0});
        CHECK((old.ok() && !*old));
      }
    }
    disk.set_faults({});
    check();
    disk.restart();
    stock = *ShopifyStock::open(disk, std::string(kFile));
    check();
  }
}

TEST_CASE("after a power cut it opens with all that was answered, wherever the last line was torn") {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    CAPTURE(seed);
    sim::SimDisk disk{seed};
    auto stock = *ShopifyStock::open(disk, std::string(kFile));
    std::int64_t kept = 0;
    disk.cut_after(40 + seed);
    for (std::int64_t at = 1; at < 200; ++at) {
      if (!stock->count("12345678901234", "98765432109876", at, {at}).ok()) break;
      kept = at;
    }
    disk.crash();
    auto reopened = ShopifyStock::open(disk, std::string(kFile));
    REQUIRE_MESSAGE(reopened.ok(), (reopened.ok() ? "" : reopened.error().message()));
    if (kept > 0) CHECK_EQ(counted(**reopened, "12345678901234", "98765432109876", 7, kept - 1), "-");
  }
}

TEST_CASE("Shopify's webhooks count stock under the SKU that its products told of") {
  Door door;
  const std::string_view level =
      R"({"inventory_item_id":9001,"location_id":7,"available":6,"updated_at":"2025-06-15T15:06:35+00:00"})";
  auto counts = door.deliver("inventory_levels/update", level);
  REQUIRE(counts.size() == 1);
  CHECK(counts[0].sku == "9001");
  CHECK(door.rig.event().type == event::EventType::other);
  CHECK(
      door.deliver(
              "products/update",
              R"({"id":5,"variants":[{"sku":"TEA","inventory_item_id":9001},{"sku":null,"inventory_item_id":9001},5]})")
          .empty());
  counts = door.deliver("inventory_levels/update", level);
  REQUIRE(counts.size() == 1);
  CHECK(counts[0].sku == "TEA");
  CHECK(counts[0].on_hand == 6);
  CHECK(counts[0].safety == 0);
  CHECK(counts[0].reference == "shopify:d3");
  CHECK(door.deliver("orders/create", R"({"id":1,"available":5,"inventory_item_id":9001,"location_id":7})")
            .empty());
  for (const std::string_view nothing : {R"({"inventory_item_id":9001,"location_id":7,"available":null})",
                                         R"({"inventory_item_id":9001,"location_id":7,"available":1.5})",
                                         R"({"inventory_item_id":{},"location_id":[],"available":3})",
                                         R"({"available":99999999999999999999})", "{}"}) {
    CHECK(door.deliver("inventory_levels/update", nothing).empty());
  }
}
