#include "contract/discovery.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/iso_time.h"
#include "contract/fault_text.h"
#include "http/http.h"

namespace millrace::contract {

namespace {

constexpr std::string_view kIgnoredFile = "contracts/ignored";
constexpr double kSmoothing = 0.2;
constexpr std::size_t kIgnoredMax = 10'000;

std::string text_json(std::string_view text) {
  std::string out;
  http::append_json_string(out, text);
  return out;
}

std::string time_json(base::WallTime time) {
  std::string out = "\"";
  base::append_iso_time(out, time);
  return out + "\"";
}

}  // namespace

base::Result<std::unique_ptr<Discovery>> Discovery::open(disk::Disk& disk, Registry& registry,
                                                         DiscoveryFeed& feed, const base::Clock& clock) {
  std::unique_ptr<Discovery> discovery(new Discovery(disk, registry, feed, clock));
  TRY(discovery->load());
  return discovery;
}

base::Status Discovery::load() {
  window_began_ = clock_.wall();
  TRY(load_learnt());
  auto text = disk::read_file(disk_, kIgnoredFile);
  if (!text.ok() && text.error().code() == base::ErrorCode::not_found) return base::Ok{};
  if (!text.ok()) return std::move(text).error();
  std::string_view rest = *text;
  while (!rest.empty()) {
    const auto end = std::min(rest.find('\n'), rest.size());
    if (end > 0) ignored_.emplace(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return base::Ok{};
}

void Discovery::turn() {
  const auto waiting = feed_.take();
  const auto rules = registry_.rules();
  const std::lock_guard lock(mutex_);
  for (const SeenEvent& seen : waiting) take(seen, *rules);
  const base::WallTime now = clock_.wall();
  const bool is_over = now - window_began_ >= kWindowMs;
  if (is_over) {
    window_began_ = now;
    for (auto& [name, watched] : events_) close_window(name, watched);
  }
  is_changed_ = is_changed_ || !waiting.empty();
  // What cannot be written is learnt again after a restart.
  if (has_news_ || (is_over && is_changed_)) (void)save_locked().ok();
}

void Discovery::raise(const std::string& event, std::string kind, std::string field, std::string detail) {
  alerts_.push_front({clock_.wall(), event, std::move(kind), std::move(field), std::move(detail)});
  if (alerts_.size() > kAlertsMax) alerts_.pop_back();
  ++alerts_raised_;
}

void Discovery::take(const SeenEvent& seen, const ContractRules& rules) {
  const std::string name = seen.type == event::EventType::other ? contract_name(seen.name)
                                                                : std::string(event::to_string(seen.type));
  auto found = events_.find(name);
  event::Event event;
  event.type = seen.type;
  event.source = seen.source;
  event[event::Text::event_name] = seen.name;
  const bool has_contract = rules.find(event) != nullptr;
  if (found == events_.end()) {
    if (events_.size() == kEventsMax) return;
    found = events_.try_emplace(name).first;
    has_news_ = true;
    found->second.first_seen = seen.received_at;
    found->second.shown = seen.name.empty() ? name : seen.name;
    if (!has_contract && !ignored_.contains(name))
      raise(name, "new_event", "", "An event without a contract came for the first time.");
  }
  Watched& watched = found->second;
  watched.has_contract = has_contract;
  watched.last_seen = std::max(watched.last_seen, seen.received_at);
  if (watched.sources.size() < 50) watched.sources.emplace(rules.source_name(seen.source));
  ++watched.window_samples;
  for (const Subject& subject : finder_.read(seen.raw)) {
    if (!subject.address.empty()) continue;  // It has named its contract.
    follow_fields(name, watched, *subject.tape, subject.node);
    watched.profile.see("", *subject.tape, subject.node, 0, room_);
  }
}

void Discovery::follow_fields(const std::string& name, Watched& watched, const JsonTape& tape,
                              std::uint32_t node) {
  if (tape[node].kind != JsonKind::object) return;
  const bool learnt = watched.profile.seen() >= kLearnt;
  for (std::uint32_t i = node + 1; i < tape[node].end; i = tape[i].end) {
    const std::string key(tape[i].key.substr(0, 128));
    auto trend = watched.trends.find(key);
    if (trend == watched.trends.end()) {
      if (watched.trends.size() == FieldProfile::kChildrenMax) continue;
      trend = watched.trends.try_emplace(key).first;
      if (learnt) raise(name, "new_field", key, "A field came that this event did not have.");
    }
    const FieldProfile::Kind kind = kind_of(tape[i]);
    if (kind == FieldProfile::Kind::null) continue;
    ++trend->second.window_present;
    trend->second.missing_run = 0;
    trend->second.vanished = false;
    // Whole numbers among others are no other type.
    const bool number = kind == FieldProfile::Kind::integer || kind == FieldProfile::Kind::number;
    const bool added = trend->second.kinds.insert(number ? FieldProfile::Kind::number : kind).second;
    if (added && trend->second.kinds.size() > 1 && learnt)
      raise(name, "type_change", key,
            "It came as " + std::string(to_string(kind)) + ", which it never was before.");
  }
  for (auto& [key, trend] : watched.trends) {
    const std::uint32_t member = find_member(tape, node, key);
    if (member != kNoNode && tape[member].kind != JsonKind::null) continue;
    ++trend.missing_run;
    if (trend.missing_run >= kVanished && trend.present_rate > 0.5 && !trend.vanished) {
      trend.vanished = true;
      raise(name, "vanished_field", key,
            fmt::format("The last {} samples did not have it.", trend.missing_run));
    }
  }
}

void Discovery::close_window(const std::string& name, Watched& watched) {
  const auto samples = static_cast<double>(watched.window_samples);
  for (auto& [key, trend] : watched.trends) {
    const auto present = static_cast<double>(std::exchange(trend.window_present, 0));
    if (watched.window_samples < kWindowSamplesMin) continue;
    const double rate = present / samples;
    if (trend.present_rate >= 0 && std::abs(rate - trend.present_rate) > kNullRateBand)
      raise(name, "null_rate", key,
            fmt::format("Its null rate went from {:.0f} % to {:.0f} %.", 100 * (1 - trend.present_rate),
                        100 * (1 - rate)));
    trend.present_rate =
        trend.present_rate < 0 ? rate : trend.present_rate + kSmoothing * (rate - trend.present_rate);
  }
  // The band is what counts of such a mean vary by themselves, and at least a half.
  const double band =
      std::max({0.5 * watched.mean, 6 * watched.deviation, 6 * std::sqrt(std::max(watched.mean, 1.0))});
  const bool known =
      watched.windows >= kWindowsLearnt && watched.mean >= static_cast<double>(kWindowSamplesMin);
  if (known && std::abs(samples - watched.mean) > band)
    raise(name, "volume", "",
          fmt::format("{:.0f} samples in a minute where {:.0f} were usual.", samples, watched.mean));
  const double change = watched.mean < 0 ? 0 : samples - watched.mean;
  watched.mean = watched.mean < 0 ? samples : watched.mean + kSmoothing * change;
  watched.deviation += kSmoothing * (std::abs(change) - watched.deviation);
  watched.window_samples = 0;
  ++watched.windows;
}

std::string Discovery::proposals_json() const {
  const auto rules = registry_.rules();
  const std::lock_guard lock(mutex_);
  std::string out = R"({"items":[)";
  for (const auto& [name, watched] : events_) {
    if (watched.has_contract || ignored_.contains(name) || watched.profile.seen() == 0) continue;
    out += out.back() == '[' ? "{" : ",{";
    out += fmt::format(R"("name":{},"event":{},"first_seen":{},"last_seen":{},"samples":{},"sources":[)",
                       text_json(name), text_json(watched.shown), time_json(watched.first_seen),
                       time_json(watched.last_seen), watched.profile.seen());
    for (const std::string& source : watched.sources)
      out += (out.back() == '[' ? "" : ",") + text_json(source);
    out += R"(],"fields":[)";
    watched.profile.append_fields(out, "", watched.profile.seen());
    out += R"(],"schema":)";
    watched.profile.append_schema(out);
    out += '}';
  }
  return out + "]}";
}

std::optional<RegistryFault> Discovery::accept(std::string_view name, std::string edited, SchemaKey& key) {
  const std::lock_guard lock(mutex_);
  const auto found = events_.find(std::string(name));
  if (found == events_.end())
    return RegistryFault{base::ErrorCode::not_found, "no_such_proposal", "", "There is no such proposal.",
                         "GET /v1/contracts/proposals lists them."};
  if (edited.empty()) found->second.profile.append_schema(edited);
  key = SchemaKey{"shop", std::string(name), "jsonschema", {}};
  const auto rules = registry_.rules();
  for (const auto& [known, contract] : rules->contracts()) {
    if (known.vendor != key.vendor || known.name != key.name) continue;
    key.version = known.version;
    ++key.version.revision;
    key.version.addition = 0;
  }
  if (auto fault = registry_.put(key, std::move(edited))) return fault;
  found->second.has_contract = true;
  (void)save_locked().ok();
  return std::nullopt;
}

std::optional<RegistryFault> Discovery::ignore(std::string_view name) {
  const std::lock_guard lock(mutex_);
  if (!events_.contains(std::string(name)))
    return RegistryFault{base::ErrorCode::not_found, "no_such_proposal", "", "There is no such proposal.",
                         "GET /v1/contracts/proposals lists them."};
  if (ignored_.size() >= kIgnoredMax)
    return RegistryFault{base::ErrorCode::exhausted, "too_many_ignored", "", "Too many events are ignored.",
                         "Accept some, or stop sending them."};
  std::string lines;
  for (const std::string& each : ignored_) lines += each + "\n";
  lines.append(name).append("\n");
  if (const auto written = disk::write_file_atomically(disk_, kIgnoredFile, lines); !written.ok())
    return RegistryFault{written.error().code(), "not_stored", "", written.error().message(), "Repeat it."};
  ignored_.emplace(name);
  return std::nullopt;
}

std::string Discovery::alerts_json() const {
  const std::lock_guard lock(mutex_);
  std::string out = R"({"items":[)";
  for (const DriftAlert& alert : alerts_) {
    out += out.back() == '[' ? "{" : ",{";
    out += fmt::format(R"("at":{},"event":{},"kind":"{}","field":{},"detail":{}}})", time_json(alert.at),
                       text_json(alert.event), alert.kind, text_json(alert.field), text_json(alert.detail));
  }
  return out + "]}";
}

std::uint64_t Discovery::alerts() const {
  const std::lock_guard lock(mutex_);
  return alerts_raised_;
}

}  // namespace millrace::contract
