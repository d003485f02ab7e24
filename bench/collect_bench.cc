// What one core makes of a request body: scan, lay out, map to the canonical event, encode as a journal record. No socket
// and no disk.
//
//   collect_bench [seconds per figure]

#include <fmt/format.h>
#include <time.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "collect/intake.h"
#include "collect/segment_dialect.h"

namespace {

using namespace millrace;

// CPU time of this thread, so that whatever else the machine does is not counted.
double now_s() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

std::string browser_event(base::SeededRandom& random) {
  return fmt::format(
      R"({{"type":"track","event":"Product Viewed","messageId":"{:016x}-{:08x}","anonymousId":"{:016x}","timestamp":)"
      R"("2026-11-21T{:02}:{:02}:{:02}.{:03}Z","context":{{"page":{{"path":"/p/{}",)"
      R"("url":"https://shop.example/p/{}","referrer":"https://search.example/"}},"userAgent":"Mozilla/5.0 Firefox/128.0",)"
      R"("locale":"de-DE"}},"properties":{{"product_id":"sku-{}","name":"Product number {}","price":{}.{:02},)"
      R"("currency":"EUR","category":"shoes","quantity":1}}}})",
      random.next(), random.below(1u << 31), random.below(100'000), random.below(24), random.below(60),
      random.below(60), random.below(1000), random.below(5000), random.below(5000), random.below(5000),
      random.below(5000), random.below(300), random.below(100));
}

std::string order_event(base::SeededRandom& random) {
  std::string products;
  for (int i = 0; i < 3; ++i) {
    products += fmt::format(
        R"({}{{"product_id":"sku-{}","name":"Product {}","price":{}.{:02},"quantity":{},"image_url":)"
        R"("https://cdn.shop.example/{}.jpg"}})",
        i == 0 ? "" : ",", random.below(5000), random.below(5000), random.below(300), random.below(100),
        1 + random.below(3), random.below(5000));
  }
  return fmt::format(
      R"({{"type":"track","event":"Order Completed","messageId":"{:016x}","userId":"u{}","anonymousId":"{:016x}",)"
      R"("timestamp":"2026-11-21T10:00:00.000Z","properties":{{"order_id":"o-{}","revenue":{}.{:02},"shipping":4.9,)"
      R"("tax":"19.00","currency":"EUR","gift_wrap":true,"products":[{}]}}}})",
      random.next(), random.below(10'000), random.below(100'000), random.below(1'000'000), random.below(900),
      random.below(100), products);
}

std::string batch_of(std::size_t events, std::string (*make)(base::SeededRandom&),
                     base::SeededRandom& random) {
  std::string body = R"({"batch":[)";
  for (std::size_t i = 0; i < events; ++i) body += (i == 0 ? "" : ",") + make(random);
  return body + R"(],"sentAt":"2026-11-21T10:00:00.000Z","writeKey":"wk"})";
}

struct Figure {
  std::string name;
  std::string path;
  std::vector<std::string> bodies;
  std::size_t events_per_body;
};

void measure(const collect::SegmentDialect& dialect, const Figure& figure, double seconds) {
  int endpoint = 0;
  for (const auto& candidate : dialect.endpoints()) {
    if (candidate.pattern == figure.path && candidate.method == http::Method::post) endpoint = candidate.id;
  }
  const auto reader = dialect.reader();
  collect::Intake intake(8, collect::TimeSource::wall);
  http::Request request;
  request.method = http::Method::post;
  request.peer = "192.0.2.1";
  request.headers = {
      {"Host", "localhost"}, {"Authorization", "Basic d2s6"}, {"Content-Type", "application/json"}};
  std::uint64_t events = 0;
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  const double began = now_s();
  double took = 0;
  while ((took = now_s() - began) < seconds) {
    for (const std::string& body : figure.bodies) {
      request.body = body;
      intake.begin({1'795'000'000'000}, body.size());
      const auto refusal = reader->read(request, endpoint, {1'795'000'000'000}, intake);
      if (refusal || intake.outcome().accepted != figure.events_per_body) {
        fmt::print(stderr, "{}: not accepted: {}\n", figure.name, refusal ? refusal->message : body);
        std::exit(1);
      }
      for (const auto& share : intake.take_shares()) bytes_out += share.records.bytes().size();
      events += figure.events_per_body;
      bytes_in += body.size();
    }
  }
  const auto per_event = [&](double value) { return value / static_cast<double>(events); };
  fmt::print(
      "{:<28} {:>10.0f} events/s  {:>6.0f} ns/event  {:>5.0f} bytes in  {:>5.0f} bytes in the journal\n",
      figure.name, static_cast<double>(events) / took, per_event(took * 1e9),
      per_event(static_cast<double>(bytes_in)), per_event(static_cast<double>(bytes_out)));
}

}  // namespace

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 2.0;
  auto sources = collect::SourceTable::make({{1, "shop", "wk", "", true}}, {});
  if (!sources) return 1;
  const collect::SegmentDialect dialect(*sources, {});
  base::SeededRandom random(1);
  Figure single{"single product view", "/v1/track", {}, 1};
  Figure batch{"50 product views", "/v1/batch", {}, 50};
  Figure orders{"50 orders of three lines", "/v1/batch", {}, 50};
  for (int i = 0; i < 512; ++i) single.bodies.push_back(browser_event(random));
  for (int i = 0; i < 64; ++i) batch.bodies.push_back(batch_of(50, browser_event, random));
  for (int i = 0; i < 64; ++i) orders.bodies.push_back(batch_of(50, order_event, random));
  for (const Figure* figure : {&single, &batch, &orders}) measure(dialect, *figure, seconds);
  return 0;
}
