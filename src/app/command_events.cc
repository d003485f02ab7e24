#include <fmt/format.h>
#include <simdjson.h>

#include <cstdio>
#include <functional>
#include <memory>

#include "app/command.h"
#include "app/commands.h"
#include "app/exit_signal.h"
#include "app/server_address.h"
#include "app/signal.h"
#include "app/token_file.h"
#include "tools/http_client.h"
#include "tools/refusal.h"

namespace millrace::app {

namespace {

constexpr std::int64_t kAskAgainMs = 200;
constexpr std::size_t kItemsPerAnswer = 500;

struct Options {
  ServerAddress to{"http://127.0.0.1:8080", {}};
  std::string source, verdict, contains, token_file, token, host;
  std::size_t n = 20;
  bool follow = false, json = false;
};

// Whatever a client sent must not reach the terminal as a command.
std::string plain(std::string_view text) {
  std::string out;
  for (const char c : text) out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
  return out;
}

std::string escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool safe = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    out += safe ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

std::string target(const Options& options, std::uint64_t after, std::size_t n) {
  std::string text = fmt::format("/v1/events/recent?n={}&after={}", n, after);
  const auto add = [&text](std::string_view name, const std::string& value) {
    if (!value.empty()) text += fmt::format("&{}={}", name, escape(value));
  };
  add("source", options.source);
  add("verdict", options.verdict);
  add("contains", options.contains);
  return text;
}

std::string_view text_of(simdjson::dom::element item, const char* name) {
  std::string_view text;
  return item[name].get(text) == simdjson::SUCCESS ? text : std::string_view();
}

void print(simdjson::dom::element item, const Options& options) {
  if (options.json) {
    fmt::print("{}\n", simdjson::minify(item));
    return;
  }
  const std::string_view source = text_of(item, "source");
  const std::string_view event = text_of(item, "event");
  const std::string_view at = text_of(item, "at");
  fmt::print("{}  {:<15} {:<12} {:<22} {}\n", at.size() > 23 ? at.substr(11, 12) : at,
             text_of(item, "verdict"), source.empty() ? std::string_view("-") : source,
             event.empty() ? std::string_view("-") : event, plain(text_of(item, "visitor_id")));
  const std::string_view reason = text_of(item, "reason");
  if (!reason.empty()) {
    fmt::print("              {} {}  {}\n", reason, plain(text_of(item, "pointer")),
               plain(text_of(item, "detail")));
  }
  fmt::print("              {}\n", plain(text_of(item, "raw")));
}

// Prints what the server kept after `after`, oldest first, and moves it on; nothing once `stop` gave the answer up, and then `client`
// is not to be polled again.
base::Status show(tools::HttpClient& client, const Options& options, std::size_t n, std::uint64_t& after,
                  const std::function<bool()>& stop) {
  int status = 0;
  std::string body;
  client.send(tools::render_request("GET", target(options, after, n), "", {}, options.token, options.host),
              [&](const tools::Reply& reply) {
                status = reply.status;
                body = reply.body;
              });
  if (!client.drain(stop)) return base::Ok{};
  if (status == 0 && !client.failure().empty())
    return base::Error(base::ErrorCode::invalid_argument, options.to.url + ": " + client.failure());
  if (status == 0) {
    return base::Error(base::ErrorCode::unavailable,
                       "nothing answers at " + options.to.url + "; is `millrace serve` running there?");
  }
  if (status != 200) return base::Error(base::ErrorCode::invalid_argument, tools::refusal_text(body));
  simdjson::dom::parser parser;
  simdjson::dom::element answer;
  simdjson::dom::array items;
  std::uint64_t newest = 0;
  if (parser.parse(simdjson::padded_string(body)).get(answer) != simdjson::SUCCESS ||
      answer["items"].get(items) != simdjson::SUCCESS || answer["newest"].get(newest) != simdjson::SUCCESS) {
    return base::Error(base::ErrorCode::corrupt, "what answers at " + options.to.url + " is not Millrace");
  }
  std::vector<simdjson::dom::element> list(items.begin(), items.end());
  for (auto item = list.rbegin(); item != list.rend(); ++item) print(*item, options);
  std::fflush(stdout);
  after = newest;
  return base::Ok{};
}

base::Status run(Options& options) {
  TRY_ASSIGN(const auto endpoint, options.to.endpoint());
  options.host = endpoint.authority;
  TRY_ASSIGN(options.token, read_token_file(options.token_file));
  tools::HttpClient client(endpoint, 1);
  std::uint64_t after = 0;
  TRY(show(client, options, options.n, after, {}));
  if (!options.follow) return base::Ok{};
  ExitSignal exit;
  const auto stop = [&exit] { return exit.wait(0); };
  while (!exit.wait(kAskAgainMs)) TRY(show(client, options, kItemsPerAnswer, after, stop));
  return base::Ok{};
}

}  // namespace

void add_events_command(Command program) {
  Command command = program.add(
      "events", "What came in last at a running Millrace, with its verdict; --follow goes on until Ctrl-C");
  auto options = std::make_shared<Options>();
  add_server_address(command, options->to);
  command.option("--token-file", options->token_file,
                 "A file with the token to show, where tokens are asked for");
  command.option("--source", options->source, "Only of this source");
  command.option(
      "--verdict", options->verdict,
      "Only with this verdict: accepted, duplicate, quarantined, suppressed, bot, consent_dropped");
  command.option("--contains", options->contains, "Only with this text in the raw item or in the event");
  command.option("--n", options->n, "How many of the last to begin with (default 20)").within(1, 500);
  command.flag("--follow", options->follow, "Go on with those that come");
  command.flag("--json", options->json, "A line of JSON each, the canonical event included");
  command.run([options] { return run(*options); });
}

}  // namespace millrace::app
