#include "contract/quarantine_marks.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <vector>

namespace millrace::contract {

namespace {

constexpr std::string_view kFile = "contracts/quarantine";
constexpr std::string_view kStates[] = {"open", "replayed", "ignored", "repeated"};

// "replayed 0 17 1795000000000"
template <class Number>
bool read_number(std::string_view& line, Number& into) {
  if (line.starts_with(' ')) line.remove_prefix(1);
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), into);
  if (error != std::errc()) return false;
  line.remove_prefix(static_cast<std::size_t>(end - line.data()));
  return true;
}

}  // namespace

std::string_view to_string(QuarantineState state) { return kStates[static_cast<std::size_t>(state)]; }

std::optional<QuarantineState> parse_quarantine_state(std::string_view name) {
  for (std::size_t i = 0; i < std::size(kStates); ++i) {
    if (kStates[i] == name) return static_cast<QuarantineState>(i);
  }
  return std::nullopt;
}

base::Result<std::unique_ptr<QuarantineMarks>> QuarantineMarks::open(disk::Disk& disk,
                                                                     const base::Clock& clock) {
  std::unique_ptr<QuarantineMarks> marks(new QuarantineMarks(disk, clock));
  TRY(marks->load());
  return marks;
}

base::Status QuarantineMarks::load() {
  auto text = disk::read_file(disk_, kFile);
  if (!text.ok() && text.error().code() == base::ErrorCode::not_found) return base::Ok{};
  if (!text.ok()) return std::move(text).error();
  std::string_view rest = *text;
  while (!rest.empty()) {
    std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    const auto state = parse_quarantine_state(line.substr(0, line.find(' ')));
    line.remove_prefix(std::min(line.find(' '), line.size()));
    QuarantinePlace place;
    Mark mark;
    const bool read = state && *state != QuarantineState::repeated && read_number(line, place.partition) &&
                      read_number(line, place.offset) && read_number(line, mark.at.ms) && line.empty();
    if (!read) return base::Error(base::ErrorCode::corrupt, std::string(kFile) + " has an unreadable line");
    mark.state = *state;
    marks_[place] = mark;
  }
  return base::Ok{};
}

QuarantineState QuarantineMarks::state(QuarantinePlace place) const {
  const std::lock_guard lock(mutex_);
  const auto found = marks_.find(place);
  return found == marks_.end() ? QuarantineState::open : found->second.state;
}

bool QuarantineMarks::has_room(std::size_t more) const {
  const std::lock_guard lock(mutex_);
  return marks_.size() + more <= kMarksMax;
}

base::Status QuarantineMarks::set(std::span<const QuarantinePlace> places, QuarantineState state) {
  const std::lock_guard lock(mutex_);
  auto next = marks_;
  for (const QuarantinePlace place : places) {
    if (state == QuarantineState::open) {
      next.erase(place);
    } else if (Mark& mark = next[place]; mark.state != state) {
      mark = {state, clock_.wall()};
    }
  }
  if (next.size() > kMarksMax) return base::Error(base::ErrorCode::exhausted, "too many items are marked");
  std::string text;
  for (const auto& [place, mark] : next) {
    text += fmt::format("{} {} {} {}\n", to_string(mark.state), place.partition, place.offset, mark.at.ms);
  }
  TRY(disk::write_file_atomically(disk_, kFile, text));
  marks_ = std::move(next);
  return base::Ok{};
}

// The mark of a replay is the first member of the bytes that it sends.
std::string_view QuarantineMarks::repeats() {
  return R"(coalesce(raw >= '{"replayed_from":"'::BLOB AND raw < '{"replayed_from":#'::BLOB, false))";
}

std::string QuarantineMarks::condition(QuarantineState state) const {
  const std::lock_guard lock(mutex_);
  const bool is_unmarked = state == QuarantineState::open || state == QuarantineState::repeated;
  std::map<std::uint32_t, std::string> offsets;
  for (const auto& [place, mark] : marks_) {
    if (!is_unmarked && mark.state != state) continue;
    std::string& list = offsets[place.partition];
    list += (list.empty() ? "" : ",") + std::to_string(place.offset);
  }
  std::string any;
  for (const auto& [partition, list] : offsets) {
    any += fmt::format(R"({}("partition" = {} AND "offset" IN ({})))", any.empty() ? "" : " OR ", partition,
                       list);
  }
  if (any.empty()) any = "false";
  if (!is_unmarked) return "(" + any + ")";
  return fmt::format("NOT ({}) AND {}{}", any, state == QuarantineState::open ? "NOT " : "", repeats());
}

}  // namespace millrace::contract
