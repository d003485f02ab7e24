#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <filesystem>
#include <memory>

#include "app/command.h"
#include "app/commands.h"
#include "app/exit_signal.h"
#include "app/platform.h"
#include "app/serve_options.h"
#include "app/system_clock.h"
#include "app/system_random.h"
#include "tools/http_client.h"
#include "tools/shop.h"

namespace millrace::app {

namespace {

constexpr std::size_t kConnections = 8;
constexpr std::size_t kBatchMax = 50;
constexpr std::int64_t kPrintMs = 2000;
constexpr std::int64_t kStepMs = 50;

struct DemoOptions {
  ServeOptions serve;
  double seconds = 0;
  tools::ShopSettings shop;
};

// The shop's traffic over real HTTP, from a thread of its own.
class Traffic {
 public:
  Traffic(tools::ShopSettings settings, tools::Endpoint to, const base::Clock& clock)
      : shop_(settings),
        client_(to, kConnections),
        stock_(to, 1),
        clock_(clock),
        worker_("shop", Priority::normal, [this] { return turn(); }) {}

  void open_shop() {
    for (auto& request : shop_.opening_stock()) stock_.send(render(request), [](const tools::Reply&) {});
    stock_.drain();
    worker_.start();
  }
  void stop() {
    worker_.stop();
    client_.drain();
    stock_.drain();
  }
  std::uint64_t items() const { return items_; }
  std::uint64_t failed() const { return failed_; }

 private:
  static std::string render(const tools::Shop::StockRequest& request) {
    return tools::render_request(request.method, request.target, request.body);
  }
  std::int64_t turn() {
    tools::Shop::Output out;
    shop_.step(clock_.wall(), out);
    for (std::size_t at = 0; at < out.items.size(); at += kBatchMax) {
      std::string body = "{\"batch\":[";
      for (std::size_t i = at; i < std::min(at + kBatchMax, out.items.size()); ++i) {
        if (i > at) body += ',';
        body += out.items[i];
        ++items_;
      }
      body += "]}";
      client_.send(tools::render_request("POST", "/v1/batch", body, "demo-shop"),
                   [this](const tools::Reply& reply) {
                     if (reply.status != 200) ++failed_;
                   });
    }
    for (const auto& request : out.requests) stock_.send(render(request), [](const tools::Reply&) {});
    client_.poll(1);
    stock_.poll(0);
    return client_.outstanding() + stock_.outstanding() > 0 ? 1 : kStepMs;
  }

  tools::Shop shop_;
  tools::HttpClient client_;
  tools::HttpClient stock_;  // One connection: a reservation and its commit stay in order.
  const base::Clock& clock_;
  std::atomic<std::uint64_t> items_{0};
  std::atomic<std::uint64_t> failed_{0};
  Worker worker_;
};

void print_figures(const Platform& platform, double events_per_s) {
  const auto status = platform.status();
  fmt::print(
      "{:7.0f} events/s   ack p99 {:6.2f} ms   event-to-view p99 {:6.2f} ms   {} rows committed   fsync p99 "
      "{:.2f} ms\n",
      events_per_s, status.ack.p99_ms, status.visible.p99_ms, platform.rows_committed(), status.fsync.p99_ms);
  std::fflush(stdout);
}

base::Status demo(DemoOptions& options) {
  const bool temporary = options.serve.data.empty();
  if (temporary) {
    options.serve.data =
        (std::filesystem::temp_directory_path() / fmt::format("millrace-demo-{}", getpid())).string();
  }
  TRY_ASSIGN(Settings settings, load_settings(options.serve));
  if (!settings.tls.certificate.empty()) {
    return base::Error(base::ErrorCode::invalid_argument,
                       "the simulated shop speaks no TLS: leave out http.tls_certificate_file");
  }
  ExitSignal exit_signal;
  SystemClock clock;
  SystemRandom random;
  auto opened = Platform::open(settings, clock, random);
  if (!opened.ok()) return std::move(opened).error();
  auto platform = *std::move(opened);
  if (auto started = platform->start(); !started.ok()) {
    return std::move(started).error().with_context("--port chooses another port");
  }
  fmt::print(
      "\nMillrace is running with a simulated shop.\n\n    dashboard   http://{}:{}/\n    data        "
      "{}\n\n{}\n\n",
      settings.http.address, platform->port(), settings.data_directory,
      options.seconds > 0 ? fmt::format("It ends after {:.0f} s.", options.seconds) : "Ctrl-C ends it.");
  std::fflush(stdout);
  Traffic traffic(options.shop, {settings.http.address, platform->port()}, clock);
  traffic.open_shop();
  const base::Instant began = clock.now();
  const auto passed_s = [&] { return static_cast<double>(clock.now() - began) / 1e9; };
  std::uint64_t before = 0;
  base::Instant printed = began;
  while (options.seconds <= 0 || passed_s() < options.seconds) {
    if (exit_signal.wait(
            options.seconds > 0
                ? std::min<std::int64_t>(kPrintMs,
                                         static_cast<std::int64_t>((options.seconds - passed_s()) * 1000) + 1)
                : kPrintMs))
      break;
    const double interval_s = static_cast<double>(clock.now() - printed) / 1e9;
    print_figures(*platform, static_cast<double>(traffic.items() - before) / interval_s);
    before = traffic.items();
    printed = clock.now();
  }
  traffic.stop();
  exit_signal.restore_default();
  const auto status = platform->status();
  fmt::print("\nStopping: committing what is not in the tables yet.\n");
  platform->stop();
  fmt::print(
      "\nSummary: {} events sent in {:.0f} s, {} requests failed, ack p99 {:.2f} ms, event-to-view p99 "
      "{:.2f} ms, {} rows committed.\n",
      traffic.items(), passed_s(), traffic.failed(), status.ack.p99_ms, status.visible.p99_ms,
      platform->rows_committed());
  platform.reset();
  if (temporary) {
    std::error_code ignored;
    std::filesystem::remove_all(settings.data_directory, ignored);
  }
  if (traffic.failed() > 0)
    return base::Error(base::ErrorCode::unavailable, "some requests were not acknowledged");
  return base::Ok{};
}

}  // namespace

void add_demo_command(Command program) {
  Command command = program.add(
      "demo", "Run Millrace with the traffic of a simulated shop, and say where the dashboard is");
  auto options = std::make_shared<DemoOptions>();
  add_serve_options(command, options->serve);
  command.option("--seconds", options->seconds, "End after so long, with a summary (default: until Ctrl-C)")
      .not_negative();
  command.option("--sessions", options->shop.sessions_per_s, "Shoppers that arrive a second (default 40)");
  command.option("--seed", options->shop.seed, "Same seed, same shop (default 7)");
  command.run([options] { return demo(*options); });
}

}  // namespace millrace::app
