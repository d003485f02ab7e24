#include "app/audit_table.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "admin/audit_entry.h"
#include "app/audit_log.h"

namespace millrace::app {

namespace {

constexpr std::size_t kBlockBytes = 64 * 1024;

// Whole entries, the oldest first. What is appended while it reads may be in it; a file that was moved away meanwhile is not.
class AuditRows final : public query::SideRows {
 public:
  explicit AuditRows(std::vector<std::string> files) : files_(std::move(files)) {}
  ~AuditRows() override { close(); }
  AuditRows(const AuditRows&) = delete;
  AuditRows& operator=(const AuditRows&) = delete;

  base::Result<bool> next(std::string& json) override {
    while (true) {
      const std::size_t end = text_.find('\n', at_);
      if (end != std::string::npos) {
        const auto entry = admin::audit_json(std::string_view(text_).substr(at_, end - at_));
        at_ = end + 1;
        if (entry.empty()) continue;
        json = entry;
        return true;
      }
      TRY_ASSIGN(const bool more, read_on());
      if (!more) return false;
    }
  }

 private:
  // False when there is nothing left.
  base::Result<bool> read_on() {
    text_.erase(0, std::exchange(at_, 0));
    if (text_.size() > AuditLog::kLineBytesMax) text_.clear();
    while (file_ < 0) {
      if (next_ == files_.size()) return false;
      text_.clear();
      file_ = ::open(files_[next_++].c_str(), O_RDONLY | O_CLOEXEC);
      if (file_ < 0 && errno != ENOENT) return failure("open");
    }
    const std::size_t size = text_.size();
    text_.resize(size + kBlockBytes);
    const ssize_t got = ::read(file_, text_.data() + size, kBlockBytes);
    text_.resize(size + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got < 0 && errno != EINTR) return failure("read");
    if (got == 0) close();
    return true;
  }

  void close() {
    if (file_ >= 0) ::close(std::exchange(file_, -1));
  }

  base::Error failure(std::string_view doing) const {
    return base::Error(base::ErrorCode::io,
                       fmt::format("{} {}: {}", doing, files_[next_ - 1], std::strerror(errno)));
  }

  const std::vector<std::string> files_;
  std::size_t next_ = 0;
  int file_ = -1;
  std::string text_;  // Read, and from at_ on not given yet.
  std::size_t at_ = 0;
};

}  // namespace

query::SideTable audit_table(std::string admin_directory) {
  query::SideTable table;
  table.schema = "admin";
  table.name = "audit";
  table.columns = {{"acted_at", "TIMESTAMPTZ", "at"}, {"act", "VARCHAR", "act"},
                   {"target", "VARCHAR", "target"},   {"outcome", "VARCHAR", "outcome"},
                   {"status", "INTEGER", "status"},   {"token", "VARCHAR", "token"},
                   {"name", "VARCHAR", "name"},       {"role", "VARCHAR", "role"},
                   {"address", "VARCHAR", "address"}, {"detail", "VARCHAR", "detail"}};
  table.asker = query::Asker::admin;
  table.open = [directory = std::move(admin_directory)]() -> base::Result<std::unique_ptr<query::SideRows>> {
    TRY_ASSIGN(auto files, AuditLog(directory).files());
    return std::unique_ptr<query::SideRows>(std::make_unique<AuditRows>(std::move(files)));
  };
  return table;
}

}  // namespace millrace::app
