#include "privacy/suppressions.h"

#include <algorithm>
#include <charconv>

#include "base/bytes.h"
#include "privacy/sip_hash.h"

namespace millrace::privacy {

using base::Error;
using base::ErrorCode;
using base::Hash128;

namespace {

constexpr std::size_t kIdBytesMax = 1024;

std::string line_of(char sign, const Hash128& id, base::WallTime at) {
  std::string line(1, sign);
  line += ' ';
  line += hex_of(id);
  line += ' ';
  line += std::to_string(at.ms);
  line += '\n';
  return line;
}

bool parse_word(std::string_view text, std::uint64_t& into) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into, 16);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

std::string hex_of(const Hash128& hash) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out(32, '0');
  for (int i = 0; i < 16; ++i) {
    out[static_cast<std::size_t>(15 - i)] = kHex[(hash.high >> (4 * i)) & 15];
    out[static_cast<std::size_t>(31 - i)] = kHex[(hash.low >> (4 * i)) & 15];
  }
  return out;
}

base::Result<std::unique_ptr<Suppressions>> Suppressions::open(disk::Disk& disk, std::string path,
                                                               const Keys& keys) {
  std::unique_ptr<Suppressions> made(new Suppressions(disk, std::move(path), keys.suppression));
  auto text = disk::read_file(disk, made->path_);
  if (!text.ok() && text.error().code() != ErrorCode::not_found) return std::move(text).error();
  if (text.ok() && !made->read(*text)) {
    return Error(ErrorCode::corrupt, made->path_ + ": not a list of suppressions");
  }
  // Written anew, without what was taken back and without a torn end.
  std::string compact;
  for (const Entry& entry : made->list()) compact += line_of('+', entry.id, entry.since);
  TRY(disk::write_file_atomically(disk, made->path_, compact));
  TRY_ASSIGN(made->file_, disk.open_for_write(made->path_));
  made->end_ = compact.size();
  return made;
}

bool Suppressions::read(std::string_view text) {
  while (!text.empty()) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos) break;
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 1);
    Hash128 id;
    std::int64_t at = 0;
    if (line.size() < 36 || line[1] != ' ' || line[34] != ' ' || !parse_word(line.substr(2, 16), id.high) ||
        !parse_word(line.substr(18, 16), id.low)) {
      return false;
    }
    const auto time = line.substr(35);
    if (std::from_chars(time.data(), time.data() + time.size(), at).ec != std::errc()) return false;
    if (line[0] == '+') {
      ids_.try_emplace(id, base::WallTime{at});
    } else if (line[0] == '-') {
      ids_.erase(id);
    } else {
      return false;
    }
  }
  size_ = ids_.size();
  return true;
}

Hash128 hash_of_id(const KeyBytes& key, std::string_view id) {
  while (!id.empty() && id.front() == ' ') id.remove_prefix(1);
  while (!id.empty() && id.back() == ' ') id.remove_suffix(1);
  if (id.find('@') == std::string_view::npos) return sip_hash(key.data(), id);
  // Nobody means another person by the case of an email address.
  char lower[kIdBytesMax];
  const std::size_t size = std::min(id.size(), kIdBytesMax);
  for (std::size_t i = 0; i < size; ++i)
    lower[i] = id[i] >= 'A' && id[i] <= 'Z' ? static_cast<char>(id[i] + 32) : id[i];
  return sip_hash(key.data(), {lower, size});
}

base::Status Suppressions::append(char sign, const Hash128& id, base::WallTime at) {
  const std::string line = line_of(sign, id, at);
  TRY(file_->write_at(end_, base::as_bytes(line)));
  TRY(file_->sync());
  end_ += line.size();
  return base::Ok{};
}

base::Result<bool> Suppressions::add(std::string_view id, base::WallTime now) {
  if (id.empty() || id.size() > kIdBytesMax)
    return Error(ErrorCode::invalid_argument, "an id has 1 to 1024 bytes");
  const Hash128 key = hash(id);
  const std::lock_guard writing(writing_);
  {
    const std::shared_lock lock(mutex_);
    if (ids_.contains(key)) return false;
  }
  TRY(append('+', key, now));
  const std::unique_lock lock(mutex_);
  ids_.emplace(key, now);
  size_.store(ids_.size(), std::memory_order_release);
  return true;
}

base::Result<bool> Suppressions::remove(std::string_view id, base::WallTime now) {
  const Hash128 key = hash(id);
  const std::lock_guard writing(writing_);
  {
    const std::shared_lock lock(mutex_);
    if (!ids_.contains(key)) return false;
  }
  TRY(append('-', key, now));
  const std::unique_lock lock(mutex_);
  ids_.erase(key);
  size_.store(ids_.size(), std::memory_order_release);
  return true;
}

bool Suppressions::has(std::string_view id) const { return !id.empty() && any() && has(hash(id)); }

bool Suppressions::has(const Hash128& id) const {
  const std::shared_lock lock(mutex_);
  return ids_.contains(id);
}

std::vector<Suppressions::Entry> Suppressions::list() const {
  std::vector<Entry> out;
  {
    const std::shared_lock lock(mutex_);
    out.reserve(ids_.size());
    for (const auto& [id, since] : ids_) out.push_back({id, since});
  }
  std::sort(out.begin(), out.end(), [](const Entry& a, const Entry& b) {
    return a.since.ms != b.since.ms ? a.since.ms < b.since.ms : a.id.high < b.id.high;
  });
  return out;
}

}  // namespace millrace::privacy
