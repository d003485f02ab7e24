#include "collect/source_table.h"

#include <algorithm>
#include <utility>

#include "collect/origin.h"
#include "collect/signature.h"

namespace millrace::collect {

namespace {

base::Error rejected(std::string message) { return {base::ErrorCode::invalid_argument, std::move(message)}; }

}  // namespace

base::Result<SourceTable> SourceTable::make(std::vector<SourceSettings> sources, OpenSource open,
                                            const std::vector<std::string>& retired_keys) {
  auto rows = std::make_shared<SourceRows>();
  rows->open_ = open;
  if (open.enabled) sources.push_back({open.index, open.name, "", "", true});
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const SourceSettings& source = sources[i];
    for (std::size_t j = 0; j < i; ++j) {
      if (source.index == sources[j].index) {
        return rejected("sources " + sources[j].name + " and " + source.name + " have the same index");
      }
      if (source.name == sources[j].name) return rejected("two sources are named " + source.name);
    }
    if (source.quota != nullptr) {
      if (rows->quotas_.size() <= source.index) rows->quotas_.resize(source.index + std::size_t{1});
      rows->quotas_[source.index] = source.quota;
    }
    const bool is_open = open.enabled && i + 1 == sources.size();
    if (is_open) continue;
    if (source.write_key.empty()) return rejected("source " + source.name + " has no write key");
    if (!rows->by_key_.emplace(source.write_key, i).second) {
      return rejected("source " + source.name + " has the write key of another source");
    }
    for (const std::string& key : source.more_keys) {
      if (!rows->by_key_.emplace(key, i).second) {
        return rejected("source " + source.name + " has the write key of another source");
      }
    }
  }
  for (const std::string& key : retired_keys) rows->by_key_.emplace(key, SourceRows::kRetired);
  rows->sources_ = std::move(sources);
  SourceTable table;
  table.board_->rows = std::move(rows);
  return table;
}

void SourceTable::replace(const SourceTable& other) {
  auto rows = other.rows();
  const std::lock_guard lock(board_->mutex);
  board_->rows = std::move(rows);
  board_->version.fetch_add(1, std::memory_order_release);
}

std::shared_ptr<const SourceRows> SourceTable::rows() const {
  const std::lock_guard lock(board_->mutex);
  return board_->rows;
}

SourceRows::Answer SourceRows::admit(std::string_view write_key, std::string_view secret,
                                     const http::Request* request) const {
  const auto found = by_key_.find(write_key);
  if (found == by_key_.end()) {
    return open_.enabled ? Answer{Admission::admitted, open_.index, 0, open_.index} : Answer{};
  }
  if (found->second == kRetired) return {};
  const SourceSettings& source = sources_[found->second];
  if (!source.secret.empty() && !equals_in_constant_time(secret, source.secret)) {
    return {Admission::unknown, 0, 0, source.index};
  }
  const auto answer = [&source](Admission admission, int retry_after_s = 0) {
    return Answer{admission, source.index, retry_after_s, source.index};
  };
  if (!source.enabled) return answer(Admission::disabled);
  if (request == nullptr) return answer(Admission::admitted);
  if (!source.origins.empty()) {
    const std::string_view origin = page_origin(*request);
    if (!origin.empty() && !allows_origin(source.origins, origin)) {
      return answer(Admission::foreign_origin);
    }
  }
  if (source.quota != nullptr && !source.quota->open()) {
    return answer(Admission::over_quota, source.quota->retry_after_s());
  }
  return answer(Admission::admitted);
}

const SourceSettings* SourceRows::find(std::string_view write_key) const {
  const auto found = by_key_.find(write_key);
  return found == by_key_.end() || found->second == kRetired ? nullptr : &sources_[found->second];
}

std::string_view SourceRows::name(std::uint16_t index) const {
  for (const auto& source : sources_) {
    if (source.index == index) return source.name;
  }
  return {};
}

bool SourceRows::may_send(std::string_view origin, std::string_view write_key) const {
  if (origin.empty()) return true;
  if (const auto found = by_key_.find(write_key); found != by_key_.end()) {
    return found->second != kRetired && allows_origin(sources_[found->second].origins, origin);
  }
  if (!write_key.empty()) return true;  // It is refused, or taken, for another reason.
  return sources_.empty() || std::any_of(sources_.begin(), sources_.end(), [&](const SourceSettings& source) {
           return source.enabled && allows_origin(source.origins, origin);
         });
}

}  // namespace millrace::collect
