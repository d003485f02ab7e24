#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "admin/access_guard.h"
#include "app/journal_set.h"
#include "app/lake_runner.h"
#include "app/setting_table.h"
#include "commerce/entity_stage.h"
#include "commerce/visitor_stage.h"
#include "http/server.h"
#include "http/tls_identity.h"
#include "privacy/bot_gate.h"
#include "privacy/consent_rules.h"
#include "privacy/personal_gate.h"
#include "process/watermark.h"
#include "serve/visitor_id.h"

namespace millrace::app {

struct SourceSettings {
  std::string name;
  std::string write_key;
  std::string secret;   // When not empty, what its clients must show or sign with.
  std::string mapping;  // Path of a mapping file for its webhooks.
  std::string region;   // Where its data may be stored; empty: anywhere.
  bool enabled = true;
  std::int64_t precedence = 0;  // Whose telling of an order goes before; of equals, the first.
};

struct WebhookSettings {
  std::string url;     // Empty: actions are listed and not sent.
  std::string secret;  // Signs the body.
};

enum class Switch : std::uint8_t { off, on };
enum class Detected : std::uint8_t { keep, token };

struct PrivacySettings {
  Detected email = Detected::token;
  Detected phone = Detected::token;
  Detected iban = Detected::token;
  Detected ip = Detected::token;
  std::vector<privacy::FieldRule> fields;
  int key_rotation_days = 0;  // 0: only when asked to.
  std::string vault;          // privacy::VaultRules; empty: there is none.
  std::int64_t vault_values_max = 1'000'000;
  privacy::ConsentRules consent;
  Switch bots = Switch::on;
  privacy::BotRules bot_rules;
  std::string bot_networks_file;  // Networks of data centres; empty: none are known.
};

enum class UnknownKeys : std::uint8_t { refuse, accept };

// All of it, parsed and checked once; parts are handed to constructors by value.
struct Settings {
  std::string data_directory = "millrace-data";
  std::string region;  // Of the data directory and the lake; empty: none.
  process::TimeMode time = process::TimeMode::wall;
  http::ServerSettings http{.port = 8080, .limits = {}, .tls = nullptr};
  http::TlsFiles tls;  // Both empty: in the clear.
  std::size_t event_bytes_max = 32 * 1024;
  std::size_t batch_items_max = 2500;
  std::size_t inflated_bytes_max = 16 * 1024 * 1024;
  std::vector<SourceSettings> sources;
  UnknownKeys unknown_write_keys = UnknownKeys::accept;
  std::string snowplow_cookie = "sp";
  std::string snowplow_cookie_domain;
  std::string snowplow_post_path;
  JournalSettings journal;
  std::int64_t tick_ms = 200;
  commerce::VisitorSettings visitors;
  commerce::EntitySettings entities;
  std::size_t indexed_sessions_max = 1'000'000;
  LakeRunnerSettings lake;
  std::size_t state_cache_bytes = 128ull << 20;
  std::size_t sql_threads = 2;
  std::int64_t sql_timeout_ms = 10'000;
  std::size_t sql_rows_max = 10'000;
  std::size_t sql_memory_bytes = 1ull << 30;
  WebhookSettings webhook;
  PrivacySettings privacy;
  admin::AccessSettings access;
  serve::VisitorIdSettings visitor_id;
};

// Binds every field of `settings`, which must outlive the table.
SettingTable setting_table(Settings& settings);

}  // namespace millrace::app
