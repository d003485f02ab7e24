#include "collect/source_table.h"

#include <utility>

#include "collect/signature.h"

namespace millrace::collect {

namespace {

base::Error rejected(std::string message) { return {base::ErrorCode::invalid_argument, std::move(message)}; }

}  // namespace

base::Result<SourceTable> SourceTable::make(std::vector<SourceSettings> sources, OpenSource open) {
  SourceTable table;
  table.open_ = open;
  if (open.enabled) sources.push_back({open.index, open.name, "", "", true});
  for (std::size_t i = 0; i < sources.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (sources[i].index == sources[j].index) {
        return rejected("sources " + sources[j].name + " and " + sources[i].name + " have the same index");
      }
      if (sources[i].name == sources[j].name) return rejected("two sources are named " + sources[i].name);
    }
    const bool is_open = open.enabled && i + 1 == sources.size();
    if (is_open) continue;
    if (sources[i].write_key.empty()) return rejected("source " + sources[i].name + " has no write key");
    if (!table.by_key_.emplace(sources[i].write_key, i).second) {
      return rejected("source " + sources[i].name + " has the write key of another source");
    }
  }
  table.sources_ = std::move(sources);
  return table;
}

SourceTable::Answer SourceTable::admit(std::string_view write_key, std::string_view secret) const {
  const auto found = by_key_.find(write_key);
  if (found == by_key_.end()) {
    return open_.enabled ? Answer{Admission::admitted, open_.index} : Answer{};
  }
  const SourceSettings& source = sources_[found->second];
  if (!source.secret.empty() && !equals_in_constant_time(secret, source.secret)) return {};
  return {source.enabled ? Admission::admitted : Admission::disabled, source.index};
}

const SourceSettings* SourceTable::find(std::string_view write_key) const {
  const auto found = by_key_.find(write_key);
  return found == by_key_.end() ? nullptr : &sources_[found->second];
}

std::string_view SourceTable::name(std::uint16_t index) const {
  for (const auto& source : sources_) {
    if (source.index == index) return source.name;
  }
  return {};
}

}  // namespace millrace::collect
