#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "admin/audit_entry.h"
#include "base/clock.h"
#include "base/result.h"

namespace millrace::app {

struct AuditQuery {
  base::WallTime from{0};
  base::WallTime to{INT64_MAX};  // Not itself.
  std::size_t limit = 100;
};

struct AuditPage {
  std::vector<std::string> entries;  // JSON, the newest first.
  bool complete = true;              // False: there is more in the range.
};

// The audit log of a data directory: a file a month, only ever appended to (docs/formats/admin.md). Several processes may append;
// one thread of each at a time.
class AuditLog {
 public:
  explicit AuditLog(std::string directory) : directory_(std::move(directory)) {}

  // Durable when it returns.
  base::Status append(const std::vector<admin::AuditEntry>& entries);
  // Lines that a crash cut off or that were damaged are left out. Reads at most kReadBytesMax.
  base::Result<AuditPage> read(const AuditQuery& query) const;

  // Of every month, the oldest first.
  base::Result<std::vector<std::string>> files() const;

  static constexpr std::size_t kReadBytesMax = 64 << 20;
  static constexpr std::size_t kLineBytesMax = 16 * 1024;  // No line is so long.

 private:
  const std::string directory_;
};

// What somebody did on the command line, in the log of that directory; durable when it returns.
base::Status record_command(const std::string& directory, base::WallTime at, std::string act,
                            std::string target, std::string detail);

}  // namespace millrace::app
