#include "app/privacy_guard.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "app/private_file.h"
#include "privacy/article_number.h"
#include "privacy/personal_forms.h"
#include "tools/file_text.h"

namespace millrace::app {

using privacy::Personal;

namespace {

constexpr std::int64_t kLookEveryMs = 500;

privacy::PersonalRules personal_rules(const PrivacySettings& settings) {
  privacy::PersonalRules rules;
  rules.kinds = privacy::bit(Personal::card);
  const auto add = [&](Detected detected, Personal kind) {
    if (detected == Detected::token) rules.kinds |= privacy::bit(kind);
  };
  add(settings.email, Personal::email);
  add(settings.phone, Personal::phone);
  add(settings.iban, Personal::iban);
  add(settings.ip, Personal::ip);
  rules.fields = settings.fields;
  return rules;
}

base::Result<privacy::Networks> read_networks(const std::string& file) {
  if (file.empty()) return privacy::Networks();
  TRY_ASSIGN(const std::string text, tools::read_text(file));
  auto networks = privacy::Networks::parse(text);
  if (!networks.ok()) return std::move(networks).error().with_context(file);
  return networks;
}

double number(const privacy::Counter& counter) {
  return static_cast<double>(counter.load(std::memory_order_relaxed));
}

}  // namespace

std::string key_file_of(const std::string& data_directory) { return data_directory + "/privacy/keys"; }

base::Result<privacy::Keys> load_or_make_keys(const std::string& file, base::Random& random,
                                              const base::Clock& clock) {
  const auto text = read_private_file(file);
  if (text.ok()) return privacy::Keys::parse(*text);
  if (text.error().code() != base::ErrorCode::not_found) return text.error();
  auto keys = privacy::Keys::make(random, clock.wall());
  TRY(write_private_file(file, keys.text()));
  return keys;
}

bool holds_card(std::string_view text) {
  constexpr std::size_t kCardDigitsMin = 13;
  if (text.size() < kCardDigitsMin) return false;
  privacy::PersonalScan scan;
  std::vector<privacy::PersonalSpan> found;
  scan.find(text, privacy::bit(Personal::card), found);
  return !found.empty();
}

bool names_card(const event::StockCommand& command) {
  const auto is_one = [](const std::string& text) { return holds_card(text); };
  // The rule of is_article(), where it is known that this is a SKU.
  const auto is_card_for_sku = [&](const std::string& sku) {
    const bool gtin = sku.size() == privacy::kArticleDigits &&
                      std::all_of(sku.begin(), sku.end(), privacy::is_digit) && privacy::is_gtin(sku);
    return !gtin && holds_card(sku);
  };
  if (const auto* set = std::get_if<event::SetStock>(&command))
    return is_card_for_sku(set->sku) || is_one(set->reference);
  if (const auto* reserve = std::get_if<event::Reserve>(&command)) {
    return is_one(reserve->id) || std::any_of(reserve->lines.begin(), reserve->lines.end(),
                                              [&](const auto& line) { return is_card_for_sku(line.sku); });
  }
  if (const auto* commit = std::get_if<event::CommitReservation>(&command)) return is_one(commit->id);
  return is_one(std::get<event::ReleaseReservation>(command).id);
}

base::Result<std::unique_ptr<PrivacyGuard>> PrivacyGuard::open(const PrivacySettings& settings,
                                                               DataDirectory& directory, base::Random& random,
                                                               const base::Clock& clock,
                                                               privacy::GrantedBefore granted_before) {
  TRY(disk::make_directory_durably(directory.disk(), "privacy"));
  const std::string file = key_file_of(directory.path());
  TRY_ASSIGN(auto keys, load_or_make_keys(file, random, clock));
  const int rotation_days = settings.key_rotation_days;
  std::unique_ptr<PrivacyGuard> guard(new PrivacyGuard(file, keys, rotation_days, random, clock));
  guard->key_version_ = private_file_version(file);
  TRY_ASSIGN(guard->suppressions_,
             privacy::Suppressions::open(directory.disk(), "privacy/suppressions", keys));
  TRY(guard->open_vault(settings, directory.disk(), random));
  auto& counters = guard->counters_;
  guard->suppression_ = std::make_unique<privacy::SuppressionGateMaker>(*guard->suppressions_, counters);
  if (settings.bots == Switch::on) {
    TRY_ASSIGN(auto networks, read_networks(settings.bot_networks_file));
    guard->bots_ = std::make_unique<privacy::BotGateMaker>(settings.bot_rules, std::move(networks), counters);
    if (guard->bots_->list().patterns() == 0) {
      spdlog::warn("built without the list of bots' user agents (web/bots): only their pace gives bots away");
    }
  }
  privacy::GrantedBefore known;
  if (granted_before) {
    // Under the name that it is stored under.
    known = [self = guard.get(), granted_before = std::move(granted_before)](std::string_view visitor) {
      return granted_before(self->cleansed(visitor));
    };
  }
  guard->consent_ = std::make_unique<privacy::ConsentGateMaker>(settings.consent, guard->ring_, counters,
                                                                guard->vault_.get(), std::move(known));
  guard->personal_ =
      std::make_unique<privacy::PersonalGateMaker>(personal_rules(settings), guard->ring_, counters,
                                                   settings.vault.empty() ? nullptr : guard->vault_.get());
  guard->shown_maker_ = std::make_unique<privacy::PersonalGateMaker>(personal_rules(settings), guard->ring_,
                                                                     guard->shown_counters_, nullptr);
  guard->shown_ = guard->shown_maker_->gate();
  return guard;
}

// A vault that was there before stays open without rules, so that persons in it can be erased.
base::Status PrivacyGuard::open_vault(const PrivacySettings& settings, disk::Disk& disk,
                                      base::Random& random) {
  auto rules = privacy::VaultRules::parse(settings.vault);
  if (!rules.ok()) return std::move(rules).error().with_context("privacy.vault");
  rules->values_max = static_cast<std::size_t>(settings.vault_values_max);
  TRY_ASSIGN(const auto names, disk.list("privacy"));
  const bool there = std::find(names.begin(), names.end(), "vault") != names.end();
  if (!rules->any() && !there) return base::Ok{};
  if (!ring_.keys()->vault) {
    if (there) {
      return base::Error(base::ErrorCode::corrupt, key_file_ + ": the vault's master key is not in it");
    }
    privacy::Keys keys = *ring_.keys();
    keys.make_vault_key(random);
    TRY(write_private_file(key_file_, keys.text()));
    key_version_ = private_file_version(key_file_);
    ring_.replace(std::move(keys));
  }
  TRY(disk::make_directory_durably(disk, "privacy/vault"));
  TRY_ASSIGN(vault_, privacy::Vault::open(disk, "privacy/vault", *rules, *ring_.keys(), *suppressions_,
                                          random, clock_));
  return base::Ok{};
}

bool PrivacyGuard::opens_for_marketing() const {
  if (!vault_) return false;
  const auto& purposes = vault_->rules().purposes;
  return std::any_of(purposes.begin(), purposes.end(), [](std::uint8_t bits) {
    return (bits & event::Purposes::bit(event::Purpose::marketing)) != 0;
  });
}

std::string PrivacyGuard::opened(std::string json) {
  constexpr std::string_view kStart = "tok_";
  std::vector<std::string> tokens;
  std::vector<std::size_t> places;
  for (std::size_t at = json.find(kStart); at != std::string::npos; at = json.find(kStart, at + 1)) {
    const std::size_t cut = json.find('_', at + kStart.size());
    if (cut == std::string::npos) break;
    const std::string token = json.substr(at, cut + 33 - at);
    if (!privacy::is_token(token)) continue;
    tokens.push_back(token);
    places.push_back(at);
  }
  if (tokens.empty()) return json;
  const auto opened = vault_->open_tokens(tokens, event::Purpose::marketing, "webhook");
  if (!opened.ok()) {
    spdlog::warn("an action leaves with its tokens: {}", opened.error().message());
    return json;
  }
  for (std::size_t i = tokens.size(); i-- > 0;) {
    if ((*opened)[i].state != privacy::OpenedToken::State::opened) continue;
    std::string text;
    http::append_json_string(text, (*opened)[i].value);
    json.replace(places[i], tokens[i].size(), text, 1, text.size() - 2);
  }
  return json;
}

std::vector<const collect::GateMaker*> PrivacyGuard::first_gates() const {
  std::vector<const collect::GateMaker*> gates = {suppression_.get()};
  if (bots_) gates.push_back(bots_.get());
  gates.push_back(consent_.get());
  return gates;
}

std::string PrivacyGuard::cleansed(std::string_view text) {
  const std::lock_guard lock(shown_mutex_);
  shown_->begin({});
  event::QuarantinedItem holder;
  holder.detail = text;
  shown_->cleanse(holder);
  return std::string(holder.detail);
}

void PrivacyGuard::tick() {
  const base::WallTime now = clock_.wall();
  if (now.ms - looked_at_ms_ < kLookEveryMs) return;
  looked_at_ms_ = now.ms;
  if (const auto version = private_file_version(key_file_); version != key_version_) {
    key_version_ = version;
    const auto text = read_private_file(key_file_);
    auto keys = text.ok() ? privacy::Keys::parse(*text) : base::Result<privacy::Keys>(text.error());
    if (keys.ok()) {
      ring_.replace(*std::move(keys));
    } else {
      spdlog::error("the keys in use stay: {}", keys.error().message());
    }
  }
  const auto keys = ring_.keys();
  const std::int64_t age_ms = now.ms - keys->tokens.back().made_at.ms;
  if (key_rotation_days_ == 0 || age_ms < key_rotation_days_ * base::kDayMs) return;
  privacy::Keys rotated = *keys;
  rotated.rotate(random_, now);
  if (const auto written = write_private_file(key_file_, rotated.text()); !written.ok()) {
    spdlog::error("the key for tokens was not rotated: {}", written.error().message());
    return;
  }
  key_version_ = private_file_version(key_file_);
  ring_.replace(std::move(rotated));
}

void PrivacyGuard::serve_vault(serve::Sources& sources) {
  sources.erase_person = [this](std::string_view id) { return vault_->erase(id); };
  sources.open_vault = [this](const std::vector<std::string>& tokens,
                              event::Purpose purpose) -> base::Result<std::vector<serve::OpenedToken>> {
    TRY_ASSIGN(const auto opened, vault_->open_tokens(tokens, purpose, "api"));
    std::vector<serve::OpenedToken> out;
    for (const auto& one : opened) out.push_back({one.token, std::string(to_string(one.state)), one.value});
    return out;
  };
  sources.vault_openings = [this] {
    std::vector<serve::VaultOpening> out;
    for (const auto& one : vault_->openings()) {
      out.push_back({one.at, one.who, std::string(event::to_string(one.purpose)),
                     std::string(to_string(one.state)), one.token});
    }
    return out;
  };
}

void PrivacyGuard::serve(serve::Sources& sources) {
  sources.suppress = [this](std::string_view id) { return suppressions_->add(id, clock_.wall()); };
  sources.end_suppression = [this](std::string_view id) { return suppressions_->remove(id, clock_.wall()); };
  if (vault_) serve_vault(sources);
  sources.suppressions = [this] {
    std::vector<serve::SuppressedId> out;
    for (const auto& entry : suppressions_->list()) out.push_back({privacy::hex_of(entry.id), entry.since});
    return out;
  };
}

void PrivacyGuard::collect_vault(serve::MetricSamples& samples) const {
  if (!vault_) return;
  const privacy::VaultFigures figures = vault_->figures();
  const auto as_double = [](std::uint64_t value) { return static_cast<double>(value); };
  samples.gauge("millrace_vault_persons", "Persons with a key.", as_double(figures.persons));
  samples.gauge("millrace_vault_values", "Sealed values.", as_double(figures.values));
  samples.counter("millrace_vault_opened_total", "Values given back.", as_double(figures.opened));
  samples.counter("millrace_vault_refused_total", "Tokens asked for and not opened.",
                  as_double(figures.refused));
  samples.counter("millrace_vault_erased_total", "Persons whose key was destroyed.",
                  as_double(figures.erased));
  samples.counter("millrace_vault_full_total", "Values not sealed for want of room.",
                  as_double(figures.full));
}

void PrivacyGuard::collect(serve::MetricSamples& samples) const {
  collect_vault(samples);
  for (std::size_t i = 0; i < privacy::kPersonalKinds; ++i) {
    samples.counter("millrace_privacy_values_replaced_total", "Personal values that became tokens, by kind.",
                    number(counters_.replaced[i]), {{"kind", privacy::to_string(static_cast<Personal>(i))}});
  }
  samples.counter("millrace_privacy_fields_total", "Values that a rule of a path replaced or removed.",
                  number(counters_.fields_replaced), {{"action", "token"}});
  samples.counter("millrace_privacy_fields_total", "Values that a rule of a path replaced or removed.",
                  number(counters_.fields_removed), {{"action", "remove"}});
  samples.counter("millrace_privacy_suppressed_total",
                  "Items dropped because a person in them is suppressed.", number(counters_.suppressed));
  samples.gauge("millrace_privacy_suppressions", "Ids that are suppressed.",
                static_cast<double>(suppressions_->size()));
  samples.gauge("millrace_privacy_keys", "Keys for tokens; the newest makes them.",
                static_cast<double>(ring_.keys()->tokens.size()));
  static constexpr std::string_view kActions[] = {"store", "pseudonymise", "anonymise", "drop"};
  for (std::size_t i = 0; i < privacy::kConsentActions; ++i) {
    samples.counter("millrace_consent_events_total", "Events by what was done with them.",
                    number(counters_.consent[i]), {{"action", kActions[i]}});
  }
  static constexpr std::string_view kSignals[] = {"gpc", "tcf", "gpp", "us_privacy", "google", "categories"};
  for (std::size_t i = 0; i < privacy::kConsentSignals; ++i) {
    samples.counter("millrace_consent_signals_total", "Events that said something of consent, by how.",
                    number(counters_.signals[i]), {{"signal", kSignals[i]}});
  }
  samples.counter("millrace_consent_malformed_total", "Consent signals that could not be read.",
                  number(counters_.signals_malformed));
  samples.counter("millrace_consent_undecided_total", "Events of which neither signal nor rule spoke.",
                  number(counters_.undecided));
  for (std::size_t i = 1; i < event::kPurposeCount; ++i) {
    samples.counter("millrace_consent_withheld_total", "Events for which the purpose was not granted.",
                    number(counters_.withheld[i]),
                    {{"purpose", event::to_string(static_cast<event::Purpose>(i))}});
  }
  for (std::size_t i = 0; i < event::kBotReasonCount; ++i) {
    samples.counter("millrace_bot_signals_total", "Events with a sign of a bot, by which.",
                    number(counters_.bot_reasons[i]),
                    {{"reason", event::to_string(static_cast<event::BotReason>(i))}});
  }
  samples.counter("millrace_bot_events_total", "Events left out of figures.", number(counters_.bots));
  samples.counter("millrace_bot_events_spared_total", "Orders of bots: counted all the same.",
                  number(counters_.bots_spared));
  if (bots_) {
    samples.gauge("millrace_bot_list_patterns", "User agents on the list.",
                  static_cast<double>(bots_->list().patterns()));
  }
}

}  // namespace millrace::app
