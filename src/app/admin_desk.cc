#include "app/admin_desk.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <utility>

#include "app/private_file.h"
#include "app/token_file.h"
#include "serve/json_writer.h"
#include "serve/parameters.h"
#include "serve/request_json.h"
#include "serve/routes.h"

namespace millrace::app {

using admin::Principal;
using http::Request;
using http::Response;
using serve::JsonWriter;

namespace {

constexpr std::size_t kTokenBytesMax = 256;
constexpr std::int64_t kDaysMax = 3650;
constexpr std::int64_t kEntriesMax = 1000;
constexpr int kFailuresAMinute = 60;

Response refusal(const base::Error& error) {
  switch (error.code()) {
    case base::ErrorCode::invalid_argument:
      return http::error_response(400, "invalid_member", error.message(), "Correct it and ask again.");
    case base::ErrorCode::not_found:
      return http::error_response(404, "not_found", error.message(), "List them to see what there is.");
    case base::ErrorCode::conflict:
      return http::error_response(409, "conflict", error.message(), "List them to see what there is.");
    case base::ErrorCode::exhausted:
      return http::error_response(409, "too_many", error.message(), "Revoke one first.");
    default:
      return http::error_response(503, "not_durable", error.message(), "List them before you ask again.");
  }
}

void write_token(JsonWriter& json, const admin::Token& token) {
  json.field("id", token.id).field("name", token.name).field("role", admin::to_string(token.role));
  json.key("created_at").time(token.created_at).key("expires_at").time(token.expires_at);
}

Response never_stored(Response response) {
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

}  // namespace

admin::AuditEntry audit_entry(std::string act, std::string target, const Principal& who,
                              const Request& request, base::WallTime at) {
  admin::AuditEntry entry;
  entry.at = at;
  entry.act = std::move(act);
  entry.target = std::move(target);
  entry.token_id = who.token_id;
  entry.name = who.name;
  entry.role = who.role == admin::Role::none ? "" : admin::to_string(who.role);
  entry.address = request.peer;
  return entry;
}

AdminDesk::AdminDesk(std::string data_directory, admin::AccessGuard& guard, const AuditLog& audit,
                     const base::Clock& clock)
    : data_directory_(std::move(data_directory)), guard_(guard), audit_(audit), clock_(clock) {}

base::Status AdminDesk::load() {
  version_ = private_file_version(token_file_of(data_directory_));
  TRY_ASSIGN(auto book, load_tokens(data_directory_));
  guard_.replace(std::move(book));
  return base::Ok{};
}

void AdminDesk::follow() {
  const std::uint64_t version = private_file_version(token_file_of(data_directory_));
  if (version == version_) return;
  version_ = version;
  if (version == 0) {
    spdlog::error("the file of tokens is gone; the tokens in use stay until a restart");
    return;
  }
  take_tokens();
}

void AdminDesk::take_tokens() {
  version_ = private_file_version(token_file_of(data_directory_));
  auto book = load_tokens(data_directory_);
  if (book.ok()) {
    guard_.replace(*std::move(book));
  } else {
    spdlog::error("the tokens in use stay: {}", book.error().message());
  }
}

Answered AdminDesk::answer(std::string_view operation, const Request& request) {
  if (operation == "session") return {session(request), {}};
  if (operation == "sign_in") return sign_in(request);
  if (operation == "sign_out") return sign_out(request);
  if (operation == "list_tokens") return {list_tokens(), {}};
  if (operation == "create_token") return create(request);
  if (operation == "revoke_token") return revoke(request);
  if (operation == "list_audit") return {list_audit(request), {}};
  return {serve::not_available("This operation"), {}};
}

Response AdminDesk::session(const Request& request) const {
  const Principal who = guard_.identify(request);
  std::string body;
  JsonWriter json(body);
  json.begin_object().field("required", guard_.requires_token()).key("role");
  if (who.role == admin::Role::none) {
    json.null().key("name").null().field("signed_in", false);
  } else {
    json.value(admin::to_string(who.role)).field("name", who.name);
    json.field("signed_in", who.via == Principal::Via::session);
  }
  json.end_object();
  return never_stored(serve::json_response(std::move(body)));
}

Answered AdminDesk::sign_in(const Request& request) {
  if (admin::AccessGuard::is_foreign(request)) {
    return {http::error_response(403, "foreign_page", "A page of another server asks for this.",
                                 "Sign in on the dashboard."),
            {}};
  }
  serve::RequestJson json(request.body);
  const std::string shown = json.text("token", kTokenBytesMax);
  if (auto wrong = json.refusal()) return {*std::move(wrong), {}};
  const base::WallTime now = clock_.wall();
  const auto book = guard_.book();
  const admin::Token* const token = book->find(shown, now);
  if (token == nullptr) {
    Answered refused{never_stored(http::error_response(401, "unknown_token",
                                                       "The token is unknown, revoked or has expired.",
                                                       "Check it, or ask an admin for another.")),
                     {}};
    if (now - minute_began_ >= base::kMinuteMs || now < minute_began_) {
      minute_began_ = now;
      failures_recorded_ = 0;
    }
    if (failures_recorded_++ < kFailuresAMinute) {
      refused.entry = audit_entry("session.open", "", {}, request, now);
      if (failures_unrecorded_ > 0) {
        refused.entry->detail =
            fmt::format("{} more failed before and are not recorded", failures_unrecorded_);
      }
      failures_unrecorded_ = 0;
    } else {
      ++failures_unrecorded_;
    }
    return refused;
  }
  std::string body;
  JsonWriter writer(body);
  writer.begin_object().field("role", admin::to_string(token->role)).field("name", token->name);
  writer.key("until").time(guard_.session_end()).end_object();
  Response response = never_stored(serve::json_response(std::move(body)));
  response.headers.emplace_back("Set-Cookie", guard_.session_cookie(*token, request));
  const Principal who{Principal::Via::token, token->role, token->id, token->name};
  return {std::move(response), audit_entry("session.open", "", who, request, now)};
}

Answered AdminDesk::sign_out(const Request& request) const {
  Response response;
  response.status = 204;
  response.content_type.clear();
  response.headers.emplace_back("Set-Cookie", admin::AccessGuard::end_of_session(request));
  const Principal who = guard_.identify(request);
  if (who.role == admin::Role::none) return {std::move(response), {}};
  return {std::move(response), audit_entry("session.close", "", who, request, clock_.wall())};
}

Response AdminDesk::list_tokens() const {
  const auto book = guard_.book();
  std::string body;
  JsonWriter json(body);
  json.begin_object().key("tokens").begin_array();
  for (const auto& token : book->tokens()) {
    json.begin_object();
    write_token(json, token);
    json.end_object();
  }
  json.end_array().end_object();
  return never_stored(serve::json_response(std::move(body)));
}

Answered AdminDesk::create(const Request& request) {
  const Principal who = guard_.identify(request);
  const base::WallTime now = clock_.wall();
  serve::RequestJson json(request.body);
  const std::string name = json.text("name", admin::TokenBook::kNameBytesMax);
  const std::string role_name = json.text("role", 16);
  const std::int64_t days = json.number_or("days", 0, 0, kDaysMax);
  const auto role = admin::parse_role(role_name);
  if (!role) json.refuse("role", "Give viewer, analyst, operator or admin.");
  auto entry =
      audit_entry("token.create", admin::usable_name(name, admin::TokenBook::kNameBytesMax) ? name : "", who,
                  request, now);
  if (auto wrong = json.refusal()) return {*std::move(wrong), std::move(entry)};
  entry.detail = fmt::format("role {}", role_name);
  if (guard_.book()->tokens().empty() && *role != admin::Role::admin) {
    return {http::error_response(409, "admin_first",
                                 "The first token is an admin's: with it, tokens are asked for.",
                                 "Create one of the role admin."),
            std::move(entry)};
  }
  const auto made = create_token(data_directory_, *role, name, days, now);
  if (!made.ok()) return {refusal(made.error()), std::move(entry)};
  take_tokens();
  entry.detail += ", id " + made->token.id;
  std::string body;
  JsonWriter writer(body);
  writer.begin_object();
  write_token(writer, made->token);
  writer.field("token", made->shown).end_object();
  return {never_stored(serve::json_response(std::move(body), 201)), std::move(entry)};
}

Answered AdminDesk::revoke(const Request& request) {
  const std::string& which = request.parameters.front();
  const bool sayable = admin::usable_name(which, admin::TokenBook::kNameBytesMax);
  auto entry =
      audit_entry("token.revoke", sayable ? which : "", guard_.identify(request), request, clock_.wall());
  const auto revoked = revoke_token(data_directory_, which, LastAdmin::stays);
  if (!revoked.ok() && revoked.error().code() == base::ErrorCode::conflict) {
    return {http::error_response(409, "last_admin", revoked.error().message(),
                                 "`millrace tokens revoke` on the server may do it."),
            std::move(entry)};
  }
  if (!revoked.ok()) return {refusal(revoked.error()), std::move(entry)};
  take_tokens();
  entry.detail = fmt::format("id {}, name {}", revoked->id, revoked->name);
  std::string body;
  JsonWriter json(body);
  json.begin_object().key("revoked").begin_object();
  write_token(json, *revoked);
  json.end_object().end_object();
  return {serve::json_response(std::move(body)), std::move(entry)};
}

Response AdminDesk::list_audit(const Request& request) const {
  serve::Parameters parameters(request);
  AuditQuery query;
  if (const auto from = parameters.time("from")) query.from = *from;
  if (const auto to = parameters.time("to")) query.to = *to;
  query.limit = static_cast<std::size_t>(parameters.number("limit", 100, 1, kEntriesMax));
  if (auto wrong = parameters.refusal()) return *std::move(wrong);
  const auto page = audit_.read(query);
  if (!page.ok()) {
    return http::error_response(503, "not_available", page.error().message(), "See the server's log.");
  }
  std::string body;
  JsonWriter json(body);
  json.begin_object().key("entries").begin_array();
  for (const auto& entry : page->entries) json.raw(entry);
  json.end_array().field("complete", page->complete).end_object();
  return never_stored(serve::json_response(std::move(body)));
}

}  // namespace millrace::app
