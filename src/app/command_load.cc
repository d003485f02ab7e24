#include <fmt/format.h>

#include <charconv>
#include <memory>

#include "app/command.h"
#include "app/commands.h"
#include "app/server_address.h"
#include "app/system_clock.h"
#include "tools/load.h"
#include "tools/stock_load.h"

namespace millrace::app {

namespace {

struct Options {
  ServerAddress to;
  std::string rate = "1000", target = "collect";
  tools::LoadSettings load;
  tools::StockLoadSettings stock;
};

std::string quantile(const base::HistogramSnapshot& us, double fraction) {
  if (us.count() == 0) return "null";
  const std::uint64_t value = us.percentile(fraction);
  return value >= base::Histogram::kValueMax ? "\"infinite\""
                                             : fmt::format("{:.3f}", static_cast<double>(value) / 1000);
}

std::string counts(const std::map<int, std::uint64_t>& by_status) {
  std::string text;
  for (const auto& [status, count] : by_status) {
    if (count > 0) text += fmt::format("{}\"{}\":{}", text.empty() ? "" : ",", status, count);
  }
  return text;
}

std::string quantiles(const base::HistogramSnapshot& us) {
  return fmt::format("{{\"p50\":{},\"p90\":{},\"p99\":{},\"p999\":{},\"max\":{},\"count\":{}}}",
                     quantile(us, 0.5), quantile(us, 0.9), quantile(us, 0.99), quantile(us, 0.999),
                     quantile(us, 1.0), us.count());
}

void print(const Options& options, const tools::LoadReport& report) {
  fmt::print(
      "{{\"target\":\"{}\",\"batch\":{},\"connections\":{},\"seconds\":{:.1f},\"requests_per_s\":{:.0f},"
      "\"events_per_s\":{:.0f},\"statuses\":{{{}}},\"latency_ms\":{},\"ack_to_view_ms\":{},\"sent_to_view_"
      "ms\":{},"
      "\"probes_lost\":{},\"poll_us\":{},\"generator_cpu_s\":{:.2f}}}\n",
      options.target, options.load.batch, options.load.connections, report.seconds,
      static_cast<double>(report.sent) / report.seconds,
      static_cast<double>(report.events_acked) / report.seconds, counts(report.statuses),
      quantiles(report.latency_us), quantiles(report.visible_us), quantiles(report.sent_to_view_us),
      report.probes_lost, report.poll_us, report.cpu_seconds);
}

void print(const tools::StockLoadReport& report) {
  fmt::print(
      "{{\"target\":\"stock\",\"attempts\":{},\"reserved\":{},\"refused\":{},\"committed\":{},\"committed_"
      "units\":{},"
      "\"released\":{},\"retries\":{},\"repeated\":{},\"mismatches\":{},\"lost\":{},\"unexpected\":{{{}}},"
      "\"unfinished\":{},\"seconds\":{:.1f},\"attempts_per_s\":{:.0f},\"latency_ms\":{},\"generator_cpu_s\":{"
      ":.2f}}}\n",
      report.attempts, report.reserved, report.refused, report.committed, report.committed_units,
      report.released, report.retries, report.repeated, report.mismatches, report.lost,
      counts(report.unexpected), report.unfinished, report.seconds,
      static_cast<double>(report.attempts) / report.seconds, quantiles(report.latency_us),
      report.cpu_seconds);
}

base::Status run_stock(Options& options) {
  options.stock.to = options.load.to;
  options.stock.connections = options.load.connections;
  options.stock.seed = options.load.seed;
  options.stock.answers_file = options.load.acked_file;
  const SystemClock clock;
  TRY_ASSIGN(const auto report, tools::run_stock_load(options.stock, clock));
  print(report);
  return base::Ok{};
}

base::Status run(Options& options) {
  TRY_ASSIGN(options.load.to, options.to.endpoint());
  if (options.target == "stock") return run_stock(options);
  if (options.rate != "max") {
    const auto [end, error] =
        std::from_chars(options.rate.data(), options.rate.data() + options.rate.size(), options.load.rate);
    if (error != std::errc() || end != options.rate.data() + options.rate.size() || options.load.rate <= 0) {
      return base::Error(base::ErrorCode::invalid_argument, "--rate takes events a second, or max");
    }
  }
  if (options.target == "recommend") options.load.target = tools::LoadTarget::recommend;
  if (options.target == "raw") options.load.target = tools::LoadTarget::raw;
  const SystemClock clock;
  TRY_ASSIGN(const auto report, tools::run_load(options.load, clock));
  print(options, report);
  return base::Ok{};
}

}  // namespace

void add_load_command(Command program) {
  Command command = program.add(
      "load",
      "Open-loop load generator; prints one JSON line. Latencies in ms, from the intended time of sending");
  auto options = std::make_shared<Options>();
  add_server_address(command, options->to);
  command
      .option("--target", options->target,
              "collect (default), recommend, stock: reservations of one SKU, or raw: POST to --path")
      .one_of({"collect", "recommend", "stock", "raw"});
  command.option("--path", options->load.path, "Path for --target raw");
  command.option("--rate", options->rate, "Events a second (requests, for recommend), or max: closed loop");
  command.option("--batch", options->load.batch, "Items a request (default 50)");
  command.option("--connections", options->load.connections, "Keep-alive connections (default 64)");
  command.option("--seconds", options->load.seconds, "How long (default 10)");
  command.option("--seed", options->load.seed, "Same seed, same events (default 1)");
  command.option("--visitors", options->load.visitors, "Visitors to spread the events over (default 200000)");
  command.option("--probes", options->load.probes_per_s, "Visitors a second whose way into a view is timed");
  command.option("--acked-file", options->load.acked_file,
                 "Append the message id of every acknowledged item; for stock, write every first answer:\n"
                 "id, quantity, status, hash");
  command.option("--sku", options->stock.sku, "What --target stock reserves (default stock-load)");
  command.option(
      "--attempts", options->stock.attempts,
      "Reservations to try, for --target stock, each under an id of its own (default 10000).\n"
      "Closed loop; what was not answered is sent again, so the server may be restarted meanwhile");
  command
      .option("--released-share", options->stock.released_share,
              "Of the reservations made, for --target stock: given back instead of committed (default 0)")
      .within_share();
  command
      .option(
          "--repeated-share", options->stock.repeated_share,
          "Of the attempts, for --target stock: followed by asking again for an earlier one (default 0.02)")
      .within_share();
  command.run([options] { return run(*options); });
}

}  // namespace millrace::app
