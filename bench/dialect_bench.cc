// What one core makes of the same visits told in each dialect: from a request's body to journal records. The figure is the thread's CPU
// time in the least disturbed of many short slices; Segment's is the one that the others are held against.
//
//   dialect_bench [seconds per figure]

#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "collect/ga4_dialect.h"
#include "collect/intake.h"
#include "collect/segment_dialect.h"
#include "collect/snowplow_dialect.h"

namespace {

using namespace millrace;

constexpr int kEvents = 20;
constexpr double kSliceSeconds = 0.02;

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

// As trackers write it: the url-safe alphabet, without padding.
std::string base64(std::string_view text) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string out;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    bits = bits << 8 | static_cast<unsigned char>(c);
    for (count += 8; count >= 6; count -= 6) out += kDigits[(bits >> (count - 6)) & 63];
  }
  if (count > 0) out += kDigits[(bits << (6 - count)) & 63];
  return out;
}

// How an item has the JSON within it: a setting of every tracker.
enum class Coding { plain, base64 };
std::string snowplow_items(base::SeededRandom& random, Coding coding) {
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
        R"("https://search.example/","lang":"de-DE",)",
        i == 0 ? "" : ",", random.next(), random.below(1u << 31), random.below(100'000),
        random.below(100'000), random.below(5000));
    if (coding == Coding::plain) {
      body += R"("ue_pr":)";
      http::append_json_string(body, event);
      body += R"(,"co":)";
      http::append_json_string(body, context);
    } else {
      body += R"("ue_px":")" + base64(event) + R"(","cx":")" + base64(context) + '"';
    }
    body += R"(,"stm":"1763719200000"})";
  }
  return body + "]}";
}

std::string snowplow_batch(base::SeededRandom& random) { return snowplow_items(random, Coding::plain); }
std::string snowplow_coded_batch(base::SeededRandom& random) {
  return snowplow_items(random, Coding::base64);
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

// One dialect's requests through a reader of its own, again and again.
class Lane {
 public:
  Lane(const char* name, std::unique_ptr<collect::Dialect> dialect, std::string_view target,
       std::string (*make)(base::SeededRandom&))
      : name_(name), dialect_(std::move(dialect)), reader_(dialect_->reader()) {
    base::SeededRandom random(7);
    for (int i = 0; i < 50; ++i) bodies_.push_back(make(random));
    request_.method = http::Method::post;
    INVARIANT(http::parse_target(target, request_));
    request_.peer = "192.0.2.7";
    for (const auto& candidate : dialect_->endpoints()) {
      if (candidate.method == http::Method::post && candidate.pattern == request_.path)
        endpoint_ = candidate.id;
    }
  }
  const char* name() const { return name_; }
  double best_ns() const { return best_ns_; }

  void run_slice(double seconds) {
    std::uint64_t events = 0;
    const double began = now_s();
    double now = began;
    while (now - began < seconds) {
      for (const auto& body : bodies_) {
        request_.body = body;
        intake_.begin({1'763'719'200'500}, body.size());
        INVARIANT(!reader_->read(request_, endpoint_, {1'763'719'200'500}, intake_));
        INVARIANT(intake_.outcome().accepted == kEvents);
        events += intake_.outcome().accepted;
        (void)intake_.take_shares();
      }
      now = now_s();
    }
    best_ns_ = std::min(best_ns_, 1e9 * (now - began) / static_cast<double>(events));
  }

 private:
  const char* const name_;
  const std::unique_ptr<collect::Dialect> dialect_;
  const std::unique_ptr<collect::Reader> reader_;
  collect::Intake intake_{4, collect::TimeSource::wall};
  std::vector<std::string> bodies_;
  http::Request request_;
  int endpoint_ = -1;
  double best_ns_ = 1e12;
};

}  // namespace

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 2;
  const auto sources = *collect::SourceTable::make({}, {true, 0, "default"});
  const collect::ItemLimits limits;
  Lane lanes[] = {
      {"segment", std::make_unique<collect::SegmentDialect>(sources, limits), "/v1/batch", segment_batch},
      {"snowplow", std::make_unique<collect::SnowplowDialect>(sources, limits, collect::SnowplowSettings{}),
       "/com.snowplowanalytics.snowplow/tp2", snowplow_batch},
      {"snowplow base64",
       std::make_unique<collect::SnowplowDialect>(sources, limits, collect::SnowplowSettings{}),
       "/com.snowplowanalytics.snowplow/tp2", snowplow_coded_batch},
      {"ga4 protocol", std::make_unique<collect::Ga4ProtocolDialect>(sources, limits),
       "/mp/collect?measurement_id=G", protocol_batch},
      {"ga4 tag", std::make_unique<collect::Ga4TagDialect>(sources, limits),
       "/g/"
       "collect?v=2&tid=G&cid=1.2&sid=3&_p=4&_s=5&ul=de-de&dl=https%3A%2F%2Fshop.example%2Fp%2F1&dt=Shoe"
       "&dr=https%3A%2F%2Fsearch.example%2F",
       tag_batch},
  };
  // In turn, so that all are disturbed alike by what else runs.
  for (double left = seconds; left > 0; left -= kSliceSeconds) {
    for (Lane& lane : lanes) lane.run_slice(kSliceSeconds);
  }
  for (const Lane& lane : lanes) {
    fmt::print("{:<24} {:>10.0f} events/s  {:>5.0f} ns  {:>4.0f} %\n", lane.name(), 1e9 / lane.best_ns(),
               lane.best_ns(), 100 * lanes[0].best_ns() / lane.best_ns());
  }
  return 0;
}
