// What one core makes of the same visits told in each dialect: from a request's body to journal records. The figure is user
// time; Segment's is the one that the others are held against.
//
//   dialect_bench [seconds per figure]

#include <fmt/format.h>
#include <time.h>

#include <cstdlib>
#include <memory>
#include <string>

#include "base/random.h"
#include "collect/ga4_dialect.h"
#include "collect/intake.h"
#include "collect/segment_dialect.h"
#include "collect/snowplow_dialect.h"

namespace {

using namespace millrace;

constexpr int kEvents = 20;

double now_s() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

std::string segment_batch(base::SeededRandom& random) {
  std::string body = R"({"writeKey":"wk","sentAt":"2026-11-21T10:00:00.000Z","batch":[)";
  for (int i = 0; i < kEvents; ++i) {
    body += fmt::format(
        R"({}{{"type":"track","event":"Product Viewed","messageId":"{:016x}-{:08x}","anonymousId":"{:016x}","timestamp":)"
        R"("2026-11-21T09:59:{:02}.000Z","context":{{"page":{{"url":"https://shop.example/p/{}","title":"Shoe","referrer":)"
        R"("https://search.example/"}},"locale":"de-DE"}},"properties":{{"product_id":"sku-{}","name":"Product {}",)"
        R"("price":{}.99,"currency":"EUR","category":"shoes","quantity":1}}}})",
        i == 0 ? "" : ",", random.next(), random.below(1u << 31), random.below(100'000), random.below(60),
        random.below(5000), random.below(5000), random.below(5000), random.below(300));
  }
  return body + "]}";
}

std::string snowplow_batch(base::SeededRandom& random) {
  std::string body =
      R"({"schema":"iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4","data":[)";
  for (int i = 0; i < kEvents; ++i) {
    const std::string event =
        R"({"schema":"iglu:com.snowplowanalytics.snowplow/unstruct_event/jsonschema/1-0-0","data":{"schema":)"
        R"("iglu:com.snowplowanalytics.snowplow.ecommerce/snowplow_ecommerce_action/jsonschema/1-0-2","data":{"type":"product_view"}}})";
    const std::string context = fmt::format(
        R"({{"schema":"iglu:com.snowplowanalytics.snowplow/contexts/jsonschema/1-0-0","data":[{{"schema":)"
        R"("iglu:com.snowplowanalytics.snowplow.ecommerce/product/jsonschema/1-0-0","data":{{"id":"sku-{}","name":"Product {}",)"
        R"("category":"shoes","price":{}.99,"currency":"EUR","quantity":1}}}}]}})",
        random.below(5000), random.below(5000), random.below(300));
    body += fmt::format(
        R"({}{{"e":"ue","eid":"{:016x}-{:08x}","tv":"js-4.10.1","tna":"sp","aid":"wk","p":"web","dtm":)"
        R"("17637191{:05}","duid":"{:016x}","url":"https://shop.example/p/{}","page":"Shoe","refr":)"
        R"("https://search.example/","lang":"de-DE","ue_pr":)",
        i == 0 ? "" : ",", random.next(), random.below(1u << 31), random.below(100'000),
        random.below(100'000), random.below(5000));
    http::append_json_string(body, event);
    body += R"(,"co":)";
    http::append_json_string(body, context);
    body += R"(,"stm":"1763719200000"})";
  }
  return body + "]}";
}

std::string protocol_batch(base::SeededRandom& random) {
  std::string body = fmt::format(R"({{"client_id":"{}.{}","timestamp_micros":"1763719200000000","events":[)",
                                 random.below(1u << 31), random.below(1u << 31));
  for (int i = 0; i < kEvents; ++i) {
    body += fmt::format(
        R"({}{{"name":"view_item","params":{{"session_id":"{}","engagement_time_msec":100,"page_location":)"
        R"("https://shop.example/p/{}","page_title":"Shoe","page_referrer":"https://search.example/","currency":"EUR","value":{}.99,)"
        R"("items":[{{"item_id":"sku-{}","item_name":"Product {}","item_category":"shoes","price":{}.99,"quantity":1}}]}}}})",
        i == 0 ? "" : ",", random.next(), random.below(5000), random.below(300), random.below(5000),
        random.below(5000), random.below(300));
  }
  return body + "]}";
}

std::string tag_batch(base::SeededRandom& random) {
  std::string body;
  for (int i = 0; i < kEvents; ++i) {
    body += fmt::format(
        "en=view_item&cu=EUR&epn.value={}.99&_et=100&pr1=idsku-{}~nmProduct%20{}~cashoes~pr{}.99~qt1\r\n",
        random.below(300), random.below(5000), random.below(5000), random.below(300));
  }
  return body;
}

double figure(const collect::Dialect& dialect, std::string_view target,
              std::string (*make)(base::SeededRandom&), double seconds) {
  base::SeededRandom random(7);
  const auto reader = dialect.reader();
  collect::Intake intake(4, collect::TimeSource::wall);
  std::vector<std::string> bodies;
  for (int i = 0; i < 200; ++i) bodies.push_back(make(random));
  http::Request request;
  request.method = http::Method::post;
  INVARIANT(http::parse_target(target, request));
  request.peer = "192.0.2.7";
  int endpoint = -1;
  for (const auto& candidate : dialect.endpoints()) {
    if (candidate.method == http::Method::post && candidate.pattern == request.path) endpoint = candidate.id;
  }
  std::uint64_t events = 0;
  const double began = now_s();
  double now = began;
  while (now - began < seconds) {
    for (const auto& body : bodies) {
      request.body = body;
      intake.begin({1'763'719'200'500}, body.size());
      INVARIANT(!reader->read(request, endpoint, {1'763'719'200'500}, intake));
      INVARIANT(intake.outcome().accepted == kEvents);
      events += intake.outcome().accepted;
      (void)intake.take_shares();
    }
    now = now_s();
  }
  return static_cast<double>(events) / (now - began);
}

}  // namespace

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 2;
  const auto sources = *collect::SourceTable::make({}, {true, 0, "default"});
  const double segment = figure(collect::SegmentDialect(sources, {}), "/v1/batch", segment_batch, seconds);
  const auto print = [&](const char* name, double value) {
    fmt::print("{:<24} {:>10.0f} events/s  {:>5.0f} ns  {:>4.0f} %\n", name, value, 1e9 / value,
               100 * value / segment);
  };
  print("segment", segment);
  print("snowplow", figure(collect::SnowplowDialect(sources, {}, {}), "/com.snowplowanalytics.snowplow/tp2",
                           snowplow_batch, seconds));
  print("ga4 protocol", figure(collect::Ga4ProtocolDialect(sources, {}), "/mp/collect?measurement_id=G",
                               protocol_batch, seconds));
  print("ga4 tag",
        figure(
            collect::Ga4TagDialect(sources, {}),
            "/g/"
            "collect?v=2&tid=G&cid=1.2&sid=3&_p=4&_s=5&ul=de-de&dl=https%3A%2F%2Fshop.example%2Fp%2F1&dt=Shoe"
            "&dr=https%3A%2F%2Fsearch.example%2F",
            tag_batch, seconds));
  return 0;
}
