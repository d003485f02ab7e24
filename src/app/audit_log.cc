#include "app/audit_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <map>
#include <utility>

#include "app/private_file.h"
#include "base/iso_time.h"

namespace millrace::app {

namespace {

constexpr std::string_view kPrefix = "audit-";
constexpr std::string_view kSuffix = ".log";
constexpr std::size_t kMonthBytes = 7;  // "2026-11"
constexpr std::size_t kBlockBytes = 64 * 1024;

std::string month_of(base::WallTime time) {
  std::string text;
  base::append_iso_time(text, time);
  return text.substr(0, kMonthBytes);
}

std::string file_name(const std::string& month) { return fmt::format("{}{}{}", kPrefix, month, kSuffix); }

// The lines of a file, the last first, read in blocks from its end.
class LinesBackward {
 public:
  explicit LinesBackward(const std::string& path) : file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    struct stat status {};
    if (file_ >= 0 && ::fstat(file_, &status) == 0) at_ = status.st_size;
  }
  ~LinesBackward() {
    if (file_ >= 0) ::close(file_);
  }
  LinesBackward(const LinesBackward&) = delete;

  // False at the beginning of the file, or when it cannot be read. `read` grows by what was read.
  bool next(std::string& line, std::size_t& read) {
    while (true) {
      const std::size_t end = text_.rfind('\n');
      if (end != std::string::npos) {
        line = text_.substr(end + 1);
        text_.resize(end);
        return true;
      }
      if (at_ == 0) {
        if (text_.empty()) return false;
        line = std::exchange(text_, {});
        return true;
      }
      if (text_.size() > AuditLog::kLineBytesMax) text_.clear();
      const auto size = static_cast<std::size_t>(std::min<off_t>(at_, kBlockBytes));
      std::string block(size, '\0');
      if (::pread(file_, block.data(), size, at_ - static_cast<off_t>(size)) != static_cast<ssize_t>(size)) {
        return false;
      }
      at_ -= static_cast<off_t>(size);
      read += size;
      text_ = block + text_;
    }
  }

 private:
  const int file_;
  off_t at_ = 0;
  std::string text_;  // Before the lines that were given, after at_.
};

}  // namespace

base::Status AuditLog::append(const std::vector<admin::AuditEntry>& entries) {
  std::map<std::string, std::string> by_month;
  for (const auto& entry : entries) by_month[month_of(entry.at)] += admin::audit_line(entry);
  for (const auto& [month, lines] : by_month) {
    TRY(append_private_lines(directory_ + "/" + file_name(month), lines));
  }
  return base::Ok{};
}

base::Result<std::vector<std::string>> AuditLog::files() const {
  std::vector<std::string> files;
  std::error_code code;
  for (const auto& file : std::filesystem::directory_iterator(directory_, code)) {
    const std::string name = file.path().filename().string();
    if (name.size() != kPrefix.size() + kMonthBytes + kSuffix.size()) continue;
    if (name.starts_with(kPrefix) && name.ends_with(kSuffix)) files.push_back(file.path().string());
  }
  if (code) return base::Error(base::ErrorCode::io, fmt::format("read {}: {}", directory_, code.message()));
  std::sort(files.begin(), files.end());
  return files;
}

base::Result<AuditPage> AuditLog::read(const AuditQuery& query) const {
  TRY_ASSIGN(auto files, this->files());
  std::reverse(files.begin(), files.end());
  const auto first = directory_ + "/" + file_name(month_of(std::max(query.from, base::WallTime{0})));
  AuditPage page;
  std::size_t read = 0;
  for (const std::string& file : files) {
    if (file < first) break;
    LinesBackward lines(file);
    std::string line;
    while (lines.next(line, read)) {
      const std::string_view json = admin::audit_json(line);
      const auto at = admin::audit_time(json);
      if (!at || *at < query.from || *at >= query.to) continue;
      if (page.entries.size() == query.limit) {
        page.complete = false;
        return page;
      }
      page.entries.emplace_back(json);
    }
    if (read > kReadBytesMax) {
      page.complete = false;
      return page;
    }
  }
  return page;
}

base::Status record_command(const std::string& directory, base::WallTime at, std::string act,
                            std::string target, std::string detail) {
  admin::AuditEntry entry;
  entry.at = at;
  entry.act = std::move(act);
  entry.target = std::move(target);
  entry.outcome = "done";
  entry.name = "command line";
  entry.detail = std::move(detail);
  auto recorded = AuditLog(directory).append({entry});
  if (!recorded.ok()) return std::move(recorded).error().with_context("done, but not recorded");
  return base::Ok{};
}

}  // namespace millrace::app
