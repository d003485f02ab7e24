#include "app/log_follower.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "base/hash.h"

namespace millrace::app {

namespace {

constexpr std::uint32_t kHeadBytes = 256;
constexpr std::size_t kReadBytes = 256 * 1024;
constexpr std::size_t kPendingBytesMax = 4 * 1024 * 1024;
constexpr std::string_view kHeader = "millrace tail positions 1\n";

base::Error failed(const std::string& path) {
  return {base::ErrorCode::io, fmt::format("{}: {}", path, std::strerror(errno))};
}

std::uint64_t head_hash(int file, std::uint32_t bytes) {
  std::array<char, kHeadBytes> head{};
  const ssize_t got = ::pread(file, head.data(), bytes, 0);
  return got == static_cast<ssize_t>(bytes) ? base::hash64({head.data(), bytes}) : 0;
}

// Whether the file at `path` is the one that was read so far.
bool is_same(const std::string& path, const LogPosition& saved) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return false;
  struct stat found {};
  const bool same = ::fstat(file, &found) == 0 && S_ISREG(found.st_mode) && found.st_ino == saved.inode &&
                    found.st_dev == saved.device &&
                    static_cast<std::uint64_t>(found.st_size) >= saved.offset &&
                    head_hash(file, saved.head_bytes) == saved.head_hash;
  ::close(file);
  return same;
}

bool begins_like(const std::string& path, const LogPosition& known) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return false;
  const bool same = known.head_bytes > 0 && head_hash(file, known.head_bytes) == known.head_hash;
  ::close(file);
  return same;
}

// Of "access.log": "access.log.2" and "access.log-20261121", not "access.log.gz" or "access.log.bak".
bool is_renamed_name(std::string_view candidate, std::string_view name) {
  if (!candidate.starts_with(name)) return false;
  candidate.remove_prefix(name.size());
  return candidate.size() >= 2 && (candidate[0] == '.' || candidate[0] == '-') &&
         candidate.find_first_not_of("0123456789", 1) == std::string_view::npos;
}

// The name that the saved file has now, in the directory of `path`.
std::optional<std::string> find_renamed(const std::string& path, const LogPosition& saved) {
  const std::size_t slash = path.rfind('/');
  const std::string directory =
      slash == std::string::npos ? "." : path.substr(0, std::max<std::size_t>(slash, 1));
  DIR* const listing = ::opendir(directory.c_str());
  if (listing == nullptr) return std::nullopt;
  std::optional<std::string> found;
  while (const dirent* const entry = ::readdir(listing)) {
    if (entry->d_ino != saved.inode) continue;
    const std::string candidate = directory + "/" + entry->d_name;
    if (is_same(candidate, saved)) found = candidate;
  }
  ::closedir(listing);
  return found;
}

}  // namespace

LogFollower::~LogFollower() { close(); }

void LogFollower::close() {
  if (file_ >= 0) ::close(file_);
  file_ = -1;
  pending_.clear();
  searched_ = 0;
  quiet_reads_ = 0;
}

base::Status LogFollower::open_path(const std::string& path, std::uint64_t offset) {
  close();
  file_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file_ < 0) return errno == ENOENT ? base::Status(base::Ok{}) : base::Status(failed(path));
  struct stat found {};
  if (::fstat(file_, &found) != 0) return failed(path);
  if (!S_ISREG(found.st_mode)) return base::Error(base::ErrorCode::invalid_argument, path + ": is no file");
  position_ = {found.st_dev, found.st_ino, offset, 0, 0};
  note_head();
  return base::Ok{};
}

// The more of its begin a file is known by, the surer; it grows until there is enough.
void LogFollower::note_head() {
  if (position_.head_bytes == kHeadBytes) return;
  struct stat found {};
  if (::fstat(file_, &found) != 0) return;
  position_.head_bytes = static_cast<std::uint32_t>(std::min<std::int64_t>(found.st_size, kHeadBytes));
  position_.head_hash = head_hash(file_, position_.head_bytes);
}

base::Status LogFollower::open(const std::optional<LogPosition>& saved, Start start, bool& lost) {
  lost = false;
  if (saved) {
    if (is_same(path_, *saved)) return open_path(path_, saved->offset);
    if (const auto renamed = find_renamed(path_, *saved)) return open_path(*renamed, saved->offset);
    lost = true;
    return open_path(path_, 0);
  }
  TRY(open_path(path_, 0));
  if (start == Start::end && file_ >= 0) {
    struct stat found {};
    if (::fstat(file_, &found) != 0) return failed(path_);
    // From the end of the last whole line: one that is being written will be whole soon.
    std::uint64_t end = static_cast<std::uint64_t>(found.st_size);
    char last = 0;
    while (end > 0 && ::pread(file_, &last, 1, static_cast<off_t>(end - 1)) == 1 && last != '\n') --end;
    position_.offset = end;
  }
  return base::Ok{};
}

base::Result<std::size_t> LogFollower::fill() {
  if (pending_.size() >= kPendingBytesMax) return pending_.size();
  const std::size_t before = pending_.size();
  pending_.resize(before + kReadBytes);
  const ssize_t got =
      ::pread(file_, pending_.data() + before, kReadBytes, static_cast<off_t>(position_.offset + before));
  pending_.resize(before + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  if (got < 0) return failed(path_);
  return static_cast<std::size_t>(got);
}

void LogFollower::take_line(std::size_t bytes, std::vector<LogLine>& lines) {
  std::string_view text = std::string_view(pending_).substr(0, bytes);
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  if (!text.empty()) {
    lines.push_back({position_.inode, position_.offset, std::string(text.substr(0, kLineBytesMax))});
  }
  position_.offset += bytes;
  pending_.erase(0, bytes);
  searched_ = 0;
}

base::Status LogFollower::read(std::size_t lines_max, std::vector<LogLine>& lines) {
  lines.clear();
  if (file_ < 0) TRY(open_path(path_, 0));
  if (file_ < 0) return base::Ok{};
  struct stat found {};
  if (::fstat(file_, &found) != 0) return failed(path_);
  if (is_begun_again(found)) {
    pending_.clear();
    searched_ = 0;
    position_.offset = 0;
    position_.head_bytes = 0;
  }
  note_head();
  TRY_ASSIGN(const std::size_t got, fill());
  while (lines.size() < lines_max) {
    const std::size_t end = pending_.find('\n', searched_);
    searched_ = pending_.size();
    if (end != std::string::npos) {
      take_line(end + 1, lines);
    } else if (pending_.size() >= kPendingBytesMax) {
      take_line(pending_.size(), lines);  // No line is that long.
    } else {
      break;
    }
  }
  if (!lines.empty() || got > 0) {
    quiet_reads_ = 0;
    return base::Ok{};
  }
  return turn_over(lines);
}

// Truncated, after it was copied away. It may have grown beyond where it was since; then its begin tells.
bool LogFollower::is_begun_again(const struct stat& found) const {
  return static_cast<std::uint64_t>(found.st_size) < position_.offset ||
         (position_.head_bytes > 0 && head_hash(file_, position_.head_bytes) != position_.head_hash);
}

// What was written after the file that is complete: mostly the file at the path; after more than one rotation the oldest of the
// renamed ones (access.log.2, access.log-20261121) that was written to later.
std::string LogFollower::next_path() const {
  struct stat current {
  }, at_path{};
  const std::size_t slash = path_.rfind('/');
  const std::string directory =
      slash == std::string::npos ? "." : path_.substr(0, std::max<std::size_t>(slash, 1));
  const std::string name = slash == std::string::npos ? path_ : path_.substr(slash + 1);
  DIR* const listing = ::opendir(directory.c_str());
  if (listing == nullptr) return path_;
  std::string next = path_;
  const bool known = ::fstat(file_, &current) == 0 && ::stat(path_.c_str(), &at_path) == 0;
  const auto written = [](const struct stat& file) {
    return std::pair(file.st_mtim.tv_sec, file.st_mtim.tv_nsec);
  };
  auto earliest = written(at_path);
  while (const dirent* const entry = known ? ::readdir(listing) : nullptr) {
    if (!is_renamed_name(entry->d_name, name)) continue;
    const std::string candidate = directory + "/" + entry->d_name;
    struct stat found {};
    if (::stat(candidate.c_str(), &found) != 0 || !S_ISREG(found.st_mode)) continue;
    if (found.st_ino == current.st_ino || found.st_ino == at_path.st_ino) continue;
    if (written(found) <= written(current) || written(found) >= earliest) continue;
    if (begins_like(candidate, position_)) continue;  // A copy.
    earliest = written(found);
    next = candidate;
  }
  ::closedir(listing);
  return next;
}

// Leaves a file that is no longer at its path once nothing more is written to it.
base::Status LogFollower::turn_over(std::vector<LogLine>& lines) {
  struct stat at_path {};
  if (::stat(path_.c_str(), &at_path) != 0) return base::Ok{};  // Renamed, and the new one is not there yet.
  if (at_path.st_ino == position_.inode && at_path.st_dev == position_.device) return base::Ok{};
  if (++quiet_reads_ < kQuietReads) return base::Ok{};
  if (!pending_.empty()) {
    take_line(pending_.size(), lines);
    return base::Ok{};  // Its position is the old file's; the next read turns over.
  }
  return open_path(next_path(), 0);
}

std::optional<LogPosition> LogFollower::position() const {
  if (file_ < 0) return std::nullopt;
  return position_;
}

std::string write_positions(const LogPositions& positions) {
  std::string text(kHeader);
  for (const auto& [path, at] : positions) {
    text += fmt::format("{} {} {} {} {:016x} {}\n", at.device, at.inode, at.offset, at.head_bytes,
                        at.head_hash, path);
  }
  return text;
}

base::Result<LogPositions> read_positions(std::string_view text) {
  const base::Error damaged(base::ErrorCode::corrupt, "this is no file of tail positions");
  if (!text.starts_with(kHeader)) return damaged;
  text.remove_prefix(kHeader.size());
  LogPositions positions;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return damaged;
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 1);
    LogPosition at;
    const auto number = [&line](auto& into, int base) {
      const auto [rest, error] = std::from_chars(line.data(), line.data() + line.size(), into, base);
      if (error != std::errc() || rest == line.data() + line.size() || *rest != ' ') return false;
      line.remove_prefix(static_cast<std::size_t>(rest - line.data()) + 1);
      return true;
    };
    const bool whole = number(at.device, 10) && number(at.inode, 10) && number(at.offset, 10) &&
                       number(at.head_bytes, 10) && number(at.head_hash, 16);
    if (!whole || line.empty() || at.head_bytes > kHeadBytes) return damaged;
    positions.emplace_back(std::string(line), at);
  }
  return positions;
}

}  // namespace millrace::app
