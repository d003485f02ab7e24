// Whatever is asked of the API: every route answers, with JSON where it says so. "METHOD TARGET", a line of headers, the body; a lake and a door
// stand behind it that answer whatever follows the body's first NUL.

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/result.h"
#include "checking_sink.h"
#include "contract/contract_api.h"
#include "http/recorder.h"
#include "serve/api.h"
#include "serve/test_clock.h"
#include "sim/sim_clock.h"
#include "sim/sim_disk.h"

namespace {

using namespace millrace;

http::Response json_response(const std::string& body) {
  http::Response response;
  response.body = body;
  return response;
}

// Making one compiles all the schemas that are preloaded, which costs more than all the rest: it stays until something was changed.
struct ContractBench {
  std::string answer;
  sim::SimDisk disk{1};
  sim::SimClock clock;
  std::unique_ptr<contract::Registry> registry = *contract::Registry::open(disk, {"shop"});
  std::unique_ptr<contract::QuarantineMarks> marks = *contract::QuarantineMarks::open(disk, clock);
  contract::Quarantine quarantine{
      *registry,
      *marks,
      {[this](const std::string&, const contract::Respond& respond) { respond(json_response(answer)); },
       [this](const std::string&, std::string_view, const std::string&, const contract::Respond& respond) {
         respond(json_response(answer));
       }}};
  contract::QualityBoard quality;
  contract::DiscoveryFeed feed;
  std::unique_ptr<contract::Discovery> discovery = *contract::Discovery::open(disk, *registry, feed, clock);
  contract::ContractApi api{{disk, *registry, quality, *discovery, quarantine}};
};

struct Bench {
  Bench() {
    sources.source_names = [] { return std::vector<std::string>{"shop"}; };
    sources.make_visitor_id = [] { return std::string(32, 'a'); };
    sources.submit_stock = [](const event::StockCommand&, const serve::StockAnswer& done) -> base::Status {
      done(200, "{}");
      return base::Ok{};
    };
    sources.run_sql = [this](const std::string&, const http::Request&, const serve::Respond& respond) {
      respond(json_response(answer));
    };
    sources.contracts = [this](std::string_view operation, const http::Request& request,
                               const serve::Respond& respond) {
      auto& bench = contract_bench();
      if (bench == nullptr) bench = std::make_unique<ContractBench>();
      bench->answer = answer;
      bool changed = false;
      bench->api.answer(operation, request, [&](http::Response response) {
        changed = request.method != http::Method::get && response.status < 300;
        respond(std::move(response));
      });
      if (changed) bench.reset();
    };
    sources.actions = [](const serve::ActionQuery&) { return std::vector<serve::ActionEntry>(1); };
    sources.suppress = [](std::string_view) -> base::Result<bool> { return true; };
    sources.end_suppression = [](std::string_view) -> base::Result<bool> { return true; };
    sources.suppressions = [] { return std::vector<serve::SuppressedId>(1); };
    sources.erase_person = [](std::string_view) -> base::Result<bool> { return true; };
    sources.vault_openings = [] { return std::vector<serve::VaultOpening>(1); };
    sources.open_vault = [](const std::vector<std::string>&,
                            event::Purpose) -> base::Result<std::vector<serve::OpenedToken>> {
      return std::vector<serve::OpenedToken>{};
    };
    sources.advance_clock = [](base::WallTime) -> base::Status { return base::Ok{}; };
    api.emplace(router, views, sources, metrics, clock, serve::ApiSettings{});
  }

  static std::unique_ptr<ContractBench>& contract_bench() {
    static std::unique_ptr<ContractBench> kept;
    return kept;
  }

  std::string answer;
  serve::TestClock clock;
  serve::Views views{serve::ViewLimits{}, serve::ViewLoaders{}, clock};
  serve::Metrics metrics;
  http::Router router;
  serve::Sources sources;
  std::optional<serve::Api> api;
};

std::string take(std::string& text, char until) {
  const std::size_t end = std::min(text.find(until), text.size());
  std::string taken = text.substr(0, end);
  text.erase(0, std::min(end + 1, text.size()));
  return taken;
}

http::Method method_of(std::string_view name) {
  for (const auto method : {http::Method::get, http::Method::post, http::Method::put, http::Method::del})
    if (http::to_string(method) == name) return method;
  return http::Method::get;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string rest(reinterpret_cast<const char*>(data), size);
  const auto method = method_of(take(rest, ' '));
  const std::string target = take(rest, '\n');
  const std::string header = take(rest, '\n');
  const std::string body = take(rest, '\0');
  http::Request request;
  request.method = method;
  request.target = target;
  request.body = body;
  const std::size_t colon = header.find(':');
  if (colon != std::string::npos)
    request.headers = {
        {std::string_view(header).substr(0, colon), std::string_view(header).substr(colon + 1)}};
  if (!http::parse_target(target, request)) return 0;
  // Costs far more than a request. Made anew after each that changed something, so that what one leaves behind does not change what the next
  // does.
  static std::unique_ptr<Bench> kept;
  if (kept == nullptr) kept = std::make_unique<Bench>();
  Bench& bench = *kept;
  bench.answer = std::move(rest);
  const auto recorder = std::make_shared<http::Recorder>();
  bench.router.dispatch(request, http::Responder(recorder));
  INVARIANT(recorder->response.has_value());
  const auto& response = *recorder->response;
  // What run_sql answers goes out as it is.
  if (response.content_type == "application/json" && response.body != bench.answer)
    INVARIANT(is_json(response.body));
  if (method != http::Method::get && response.status < 300) kept.reset();
  return 0;
}
