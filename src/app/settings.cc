#include "app/settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "admin/write_key_book.h"

namespace millrace::app {

namespace {

constexpr std::int64_t kMebibyte = 1 << 20;
constexpr std::int64_t kGibibyte = 1 << 30;

bool consists_of(std::string_view text, std::string_view others) {
  return std::all_of(text.begin(), text.end(), [others](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           others.find(c) != std::string_view::npos;
  });
}

// RFC 9110's token; what comes into a header as a name must be one, or it ends the header, the name or the cookie.
bool is_token(std::string_view text) { return consists_of(text, "!#$%&'*+-.^_`|~"); }

constexpr SettingTable::TextForm kName{[](std::string_view text) { return !text.empty() && is_token(text); },
                                       "is no name: letters, digits and !#$%&'*+-.^_`|~"};
constexpr SettingTable::TextForm kNameOrNone{is_token, "is no name: letters, digits and !#$%&'*+-.^_`|~"};
constexpr SettingTable::TextForm kDomainOrNone{[](std::string_view text) { return consists_of(text, "-."); },
                                               "is no domain such as shop.example"};
constexpr SettingTable::TextForm kPathOrNone{
    [](std::string_view text) {
      return text.empty() || (text.size() > 1 && text.front() == '/' && consists_of(text, "/-._~"));
    },
    "is no path such as /com.shop/t1"};

base::Status append_source(const std::vector<std::pair<std::string, std::string>>& row, Settings& s) {
  const auto wrong = [](std::string message) {
    return base::Error(base::ErrorCode::invalid_argument, "source: " + std::move(message));
  };
  SourceSettings source;
  for (const auto& [key, value] : row) {
    if (key == "name") source.name = value;
    if (key == "write_key") source.write_key = value;
    if (key == "secret") source.secret = value;
    if (key == "mapping") source.mapping = value;
    if (key == "region") source.region = value;
    if (key == "enabled") {
      if (value != "true" && value != "false") return wrong("enabled is true or false");
      source.enabled = value == "true";
    }
    if (key == "precedence") {
      constexpr auto kPrecedenceMax = admin::WriteKeyBook::kPrecedenceMax;
      const char* const end = value.data() + value.size();
      const auto [rest, error] = std::from_chars(value.data(), end, source.precedence);
      if (error != std::errc() || rest != end || source.precedence < 0 ||
          source.precedence > kPrecedenceMax) {
        return wrong(fmt::format("precedence is a number from 0 to {}", kPrecedenceMax));
      }
    }
  }
  if (source.name.empty() || source.write_key.empty()) return wrong("needs a name and a write_key");
  for (const SourceSettings& other : s.sources) {
    if (other.name == source.name) return wrong("two are named \"" + source.name + "\"");
  }
  s.sources.push_back(std::move(source));
  return base::Ok{};
}

void add_collection(SettingTable& table, Settings& s) {
  table.add("http.address", s.http.address, "Address to listen on.");
  table.add("http.port", s.http.port, {0, 65535}, "Port to listen on; 0 takes any free one.");
  table.add("http.threads", s.http.threads, {1, 64}, "Threads that serve HTTP.");
  table.add_path(
      "http.tls_certificate_file", s.tls.certificate,
      "PEM file: the certificate, then the chain above it. Empty: HTTP in the clear. A changed file is "
      "taken up within a second, or at SIGHUP.");
  table.add_path("http.tls_key_file", s.tls.key, "PEM file: its key, without a passphrase.");
  auto& limits = s.http.limits;
  table.add(
      "http.connections_max", limits.connections_max, {1, 1'000'000},
      "Open connections; past it new ones are closed. Fewer where the process may have few files open.");
  table.add("http.requests_in_flight_max", limits.requests_in_flight_max, {1, 1'000'000},
            "Requests being worked on; past it 503 with Retry-After.");
  table.add("http.request_line_bytes_max", limits.request_line_bytes_max, {256, kMebibyte}, "Past it 414.");
  table.add("http.header_bytes_max", limits.header_bytes_max, {1024, kMebibyte}, "Past it 431.");
  table.add("http.body_bytes_max", limits.body_bytes_max, {1024, kGibibyte},
            "Request body as sent; past it 413.");
  table.add("http.header_timeout_ms", limits.header_timeout_ms, {10, 600'000},
            "To send all headers; then 408.");
  table.add("http.body_timeout_ms", limits.body_timeout_ms, {10, 600'000},
            "To send all of the body; then 408.");
  table.add("http.idle_timeout_ms", limits.idle_timeout_ms, {10, 3'600'000},
            "A quiet keep-alive connection is closed after it.");
  table.add("http.stream_bytes_max", limits.stream_bytes_max, {4096, kGibibyte},
            "Unsent bytes of a live stream; a slower reader is dropped.");
  table.add("collect.event_bytes_max", s.event_bytes_max, {512, 2 * kMebibyte},
            "One item; a larger one is quarantined.");
  table.add("collect.batch_items_max", s.batch_items_max, {1, 100'000}, "Items of one batch; past it 413.");
  table.add("collect.inflated_bytes_max", s.inflated_bytes_max, {1024, kGibibyte},
            "A gzipped body once inflated; past it 413.");
  table.add("collect.unknown_write_keys", s.unknown_write_keys,
            {{"refuse", UnknownKeys::refuse}, {"accept", UnknownKeys::accept}},
            "What a write key of no `[[source]]` gets: 401, or the source named `default`.");
  table.add("snowplow.cookie", s.snowplow_cookie, kNameOrNone,
            "Cookie that tells browsers without an id of their own apart; empty: none is set.");
  table.add("snowplow.cookie_domain", s.snowplow_cookie_domain, kDomainOrNone,
            "Its domain; empty: the host that was asked.");
  table.add("snowplow.post_path", s.snowplow_post_path, kPathOrNone,
            "Where trackers with a path of their own post to, beside the standard path.");
  table.add_list(
      "source", {"name", "write_key", "secret", "mapping", "region", "enabled", "precedence"},
      "A client that may send: its name in figures and its write key. `secret`: what it must show "
      "with the key, or signs "
      "its webhooks with. `mapping`: a file that says what its webhooks mean "
      "(docs/guide/webhooks.md). `region`: where its data is stored; a server of another region takes none "
      "of it. `enabled`: `false` "
      "turns it away. `precedence`: of several sources that tell of one order, the highest is "
      "believed, of equals the "
      "first; 0 without.",
      [&s](const auto& row) { return append_source(row, s); });
}

void add_journal(SettingTable& table, Settings& s) {
  table.add("journal.event_partitions", s.journal.event_partitions, {1, 256},
            "Partitions of the events, by visitor. Fixed when the data directory is made.");
  table.add("journal.fact_partitions", s.journal.fact_partitions, {1, 256},
            "Partitions of the second stage, by product and order. Fixed when the data directory is made.");
  table.add("journal.segment_bytes", s.journal.segment_bytes, {kMebibyte, 4 * kGibibyte},
            "Size of a segment file.");
  table.add("journal.compression", s.journal.compression,
            {{"none", journal::Compression::none},
             {"lz4", journal::Compression::lz4},
             {"zstd", journal::Compression::zstd}},
            "Of each batch.");
  table.add("journal.pending_bytes_max", s.journal.pending_bytes_max, {kMebibyte, 16 * kGibibyte},
            "Taken and not yet on disk, of each partition; past it 429.");
  table.add("journal.retention_hours", s.journal.retention_hours, {1, 24 * 3650},
            "Older segments are dropped once the lake and the state no longer need them.");
  table.add("journal.retention_bytes", s.journal.retention_bytes, {0, std::int64_t{1} << 50},
            "Of each partition; 0 keeps by age alone.");
}

void add_processing(SettingTable& table, Settings& s) {
  table.add("time", s.time, {{"wall", process::TimeMode::wall}, {"events", process::TimeMode::events}},
            "What moves time on: the wall clock, or the events themselves (replays, backtests).");
  table.add("process.tick_ms", s.tick_ms, {10, 60'000},
            "How often time passing is written to each partition.");
  table.add("process.lateness_ms", s.visitors.watermark.lateness_ms, {0, base::kDayMs},
            "How far behind the newest event of a partition others are still expected.");
  table.add("process.idle_timeout_ms", s.visitors.watermark.idle_timeout_ms, {0, base::kDayMs},
            "How far behind the wall clock a partition without events is.");
  table.add("session.gap_ms", s.visitors.session.gap_ms, {1000, base::kDayMs},
            "A longer silence begins a new session.");
  table.add("cart.abandoned_after_ms", s.visitors.cart.abandoned_after_ms, {1000, 30 * base::kDayMs},
            "After the last change of a cart, unless purchased.");
  table.add("cart.silence_ms", s.visitors.cart.silence_ms, {0, 365 * base::kDayMs},
            "At most one abandonment of a visitor in this time; 0: no such limit.");
  table.add("process.visitors_cached_max", s.visitors.visitors_cached_max, {1000, 100'000'000},
            "Visitors kept in memory by each partition, beside those changed since the last checkpoint.");
  table.add("process.products_cached_max", s.entities.cached_products, {1000, 100'000'000},
            "Products kept in memory by each partition of the second stage.");
  table.add("process.state_cache_bytes", s.state_cache_bytes, {8 * kMebibyte, 64 * kGibibyte},
            "RocksDB's block cache, of all partitions.");
  table.add("recommend.sessions_max", s.indexed_sessions_max, {1000, 100'000'000},
            "Sessions in the recommendation index; the oldest leave first.");
}

void add_answers(SettingTable& table, Settings& s) {
  table.add("lake.commit_interval_ms", s.lake.commit_interval_ms, {100, base::kHourMs},
            "From one commit to the tables to the next.");
  table.add("lake.tail_bytes_max", s.lake.tail_bytes_max, {16 * kMebibyte, 64 * kGibibyte},
            "Memory of rows not yet committed; past it processing waits. At a third of it a commit begins "
            "before its time.");
  table.add("sql.threads", s.sql_threads, {1, 64}, "Statements that run at once.");
  table.add("sql.timeout_ms", s.sql_timeout_ms, {1, base::kHourMs}, "Then the statement is stopped: 408.");
  table.add("sql.rows_max", s.sql_rows_max, {1, 10'000'000},
            "Rows of an answer; more are cut off, and the answer says so.");
  table.add("sql.memory_bytes", s.sql_memory_bytes, {64 * kMebibyte, 64 * kGibibyte},
            "DuckDB's memory, of statements and commits. A statement that takes a quarter more by itself is "
            "stopped: 429.");
  table.add("id.cookie", s.visitor_id.cookie, kName,
            "Name of the cookie that /v1/id sets on the shop's own origin.");
  table.add("id.days", s.visitor_id.days, {0, 395}, "How long it stays; 0: no cookie is ever set.");
  table.add("webhook.url", s.webhook.url,
            "Where actions are posted; empty: they are only listed at /v1/actions.");
  table.add("webhook.secret", s.webhook.secret, "Signs each post (header Millrace-Signature).");
}

base::Error invalid(std::string message) {
  return base::Error(base::ErrorCode::invalid_argument, std::move(message));
}

using Row = std::vector<std::pair<std::string, std::string>>;

base::Result<privacy::ConsentAction> parse_action(const std::string& word) {
  if (word == "store") return privacy::ConsentAction::store;
  if (word == "pseudonymise") return privacy::ConsentAction::pseudonymise;
  if (word == "anonymise") return privacy::ConsentAction::anonymise;
  if (word == "drop") return privacy::ConsentAction::drop;
  return invalid("when_denied is store, pseudonymise, anonymise or drop, not \"" + word + "\"");
}

constexpr std::uint8_t kOnlyNecessary = event::Purposes::bit(event::Purpose::necessary);

base::Status add_consent_rule(privacy::ConsentRules& rules, const Row& row) {
  privacy::ConsentRule rule;
  bool region = false;
  for (const auto& [key, value] : row) {
    if (key == "region") {
      region = true;
      if (value != "*" && (!privacy::parse_region(value, rule.countries) || rule.countries.empty())) {
        return invalid("consent.rule: a region is a comma list of countries (DE), EU, EEA and GDPR, or *");
      }
    } else if (key == "when_denied") {
      TRY_ASSIGN(rule.when_denied, parse_action(value));
    } else if (value == "deny") {
      rule.when_unknown = kOnlyNecessary;
    } else if (value != "grant") {
      return invalid("consent.rule: when_unknown is grant or deny");
    }
  }
  if (!region) return invalid("consent.rule: needs a region");
  rules.rules.push_back(std::move(rule));
  return base::Ok{};
}

base::Status add_consent_category(privacy::ConsentRules& rules, const Row& row) {
  std::string name, purpose;
  for (const auto& [key, value] : row) (key == "name" ? name : purpose) = value;
  for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  for (std::size_t i = 0; i < event::kPurposeCount; ++i) {
    const auto known = static_cast<event::Purpose>(i);
    if (name.empty() || purpose != event::to_string(known)) continue;
    rules.categories[name] = known;
    return base::Ok{};
  }
  return invalid(
      "consent.category: needs a name and a purpose (necessary, analytics, personalisation, marketing)");
}

base::Status add_field_rule(std::vector<privacy::FieldRule>& rules, const Row& row) {
  privacy::FieldRule rule;
  for (const auto& [key, value] : row) {
    if (key == "path") {
      rule.path = value;
    } else if (value == "remove") {
      rule.action = privacy::FieldRule::Action::remove;
    } else if (value != "token") {
      return invalid("privacy.field: action is token or remove");
    }
  }
  if (rule.path.empty()) return invalid("privacy.field: needs a path");
  if (rule.path.front() == '.' || rule.path.back() == '.' || rule.path.find("..") != std::string::npos)
    return invalid("privacy.field: \"" + rule.path + "\" has an empty step, and would replace nothing");
  rules.push_back(std::move(rule));
  return base::Ok{};
}

void add_privacy(SettingTable& table, Settings& s) {
  auto& p = s.privacy;
  const std::vector<std::pair<std::string, Detected>> detected = {{"token", Detected::token},
                                                                  {"keep", Detected::keep}};
  table.add("privacy.email", p.email, detected,
            "Email addresses in any value: a keyed token in their place, or kept.");
  table.add("privacy.phone", p.phone, detected, "Phone numbers with a + before them.");
  table.add("privacy.iban", p.iban, detected, "Bank accounts. (Card numbers are always replaced.)");
  table.add("privacy.ip", p.ip, detected, "IP addresses, the client's own included.");
  table.add("privacy.key_rotation_days", p.key_rotation_days, {0, 3650},
            "A new key for tokens after so many days; 0: when `millrace keys rotate` says so.");
  table.add("privacy.vault", p.vault,
            "Values that a purpose needs back, sealed under a key of their person: `email:marketing, "
            "phone:marketing`. Empty: none is kept (docs/guide/privacy.md).");
  table.add("privacy.vault_values_max", p.vault_values_max, {1, 100'000'000},
            "Values in the vault; later ones have tokens alone.");
  table.add_list("privacy.field", {"path", "action"},
                 "A value to replace by a token or to remove, by its path in the item: `traits.firstName`; * "
                 "is any step.",
                 [&p](const Row& row) { return add_field_rule(p.fields, row); });
  table.add(
      "consent.when_denied", p.consent.otherwise.when_denied,
      {{"store", privacy::ConsentAction::store},
       {"pseudonymise", privacy::ConsentAction::pseudonymise},
       {"anonymise", privacy::ConsentAction::anonymise},
       {"drop", privacy::ConsentAction::drop}},
      "What is done with an event whose visitor does not grant analytics, where no rule says otherwise.");
  table.add("consent.when_unknown", p.consent.otherwise.when_unknown,
            {{"grant", event::Purposes::kAll}, {"deny", kOnlyNecessary}},
            "What counts for purposes that no signal speaks of, where no rule says otherwise.");
  table.add("consent.country_header", p.consent.country_header, kNameOrNone,
            "Header in which a proxy says the visitor's country (`CF-IPCountry`); an event's own country "
            "goes before it.");
  table.add_list("consent.rule", {"region", "when_denied", "when_unknown"},
                 "A region's rule: countries, EU, EEA, GDPR or *. The first that fits counts.",
                 [&p](const Row& row) { return add_consent_rule(p.consent, row); });
  table.add_list("consent.category", {"name", "purpose"},
                 "The purpose of a category of the shop's consent tool, where its name does not tell.",
                 [&p](const Row& row) { return add_consent_category(p.consent, row); });
  table.add("bots.filter", p.bots, {{"on", Switch::on}, {"off", Switch::off}},
            "Score events and leave those of bots out of all figures.");
  table.add("bots.score_min", p.bot_rules.score_min, {1, 101},
            "From this score on it is a bot; 101: none is.");
  table.add("bots.events_per_minute_max", p.bot_rules.events_per_minute_max, {0, 1'000'000},
            "Of one visitor, in the events' own time; 0: any number.");
  table.add("bots.networks_file", p.bot_networks_file,
            "File of the networks of data centres, one a line (203.0.113.0/24, !203.0.113.7 for an "
            "exception): events "
            "from there score higher. Empty: none is known.");
}

void add_administration(SettingTable& table, Settings& s) {
  const std::vector<std::pair<std::string, admin::Openness>> openness = {{"public", admin::Openness::open},
                                                                         {"viewer", admin::Openness::viewer}};
  table.add("admin.require_token", s.access.require,
            {{"auto", admin::RequireToken::automatic},
             {"always", admin::RequireToken::always},
             {"never", admin::RequireToken::never}},
            "Whether the API asks for tokens. `auto`: once there is one, and always where more than this "
            "machine can "
            "connect. Collection has its own keys.");
  table.add("admin.health", s.access.health, openness,
            "Who may ask /healthz and /readyz, where tokens are asked for.");
  table.add("admin.metrics", s.access.metrics, openness, "Who may ask /metrics, where tokens are asked for.");
  table.add("admin.session_ms", s.access.session_ms, {60'000, 30 * base::kDayMs},
            "How long a browser stays signed in to the dashboard.");
}

}  // namespace

SettingTable setting_table(Settings& settings) {
  SettingTable table;
  table.add("data.directory", settings.data_directory, "Where everything is kept.");
  table.add(
      "region.name", settings.region,
      "Region of this server's storage, written into the data directory and the lake at the first start; "
      "neither opens under another. Empty: none.");
  add_collection(table, settings);
  add_journal(table, settings);
  add_processing(table, settings);
  add_answers(table, settings);
  add_privacy(table, settings);
  add_administration(table, settings);
  return table;
}

}  // namespace millrace::app
