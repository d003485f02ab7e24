#include <fmt/format.h>

#include <filesystem>

#include "app/audit_log.h"
#include "app/command.h"
#include "app/commands.h"
#include "app/system_clock.h"
#include "app/token_file.h"
#include "app/verb_command.h"
#include "base/iso_time.h"

namespace millrace::app {

namespace {

struct TokenOptions {
  std::string data = "millrace-data";
  std::string role, name, which;
  std::int64_t days = 0;
};

base::Status record(const TokenOptions& options, std::string act, const admin::Token& token) {
  return record_command(admin_directory_of(options.data), SystemClock().wall(), std::move(act), token.name,
                        fmt::format("role {}, id {}", admin::to_string(token.role), token.id));
}

base::Status create(const TokenOptions& options) {
  const auto role = admin::parse_role(options.role);
  if (!role)
    return base::Error(base::ErrorCode::invalid_argument, "--role is viewer, analyst, operator or admin");
  std::error_code code;
  std::filesystem::create_directories(options.data, code);  // Before the first start, too.
  TRY_ASSIGN(const auto made,
             create_token(options.data, *role, options.name, options.days, SystemClock().wall()));
  fmt::print(stderr, "{} \"{}\", id {}. It is shown this once; a running server takes it within a second:\n",
             options.role, options.name, made.token.id);
  fmt::print("{}\n", made.shown);
  return record(options, "token.create", made.token);
}

std::string iso(base::WallTime time) {
  std::string text;
  base::append_iso_time(text, time);
  return text;
}

base::Status list(const TokenOptions& options) {
  TRY_ASSIGN(const auto book, load_tokens(options.data));
  for (const auto& token : book.tokens()) {
    fmt::print("{}  {:<8}  {}  {:<24}  {}\n", token.id, admin::to_string(token.role), iso(token.created_at),
               token.expires_at.ms == 0 ? "never expires" : iso(token.expires_at), token.name);
  }
  return base::Ok{};
}

base::Status revoke(const TokenOptions& options) {
  TRY_ASSIGN(const auto revoked, revoke_token(options.data, options.which, LastAdmin::may_go));
  TRY(record(options, "token.revoke", revoked));
  fmt::print("{} \"{}\" is revoked; a running server follows within a second\n", revoked.id, revoked.name);
  return base::Ok{};
}

}  // namespace

void add_tokens_command(Command program) {
  VerbCommand<TokenOptions> command(program, "tokens", "Who may ask a server what: tokens and their roles");
  TokenOptions& options = command.options();
  Command created = command.add("create", "Make a token and print it", create);
  created.option("--role", options.role, "viewer, analyst, operator or admin").required();
  created.option("--name", options.name, "Whose it is, or what for").required();
  created.option("--days", options.days, "How long it is good (default: until it is revoked)")
      .within(1, 3650);
  command.add("list", "The tokens, their roles and times", list);
  Command revoked =
      command.add("revoke", "Make a token worthless, and end the sessions signed in with it", revoke);
  revoked.option("which", options.which, "Its id or name").required();
}

}  // namespace millrace::app
