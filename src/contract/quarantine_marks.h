#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "base/result.h"
#include "disk/disk.h"

namespace millrace::contract {

// What has become of a quarantined item.
enum class QuarantineState : std::uint8_t {
  open,
  replayed,  // It was sent again and taken.
  ignored,   // A person looked and left it.
  repeated,  // What was sent again and turned away again: the item that it was made of is the one to mend. Never a mark.
};
std::string_view to_string(QuarantineState state);
std::optional<QuarantineState> parse_quarantine_state(std::string_view name);

// Position of its record: what identifies an item in quarantine.
struct QuarantinePlace {
  std::uint32_t partition = 0;
  std::uint64_t offset = 0;
  auto operator<=>(const QuarantinePlace&) const = default;
};

// The states of the items that are no longer open. What set() returned ok for holds after a crash. Any thread.
class QuarantineMarks {
 public:
  static constexpr std::size_t kMarksMax = 100'000;

  // docs/formats/contracts.md
  static base::Result<std::unique_ptr<QuarantineMarks>> open(disk::Disk& disk, const base::Clock& clock);

  QuarantineState state(QuarantinePlace place) const;
  // exhausted past kMarksMax.
  base::Status set(std::span<const QuarantinePlace> places, QuarantineState state);
  bool has_room(std::size_t more) const;
  // An SQL condition on "partition", "offset" and "raw" that holds for the items of a state.
  std::string condition(QuarantineState state) const;
  // The same for what was turned away again, whatever became of it since.
  static std::string_view repeats();

 private:
  struct Mark {
    QuarantineState state = QuarantineState::open;
    base::WallTime at;
  };
  QuarantineMarks(disk::Disk& disk, const base::Clock& clock) : disk_(disk), clock_(clock) {}
  base::Status load();

  disk::Disk& disk_;
  const base::Clock& clock_;
  mutable std::mutex mutex_;
  std::map<QuarantinePlace, Mark> marks_;
};

}  // namespace millrace::contract
