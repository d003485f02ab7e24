#include "app/key_desk.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "admin/token_book.h"
#include "app/private_file.h"
#include "app/source_precedence.h"
#include "app/webhook_mapping_file.h"
#include "app/write_key_file.h"
#include "serve/json_writer.h"
#include "serve/request_json.h"
#include "serve/routes.h"

namespace millrace::app {

using admin::KeyTerms;
using admin::WriteKey;
using http::Request;
using http::Response;
using serve::JsonWriter;

namespace {

constexpr std::int64_t kGraceMaxS = 90 * 24 * 3600;
constexpr std::int64_t kGracePresetS = 24 * 3600;
constexpr std::size_t kOriginBytesMax = 300;
constexpr std::size_t kShownDigits = 4;
constexpr std::string_view kReserved = "default";  // What the open source is called.

Response refusal(const base::Error& error) {
  switch (error.code()) {
    case base::ErrorCode::invalid_argument:
      return http::error_response(400, "invalid_member", error.message(), "Correct it and ask again.");
    case base::ErrorCode::not_found:
      return http::error_response(404, "unknown_key", error.message(), "GET /v1/admin/keys lists them.");
    case base::ErrorCode::conflict:
      return http::error_response(409, "source_taken", error.message(), "GET /v1/admin/keys lists them.");
    case base::ErrorCode::exhausted:
      return http::error_response(409, "too_many", error.message(), "Revoke one first.");
    default:
      return http::error_response(503, "not_durable", error.message(), "List the keys before you ask again.");
  }
}

// A source is believed as it was from its first event on: orders were decided by it, and are again when the journal is read again.
Response precedence_fixed(std::string_view source, std::int64_t precedence) {
  return http::error_response(
      409, "precedence_fixed",
      fmt::format("The source \"{}\" has precedence {} since it was made, and keeps it.", source, precedence),
      "Make a source of another name with it, or name this one in a [[source]] of the settings file.");
}

// Enough to tell keys apart, too little to send with.
std::string masked(std::string_view key) {
  return "..." + std::string(key.substr(key.size() - std::min(key.size(), kShownDigits)));
}

void write_key(JsonWriter& json, const WriteKey& key) {
  json.field("id", key.id).field("source", key.source);
  json.field("enabled", key.terms.state == KeyTerms::State::enabled).field("key_ends", masked(key.key));
  json.key("created_at").time(key.created_at).key("origins").begin_array();
  for (const auto& origin : key.terms.origins) json.value(std::string_view(origin));
  json.end_array().field("events_per_s", key.terms.events_per_s).field("burst", key.terms.burst);
  json.field("precedence", key.terms.precedence).field("has_secret", !key.terms.secret.empty());
  json.key("mapping");
  if (key.terms.mapping.empty()) {
    json.null();
  } else {
    json.value(std::string_view(key.terms.mapping));
  }
  json.key("old_keys").begin_array();
  for (const auto& old : key.old) {
    json.begin_object().field("key_ends", masked(old.key)).key("until").time(old.until).end_object();
  }
  json.end_array();
}

Response key_response(const WriteKey& key, bool shown, int status) {
  std::string body;
  JsonWriter json(body);
  json.begin_object();
  write_key(json, key);
  if (shown) json.field("write_key", key.key);
  json.end_object();
  Response response = serve::json_response(std::move(body), status);
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

// The terms of a body, on top of those so far.
KeyTerms read_terms(serve::RequestJson& json, KeyTerms terms) {
  terms.events_per_s =
      json.number_or("events_per_s", terms.events_per_s, 0, admin::WriteKeyBook::kEventsPerSecondMax);
  if (terms.events_per_s == 0) terms.burst = 0;
  terms.burst = json.number_or("burst", terms.burst, 0, admin::WriteKeyBook::kBurstMax);
  if (json.has("origins")) {
    terms.origins.clear();
    json.texts("origins", admin::WriteKeyBook::kOriginsMax, kOriginBytesMax, terms.origins, 0);
  }
  const std::string preset = terms.state == KeyTerms::State::enabled ? "enabled" : "disabled";
  const std::string state = json.text_or("state", preset, 16);
  if (state != "enabled" && state != "disabled") json.refuse("state", "Give enabled or disabled.");
  terms.state = state == "disabled" ? KeyTerms::State::disabled : KeyTerms::State::enabled;
  terms.precedence = json.number_or("precedence", terms.precedence, 0, admin::WriteKeyBook::kPrecedenceMax);
  terms.secret = json.any_text_or("secret", terms.secret, admin::WriteKeyBook::kSecretBytesMax);
  terms.mapping = json.any_text_or("mapping", terms.mapping, admin::WriteKeyBook::kMappingBytesMax);
  if (!terms.mapping.empty()) {
    const auto mapping = compile_mapping(terms.mapping, "mapping");
    if (!mapping.ok()) json.refuse("mapping", mapping.error().message());
  }
  return terms;
}

std::string terms_text(const KeyTerms& terms) {
  return fmt::format("{}, {} events/s, burst {}, {} origins{}{}{}",
                     terms.state == KeyTerms::State::enabled ? "enabled" : "disabled", terms.events_per_s,
                     terms.burst, terms.origins.size(), terms.secret.empty() ? "" : ", secret",
                     terms.mapping.empty() ? "" : ", mapping",
                     terms.precedence == 0 ? "" : fmt::format(", precedence {}", terms.precedence));
}

std::string sayable(std::string_view name) {
  return admin::usable_name(name, admin::TokenBook::kNameBytesMax) ? std::string(name) : "";
}

}  // namespace

KeyDesk::KeyDesk(std::string data_directory, const admin::AccessGuard& guard, const base::Clock& clock,
                 Apply apply)
    : data_directory_(std::move(data_directory)), guard_(guard), clock_(clock), apply_(std::move(apply)) {}

base::Status KeyDesk::load() {
  version_ = private_file_version(write_key_file_of(data_directory_));
  TRY_ASSIGN(book_, load_write_keys(data_directory_));
  (void)book_.expire(clock_.wall());
  return apply_(book_);
}

void KeyDesk::apply() {
  const auto done = apply_(book_);
  if (!done.ok() && applied_) {
    spdlog::error("the write keys are not in effect yet, and it is tried again: {}", done.error().message());
  }
  applied_ = done.ok();
}

void KeyDesk::follow() {
  const std::uint64_t version = private_file_version(write_key_file_of(data_directory_));
  bool changed = !applied_;
  if (version != version_) {
    version_ = version;
    auto book = version == 0 ? base::Result<admin::WriteKeyBook>(
                                   base::Error(base::ErrorCode::not_found, "the file of write keys is gone"))
                             : load_write_keys(data_directory_);
    if (book.ok()) {
      book_ = *std::move(book);
      changed = true;
    } else {
      spdlog::error("the write keys in use stay: {}", book.error().message());
    }
  }
  const base::WallTime now = clock_.wall();
  if (book_.expire(now)) {
    changed = true;
    const auto written = change_write_keys(data_directory_, [&](admin::WriteKeyBook& book) -> base::Status {
      (void)book.expire(now);
      return base::Ok{};
    });
    version_ = private_file_version(write_key_file_of(data_directory_));
    if (!written.ok())
      spdlog::error("expired write keys are refused, but still in the file: {}", written.error().message());
  }
  if (changed) apply();
}

base::Status KeyDesk::commit(const std::function<base::Status(admin::WriteKeyBook&)>& change) {
  TRY_ASSIGN(book_, change_write_keys(data_directory_, change));
  version_ = private_file_version(write_key_file_of(data_directory_));
  apply();
  if (!applied_) return base::Error(base::ErrorCode::unavailable, "stored, but not in effect yet");
  return base::Ok{};
}

Answered KeyDesk::answer(std::string_view operation, const Request& request) {
  if (operation == "list_keys") return {list(), {}};
  if (operation == "create_key") return create(request);
  if (operation == "change_key") return change(request);
  if (operation == "rotate_key") return rotate(request);
  return revoke(request);
}

Response KeyDesk::list() const {
  std::string body;
  JsonWriter json(body);
  json.begin_object().key("keys").begin_array();
  for (const auto& key : book_.keys()) {
    json.begin_object();
    write_key(json, key);
    json.end_object();
  }
  json.end_array().end_object();
  return serve::json_response(std::move(body));
}

Answered KeyDesk::create(const Request& request) {
  const base::WallTime now = clock_.wall();
  serve::RequestJson json(request.body);
  const std::string source = json.text("source", admin::TokenBook::kNameBytesMax);
  KeyTerms terms = read_terms(json, {});
  const bool ranked = json.has("precedence");
  auto entry = audit_entry("key.create", sayable(source), guard_.identify(request), request, now);
  if (source == kReserved) json.refuse("source", "That is the name of the source of unknown write keys.");
  if (auto wrong = json.refusal()) return {*std::move(wrong), std::move(entry)};
  const auto fixed = fixed_precedence(data_directory_, source);
  if (!fixed.ok()) return {refusal(fixed.error()), std::move(entry)};
  if (ranked && *fixed && **fixed != terms.precedence) {
    return {precedence_fixed(source, **fixed), std::move(entry)};
  }
  terms.precedence = fixed->value_or(terms.precedence);
  entry.detail = terms_text(terms);
  const auto done = commit([&](admin::WriteKeyBook& book) {
    return book.create(source, terms, now, new_key_id(), new_write_key());
  });
  if (!done.ok()) return {refusal(done.error()), std::move(entry)};
  return {key_response(*book_.find(source), true, 201), std::move(entry)};
}

Answered KeyDesk::change(const Request& request) {
  const std::string& which = request.parameters.front();
  auto entry = audit_entry("key.change", sayable(which), guard_.identify(request), request, clock_.wall());
  const WriteKey* const before = book_.find(which);
  if (before == nullptr) {
    return {refusal(base::Error(base::ErrorCode::not_found, "There is no write key of this id or source.")),
            std::move(entry)};
  }
  serve::RequestJson json(request.body);
  const KeyTerms terms = read_terms(json, before->terms);
  if (auto wrong = json.refusal()) return {*std::move(wrong), std::move(entry)};
  entry.target = before->source;
  if (terms.precedence != before->terms.precedence) {
    return {precedence_fixed(before->source, before->terms.precedence), std::move(entry)};
  }
  entry.detail = terms_text(terms);
  const auto done = commit([&](admin::WriteKeyBook& book) { return book.change(which, terms); });
  if (!done.ok()) return {refusal(done.error()), std::move(entry)};
  return {key_response(*book_.find(which), false, 200), std::move(entry)};
}

Answered KeyDesk::rotate(const Request& request) {
  const std::string& which = request.parameters.front();
  const base::WallTime now = clock_.wall();
  auto entry = audit_entry("key.rotate", sayable(which), guard_.identify(request), request, now);
  serve::RequestJson json(request.body);
  const std::int64_t grace_s = json.number_or("grace_s", kGracePresetS, 0, kGraceMaxS);
  if (auto wrong = json.refusal()) return {*std::move(wrong), std::move(entry)};
  entry.detail = fmt::format("the key so far is good for {} s", grace_s);
  const auto done = commit([&](admin::WriteKeyBook& book) {
    return book.rotate(which, new_write_key(), now, now + grace_s * base::kSecondMs);
  });
  if (!done.ok()) return {refusal(done.error()), std::move(entry)};
  entry.target = book_.find(which)->source;
  return {key_response(*book_.find(which), true, 200), std::move(entry)};
}

Answered KeyDesk::revoke(const Request& request) {
  const std::string& which = request.parameters.front();
  const base::WallTime now = clock_.wall();
  auto entry = audit_entry("key.revoke", sayable(which), guard_.identify(request), request, now);
  std::string source;
  const auto done = commit([&](admin::WriteKeyBook& book) -> base::Status {
    TRY_ASSIGN(const auto revoked, book.revoke(which, now));
    source = revoked.source;
    return base::Ok{};
  });
  if (!done.ok()) return {refusal(done.error()), std::move(entry)};
  entry.target = source;
  std::string body;
  JsonWriter writer(body);
  writer.begin_object().field("revoked", source).end_object();
  return {serve::json_response(std::move(body)), std::move(entry)};
}

}  // namespace millrace::app
