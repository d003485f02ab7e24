#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "collect/quota.h"
#include "http/http.h"

namespace millrace::collect {

class WebhookMapping;

struct SourceSettings {
  std::uint16_t index = 0;  // Persisted in every record: never given to another source.
  std::string name;
  std::string write_key;
  std::string secret;  // When not empty, the client must send it too.
  bool enabled = true;
  std::vector<std::string> more_keys = {};  // Let in as the write key is.
  std::vector<std::string> origins =
      {};  // Of browsers' pages; empty: any. The form is that of allows_origin().
  std::shared_ptr<Quota> quota = nullptr;                   // Null: as many as come.
  std::shared_ptr<const WebhookMapping> mapping = nullptr;  // Of the JSON that it posts; null: it posts none.
};

// Source `index` takes every write key that no other source has, and requests without one: the embedded default.
struct OpenSource {
  bool enabled = false;
  std::uint16_t index = 0;
  std::string name = "default";
};

enum class Admission : std::uint8_t { admitted, unknown, disabled, foreign_origin, over_quota };

// Who may send, at one time. Immutable.
class SourceRows {
 public:
  struct Answer {
    Admission admission = Admission::unknown;
    std::uint16_t source = 0;
    int retry_after_s = 0;  // When over its quota.
    // Of whom the write key is, let in or not.
    std::optional<std::uint16_t> sender = std::nullopt;
  };
  // Without a request neither the page that sends nor the quota is looked at.
  Answer admit(std::string_view write_key, std::string_view secret, const http::Request* request) const;
  // The source of that write key, whatever it must show besides; null when there is none. The open source has no key.
  const SourceSettings* find(std::string_view write_key) const;
  // "" for an index that no source has.
  std::string_view name(std::uint16_t index) const;
  // Null when the source has none.
  Quota* quota(std::uint16_t index) const { return index < quotas_.size() ? quotas_[index].get() : nullptr; }
  // Whether a page of that origin may send with that write key, or with some key when it is not known which.
  bool may_send(std::string_view origin, std::string_view write_key) const;
  const std::vector<SourceSettings>& sources() const { return sources_; }  // The open one included.

 private:
  friend class SourceTable;
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  static constexpr std::size_t kRetired =
      SIZE_MAX;  // A key that is nobody's any more, the open source's included.

  std::vector<SourceSettings> sources_;
  std::unordered_map<std::string, std::size_t, TextHash, std::equal_to<>> by_key_;
  std::vector<std::shared_ptr<Quota>> quotas_;  // By index.
  OpenSource open_;
};

// Who may send. Shared by all threads, any of which may replace it for all; copies are the same table.
class SourceTable {
 public:
  using Admission = collect::Admission;
  using Answer = SourceRows::Answer;

  // invalid_argument when two sources share a write key, a name or an index.
  static base::Result<SourceTable> make(std::vector<SourceSettings> sources, OpenSource open,
                                        const std::vector<std::string>& retired_keys = {});

  // What the other table has. Readers follow with their next request.
  void replace(const SourceTable& other);
  std::shared_ptr<const SourceRows> rows() const;

  Answer admit(std::string_view write_key, std::string_view secret) const {
    return rows()->admit(write_key, secret, nullptr);
  }
  std::string name(std::uint16_t index) const { return std::string(rows()->name(index)); }

 private:
  friend class SourceView;
  struct Board {
    mutable std::mutex mutex;
    std::shared_ptr<const SourceRows> rows;  // Guarded by the mutex.
    std::atomic<std::uint64_t> version{1};
  };
  std::shared_ptr<Board> board_ = std::make_shared<Board>();
};

// One reader's look at the table, as it was at the last refresh(). Costs a load and a compare while nothing changes; one thread at
// a time.
class SourceView {
 public:
  explicit SourceView(const SourceTable& table) : board_(table.board_) {}

  void refresh() {
    const std::uint64_t version = board_->version.load(std::memory_order_acquire);
    if (version == version_) return;
    const std::lock_guard lock(board_->mutex);
    version_ = version;
    rows_ = board_->rows;
  }
  // After refresh().
  const SourceRows* operator->() const { return rows_.get(); }

 private:
  std::shared_ptr<SourceTable::Board> board_;
  std::shared_ptr<const SourceRows> rows_;
  std::uint64_t version_ = 0;
};

}  // namespace millrace::collect
