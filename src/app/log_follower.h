#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/log_file.h"
#include "base/result.h"

namespace millrace::app {

// By which a file is known again, at most.
constexpr std::uint32_t kLogHeadBytes = 256;

// How far a log was read: docs/formats/tail-position.md.
struct LogPosition {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t offset = 0;      // After the last whole line that was taken.
  std::uint32_t head_bytes = 0;  // Of the file's begin, by which it is known again.
  std::uint64_t head_hash = 0;
  bool operator==(const LogPosition&) const = default;
};

struct LogLine {
  std::uint64_t inode = 0;
  std::uint64_t offset = 0;
  std::string text;
};

// Lines of a log as they are written, across rotation by rename (what is still written to the old file comes before the new
// one, and files that came and were renamed meanwhile come between) and by truncation (what was not read yet comes from the copy),
// and from what was packed with gzip since.
class LogFollower {
 public:
  static constexpr std::size_t kLineBytesMax = 64 * 1024;  // Longer lines are cut.
  // Reads in a row that find nothing before a file that was renamed is taken to be complete.
  static constexpr int kQuietReads = 5;

  enum class Start : std::uint8_t { beginning, end };
  explicit LogFollower(std::string path) : path_(std::move(path)) {}
  LogFollower(const LogFollower&) = delete;
  LogFollower& operator=(const LogFollower&) = delete;

  // Goes on where `saved` says, in the same file even if it was renamed, packed or copied and truncated within its directory. When
  // that file is gone or is no longer the same, `lost` becomes true and reading begins with the file at the path. A file that is not
  // there yet is waited for; one that is packed itself is whole, and has no end to wait at.
  base::Status open(const std::optional<LogPosition>& saved, Start start, bool& lost);

  // Up to `lines_max` whole lines; none when nothing was written. A last line without its end is kept back until the file
  // is complete.
  base::Status read(std::size_t lines_max, std::vector<LogLine>& lines);
  // After the lines that read() gave last; to be saved once those are durable elsewhere.
  std::optional<LogPosition> position() const;

 private:
  base::Status open_path(const std::string& path, std::uint64_t offset);
  base::Result<std::size_t> fill();
  base::Status turn_over(std::vector<LogLine>& lines);
  base::Status begin_again();
  std::string next_path();
  bool is_begun_again(const struct stat& found);
  void take_line(std::size_t bytes, std::vector<LogLine>& lines);
  void drop_taken();
  void note_head();
  void close();

  const std::string path_;
  LogFile file_;
  LogPosition position_;
  std::string pending_;  // Read and not yet handed out: begins at position_.offset.
  std::size_t searched_ = 0;
  std::size_t taken_ = 0;  // Of what is pending, while read() hands it out.
  int quiet_reads_ = 0;
};

// All positions as one text, and back. corrupt when it is none.
using LogPositions = std::vector<std::pair<std::string, LogPosition>>;
std::string write_positions(const LogPositions& positions);
base::Result<LogPositions> read_positions(std::string_view text);

}  // namespace millrace::app
