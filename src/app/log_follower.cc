#include "app/log_follower.h"

#include <dirent.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <charconv>

namespace millrace::app {

namespace {

constexpr std::size_t kReadBytes = 256 * 1024;
constexpr std::size_t kPendingBytesMax = 4 * 1024 * 1024;
constexpr std::string_view kHeader = "millrace tail positions 1\n";

struct PathParts {
  std::string directory;
  std::string name;
};
PathParts parts_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return {".", path};
  return {path.substr(0, std::max<std::size_t>(slash, 1)), path.substr(slash + 1)};
}

// Whether the file at `path` has what was read so far, and more or nothing behind it.
bool holds(const std::string& path, const LogPosition& known) {
  auto file = LogFile::open(path);
  return file.ok() && file->is_open() && known.head_bytes > 0 &&
         file->head_hash(known.head_bytes) == known.head_hash && file->reaches(known.offset);
}

// Whether the file at `path` is the one that was read so far.
bool is_same(const std::string& path, const LogPosition& saved) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0 || found.st_ino != saved.inode || found.st_dev != saved.device)
    return false;
  return holds(path, saved) || (saved.head_bytes == 0 && S_ISREG(found.st_mode));
}

bool begins_like(const std::string& path, const LogPosition& known) {
  auto file = LogFile::open(path);
  return file.ok() && file->is_open() && known.head_bytes > 0 &&
         file->head_hash(known.head_bytes) == known.head_hash;
}

// Of "access.log": "access.log.2", "access.log-20261121" and "access.log.2.gz", not "access.log.gz" or "access.log.bak".
bool is_renamed_name(std::string_view candidate, std::string_view name) {
  if (!candidate.starts_with(name)) return false;
  candidate.remove_prefix(name.size());
  if (candidate.ends_with(".gz")) candidate.remove_suffix(3);
  return candidate.size() >= 2 && (candidate[0] == '.' || candidate[0] == '-') &&
         candidate.find_first_not_of("0123456789", 1) == std::string_view::npos;
}

std::vector<std::string> names_in(const std::string& directory) {
  std::vector<std::string> names;
  DIR* const listing = ::opendir(directory.c_str());
  if (listing == nullptr) return names;
  while (const dirent* const entry = ::readdir(listing)) names.emplace_back(entry->d_name);
  ::closedir(listing);
  return names;
}

// Where in the directory of `path` the rest of the file is that was read: the file itself under another name, or a copy of it, which
// may be packed.
std::optional<std::string> find_rest(const std::string& path, const LogPosition& known) {
  const auto [directory, name] = parts_of(path);
  std::optional<std::string> copy;
  for (const std::string& each : names_in(directory)) {
    const std::string candidate = directory + "/" + each;
    if (is_same(candidate, known)) return candidate;
    if (is_renamed_name(each, name) && holds(candidate, known)) copy = candidate;
  }
  return copy;
}

}  // namespace

void LogFollower::close() {
  file_.close();
  pending_.clear();
  searched_ = taken_ = 0;
  quiet_reads_ = 0;
}

base::Status LogFollower::open_path(const std::string& path, std::uint64_t offset) {
  close();
  TRY_ASSIGN(file_, LogFile::open(path));
  if (!file_.is_open()) return base::Ok{};
  TRY_ASSIGN(const auto found, file_.stat());
  position_ = {found.st_dev, found.st_ino, offset, 0, 0};
  note_head();
  return base::Ok{};
}

// The more of its begin a file is known by, the surer; it grows until there is enough.
void LogFollower::note_head() {
  if (position_.head_bytes == kLogHeadBytes) return;
  const LogFile::Head head = file_.head(kLogHeadBytes);
  position_.head_bytes = head.bytes;
  position_.head_hash = head.hash;
}

base::Status LogFollower::open(const std::optional<LogPosition>& saved, Start start, bool& lost) {
  lost = false;
  if (saved) {
    if (is_same(path_, *saved)) return open_path(path_, saved->offset);
    if (const auto rest = find_rest(path_, *saved)) {
      TRY(open_path(*rest, saved->offset));
      // Whatever it is now: lines that are sent a second time have the same ids.
      position_.inode = saved->inode;
      return base::Ok{};
    }
    lost = true;
    return open_path(path_, 0);
  }
  TRY(open_path(path_, 0));
  if (start == Start::end && file_.is_open() && !file_.is_packed()) {
    TRY_ASSIGN(const auto found, file_.stat());
    // From the end of the last whole line: one that is being written will be whole soon.
    std::uint64_t end = static_cast<std::uint64_t>(found.st_size);
    char last = 0;
    while (end > 0) {
      TRY_ASSIGN(const std::size_t got, file_.read(end - 1, &last, 1));
      if (got != 1 || last == '\n') break;
      --end;
    }
    position_.offset = end;
  }
  return base::Ok{};
}

base::Result<std::size_t> LogFollower::fill() {
  if (pending_.size() >= kPendingBytesMax) return pending_.size();
  const std::size_t before = pending_.size();
  pending_.resize(before + kReadBytes);
  const auto got = file_.read(position_.offset + before, pending_.data() + before, kReadBytes);
  pending_.resize(before + (got.ok() ? *got : 0));
  return got;
}

void LogFollower::take_line(std::size_t bytes, std::vector<LogLine>& lines) {
  std::string_view text = std::string_view(pending_).substr(taken_, bytes);
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  if (!text.empty()) {
    lines.push_back({position_.inode, position_.offset, std::string(text.substr(0, kLineBytesMax))});
  }
  position_.offset += bytes;
  taken_ += bytes;
  searched_ = taken_;
}

// Once for all lines that were taken: one by one, each would move all that lies behind it.
void LogFollower::drop_taken() {
  pending_.erase(0, taken_);
  searched_ -= taken_;
  taken_ = 0;
}

base::Status LogFollower::read(std::size_t lines_max, std::vector<LogLine>& lines) {
  lines.clear();
  if (!file_.is_open()) TRY(open_path(path_, 0));
  if (!file_.is_open()) return base::Ok{};
  TRY_ASSIGN(const auto found, file_.stat());
  if (is_begun_again(found)) TRY(begin_again());
  note_head();
  std::size_t got = 0;
  if (pending_.find('\n', searched_) == std::string::npos) {
    TRY_ASSIGN(got, fill());
  }
  while (lines.size() < lines_max) {
    const std::size_t end = pending_.find('\n', searched_);
    if (end != std::string::npos) {
      take_line(end + 1 - taken_, lines);
    } else if (pending_.size() - taken_ >= kPendingBytesMax) {
      take_line(pending_.size() - taken_, lines);  // No line is that long.
    } else {
      searched_ = pending_.size();
      break;
    }
  }
  drop_taken();
  if (!lines.empty() || got > 0) {
    quiet_reads_ = 0;
    return base::Ok{};
  }
  return turn_over(lines);
}

// Truncated, after it was copied away. It may have grown beyond where it was since; then its begin tells.
bool LogFollower::is_begun_again(const struct stat& found) {
  if (file_.is_packed()) return false;
  return static_cast<std::uint64_t>(found.st_size) < position_.offset ||
         (position_.head_bytes > 0 && file_.head_hash(position_.head_bytes) != position_.head_hash);
}

base::Status LogFollower::begin_again() {
  LogPosition next = position_;
  ++next.offset;  // Only where there is something left to read.
  const auto copy = find_rest(path_, next);
  if (!copy) return open_path(path_, 0);
  const LogPosition before = position_;
  TRY(open_path(*copy, before.offset));
  position_.inode = before.inode;
  return base::Ok{};
}

// What was written after the file that is complete: mostly the file at the path; after more than one rotation the oldest of the
// renamed ones (access.log.2, access.log-20261121, access.log.3.gz) that was written to later. Packing leaves the time as it was.
std::string LogFollower::next_path() {
  const auto current = file_.stat();
  struct stat at_path {};
  if (!current.ok() || ::stat(path_.c_str(), &at_path) != 0) return path_;
  const auto [directory, name] = parts_of(path_);
  std::string next = path_;
  const auto written = [](const struct stat& file) {
    return std::pair(file.st_mtim.tv_sec, file.st_mtim.tv_nsec);
  };
  auto earliest = written(at_path);
  for (const std::string& each : names_in(directory)) {
    if (!is_renamed_name(each, name)) continue;
    const std::string candidate = directory + "/" + each;
    struct stat found {};
    if (::stat(candidate.c_str(), &found) != 0 || !S_ISREG(found.st_mode)) continue;
    if (found.st_ino == current->st_ino || found.st_ino == at_path.st_ino) continue;
    if (written(found) <= written(*current) || written(found) >= earliest) continue;
    if (begins_like(candidate, position_)) continue;  // A copy.
    earliest = written(found);
    next = candidate;
  }
  return next;
}

// Leaves a file that is no longer at its path once nothing more is written to it.
base::Status LogFollower::turn_over(std::vector<LogLine>& lines) {
  struct stat at_path {};
  if (::stat(path_.c_str(), &at_path) != 0) return base::Ok{};  // Renamed, and the new one is not there yet.
  TRY_ASSIGN(const auto current, file_.stat());
  if (at_path.st_ino == current.st_ino && at_path.st_dev == current.st_dev) return base::Ok{};
  if (++quiet_reads_ < kQuietReads) return base::Ok{};
  if (!pending_.empty()) {
    take_line(pending_.size(), lines);
    drop_taken();
    return base::Ok{};  // Its position is the old file's; the next read turns over.
  }
  return open_path(next_path(), 0);
}

std::optional<LogPosition> LogFollower::position() const {
  if (!file_.is_open()) return std::nullopt;
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
    if (!whole || line.empty() || at.head_bytes > kLogHeadBytes) return damaged;
    positions.emplace_back(std::string(line), at);
  }
  return positions;
}

}  // namespace millrace::app
