// Write keys that come and go while the server runs.
#include <spdlog/spdlog.h>

#include <algorithm>

#include "app/collect_door.h"
#include "app/webhook_mapping_file.h"
#include "collect/endpoint_paths.h"
#include "collect/write_key.h"

namespace millrace::app {

std::set<std::pair<http::Method, std::string>> CollectDoor::routes() const {
  std::set<std::pair<http::Method, std::string>> routes;
  for (const auto& dialect : dialects_) {
    for (const auto& endpoint : dialect->endpoints()) {
      for (std::string& path : collect::paths_of(endpoint)) routes.emplace(endpoint.method, std::move(path));
    }
  }
  return routes;
}

// A source keeps what it has used of its quota while that stays as it is.
std::shared_ptr<collect::Quota> CollectDoor::quota_for(const admin::WriteKey& key) {
  if (key.terms.events_per_s == 0) return nullptr;
  const std::int64_t burst = key.terms.burst == 0 ? key.terms.events_per_s : key.terms.burst;
  auto& quota = quotas_[key.source];
  if (quota == nullptr || quota->events_per_s() != key.terms.events_per_s || quota->burst() != burst) {
    quota = std::make_shared<collect::Quota>(key.terms.events_per_s, burst, clock_);
  }
  return quota;
}

base::Status CollectDoor::set_keys(const admin::WriteKeyBook& book,
                                   const std::vector<std::uint16_t>& indices) {
  std::vector<collect::SourceSettings> sources = from_settings_;
  std::vector<std::string> names = names_by_index();
  for (std::size_t i = 0; i < book.keys().size(); ++i) {
    const admin::WriteKey& key = book.keys()[i];
    if (open_source_.enabled && key.source == open_source_.name) {
      spdlog::error("the write key of source \"{}\" is left out: that is the open source's name", key.source);
      continue;
    }
    auto source = std::find_if(sources.begin(), sources.end(),
                               [&](const auto& each) { return each.name == key.source; });
    if (source == sources.end()) {
      sources.push_back({indices[i], key.source, key.key, "", true});
      source = sources.end() - 1;
    } else {
      source->more_keys.push_back(key.key);
    }
    source->enabled = source->enabled && key.terms.state == admin::KeyTerms::State::enabled;
    for (const auto& old : key.old) source->more_keys.push_back(old.key);
    source->origins = key.terms.origins;
    source->quota = quota_for(key);
    if (!key.terms.secret.empty()) source->secret = key.terms.secret;
    if (!key.terms.mapping.empty()) {
      auto mapping = compile_mapping(key.terms.mapping, key.source);
      if (mapping.ok()) {
        source->mapping = *std::move(mapping);
      } else {  // Written by another version: the rest of the source is as it should be.
        spdlog::error("a mapping is left out: {}", mapping.error().message());
      }
    }
    if (names.size() <= indices[i]) names.resize(indices[i] + std::size_t{1});
    names[indices[i]] = key.source;
  }
  std::vector<std::string> retired;
  for (const auto& old : book.retired()) retired.push_back(old.key);
  TRY_ASSIGN(const auto table, collect::SourceTable::make(std::move(sources), open_source_, retired));
  {
    const std::lock_guard lock(mutex_);
    names_by_index_ = std::move(names);
  }
  sources_.replace(table);
  return base::Ok{};
}

std::vector<std::string> CollectDoor::names_by_index() const {
  const std::lock_guard lock(mutex_);
  return names_by_index_;
}

bool CollectDoor::admits(const http::Request& request) const {
  const auto credential = collect::credential_of(request);
  const auto answer = sources_.rows()->admit(credential.write_key, credential.secret, &request);
  return answer.admission == collect::Admission::admitted;
}

std::string CollectDoor::credential_of(const std::string& source) const {
  const auto rows = sources_.rows();
  for (const auto& each : rows->sources()) {
    if (each.name == source && !each.write_key.empty()) return each.write_key + ":" + each.secret;
  }
  return "millrace:";
}

void CollectDoor::collect_refusals(serve::MetricSamples& samples) const {
  const std::vector<std::string> names = names_by_index();
  for (const auto& refused : collector_->refusals().entries()) {
    const bool named = refused.source && *refused.source < names.size();
    samples.counter(
        "millrace_source_refused_requests_total",
        "Requests turned away as a whole; source is empty where they did not show whose they were.",
        static_cast<double>(refused.requests),
        {{"source", named ? names[*refused.source] : ""}, {"code", std::string(refused.code)}});
  }
}

serve::SourceDetails CollectDoor::details() const {
  serve::SourceDetails details;
  details.region = region_;
  const auto refusals = collector_->refusals().entries();
  const auto refused = [&refusals](std::optional<std::uint16_t> source) {
    std::vector<serve::RefusedRequests> found;
    for (const auto& each : refusals) {
      if (each.source == source) found.push_back({each.code, each.requests});
    }
    return found;
  };
  details.refused_of_nobody = refused(std::nullopt);
  const auto rows = sources_.rows();
  for (const auto& source : rows->sources()) {
    serve::SourceDetail detail;
    detail.name = source.name;
    const bool in_settings = std::any_of(from_settings_.begin(), from_settings_.end(),
                                         [&](const auto& each) { return each.name == source.name; });
    detail.from = source.write_key.empty() ? "open" : in_settings ? "settings" : "managed";
    detail.enabled = source.enabled;
    detail.origins = source.origins;
    if (source.quota != nullptr) {
      detail.events_per_s = source.quota->events_per_s();
      detail.burst = source.quota->burst();
    }
    if (const auto region = regions_.find(source.name); region != regions_.end()) {
      detail.region = region->second;
    }
    detail.refused = refused(source.index);
    if (ranks_ != nullptr) detail.precedence = ranks_->of(source.index);
    details.sources.push_back(std::move(detail));
  }
  return details;
}

}  // namespace millrace::app
