// The list of what was opened, for whom and when.
#include <charconv>

#include "base/bytes.h"
#include "privacy/vault.h"

namespace millrace::privacy {

namespace {

constexpr std::size_t kListedMax = 1'000;   // In memory.
constexpr std::size_t kKeptMax = 100'000;   // In the file; older ones go at a start.
constexpr std::string_view kNoToken = "-";  // What was asked for and is none.

std::string line_of(const Opening& opening) {
  std::string line = std::to_string(opening.at.ms);
  line.append(" ").append(opening.who).append(" ").append(event::to_string(opening.purpose));
  line.append(" ").append(to_string(opening.state)).append(" ").append(opening.token);
  return line += '\n';
}

std::string_view take_word(std::string_view& line) {
  const auto end = line.find(' ');
  const auto word = line.substr(0, end);
  line.remove_prefix(end == std::string_view::npos ? line.size() : end + 1);
  return word;
}

bool parse(std::string_view line, Opening& out) {
  const auto at = take_word(line);
  if (std::from_chars(at.data(), at.data() + at.size(), out.at.ms).ec != std::errc()) return false;
  out.who = take_word(line);
  const auto purpose = take_word(line), state = take_word(line);
  bool known = false;
  for (std::size_t i = 0; i < event::kPurposeCount; ++i) {
    if (purpose != event::to_string(static_cast<event::Purpose>(i))) continue;
    out.purpose = static_cast<event::Purpose>(i);
    known = true;
  }
  for (std::size_t i = 0; i <= static_cast<std::size_t>(OpenedToken::State::damaged); ++i) {
    if (state == to_string(static_cast<OpenedToken::State>(i)))
      out.state = static_cast<OpenedToken::State>(i);
  }
  out.token = line;
  return known && !line.empty();
}

}  // namespace

base::Status Vault::load_openings(disk::Disk& disk, const std::string& path) {
  auto text = disk::read_file(disk, path);
  if (!text.ok() && text.error().code() != base::ErrorCode::not_found) return std::move(text).error();
  std::deque<std::string_view> lines;
  std::string_view rest = text.ok() ? std::string_view(*text) : std::string_view();
  for (std::size_t end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
    lines.push_back(rest.substr(0, end + 1));
    rest.remove_prefix(end + 1);
    if (lines.size() > kKeptMax) lines.pop_front();
  }
  std::string kept;
  for (const auto line : lines) kept += line;
  if (!text.ok() || kept.size() != text->size()) TRY(disk::write_file_atomically(disk, path, kept));
  for (auto line = lines.rbegin(); line != lines.rend() && openings_.size() < kListedMax; ++line) {
    Opening opening;
    if (parse(line->substr(0, line->size() - 1), opening)) openings_.push_back(std::move(opening));
  }
  openings_end_ = kept.size();
  TRY_ASSIGN(openings_file_, disk.open_for_write(path));
  return base::Ok{};
}

base::Status Vault::note(const std::vector<OpenedToken>& opened, event::Purpose purpose,
                         std::string_view who) {
  std::vector<Opening> noted;
  std::string lines;
  for (const OpenedToken& token : opened) {
    const bool is_one = is_token(token.token);
    noted.push_back({clock_.wall(), std::string(who), purpose, token.state,
                     is_one ? token.token : std::string(kNoToken)});
    lines += line_of(noted.back());
  }
  {
    const std::lock_guard writing(opening_);
    TRY(openings_file_->write_at(openings_end_, base::as_bytes(lines)));
    TRY(openings_file_->sync());
    openings_end_ += lines.size();
  }
  const std::lock_guard lock(mutex_);
  for (Opening& opening : noted) {
    ++(opening.state == OpenedToken::State::opened ? figures_.opened : figures_.refused);
    openings_.push_front(std::move(opening));
    if (openings_.size() > kListedMax) openings_.pop_back();
  }
  return base::Ok{};
}

std::vector<Opening> Vault::openings() const {
  const std::lock_guard lock(mutex_);
  return {openings_.begin(), openings_.end()};
}

}  // namespace millrace::privacy
