#include <fmt/format.h>

#include <memory>

#include "app/command.h"
#include "app/commands.h"
#include "app/server_address.h"
#include "app/token_file.h"
#include "query/sql_result.h"
#include "tools/http_client.h"
#include "tools/json_text.h"
#include "tools/refusal.h"

namespace millrace::app {

namespace {

struct Options {
  ServerAddress to{"http://127.0.0.1:8080", {}};
  std::string statement, format = "table", token_file;
};

base::Status run(const Options& options) {
  TRY_ASSIGN(const auto endpoint, options.to.endpoint());
  TRY_ASSIGN(const std::string token, read_token_file(options.token_file));
  tools::HttpClient client(endpoint, 1);
  int status = 0;
  std::string body;
  client.send(
      tools::render_request("POST", "/v1/sql", "{\"sql\":" + tools::json_text(options.statement) + "}", {},
                            token, endpoint.authority),
      [&](const tools::Reply& reply) {
        status = reply.status;
        body = reply.body;
      });
  client.drain();
  if (status == 0 && !client.failure().empty())
    return base::Error(base::ErrorCode::invalid_argument, options.to.url + ": " + client.failure());
  if (status == 0) {
    return base::Error(base::ErrorCode::unavailable,
                       "nothing answers at " + options.to.url + "; is `millrace serve` running there?");
  }
  if (status != 200) return base::Error(base::ErrorCode::invalid_argument, tools::refusal_text(body));
  if (options.format == "json") {
    fmt::print("{}\n", body);
    return base::Ok{};
  }
  TRY_ASSIGN(const auto result, query::parse_json_result(body));
  fmt::print("{}", options.format == "csv" ? query::to_csv(result) : query::to_table(result));
  if (options.format == "csv" && result.truncated) {  // The other formats say so themselves.
    return base::Error(
        base::ErrorCode::exhausted,
        fmt::format("these are the first {} rows: the others were cut off. Ask for fewer, or raise "
                    "sql.rows_max on the server",
                    result.rows.size()));
  }
  return base::Ok{};
}

}  // namespace

void add_sql_command(Command program) {
  Command command =
      program.add("sql", "Ask a running Millrace in SQL: one SELECT over raw, conformed and curated tables");
  auto options = std::make_shared<Options>();
  command.option("statement", options->statement, "The statement").required();
  add_server_address(command, options->to);
  command.option("--token-file", options->token_file,
                 "A file with the token to show, where tokens are asked for");
  command
      .option("--format", options->format,
              "table (default), csv (exit code 1 when rows were cut off) or json")
      .one_of({"table", "csv", "json"});
  command.run([options] { return run(*options); });
}

}  // namespace millrace::app
