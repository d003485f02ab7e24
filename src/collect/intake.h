#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "collect/dialect.h"
#include "journal/journal.h"

namespace millrace::collect {

// What time is, to what is collected.
enum class TimeSource : std::uint8_t {
  wall,    // The server's clock at receipt.
  events,  // Imported items count as received when they happened: replays and backtests.
};

// Encodes the items of one request as journal records, each for the partition of its visitor.
class Intake final : public ItemSink {
 public:
  static constexpr std::size_t kShareBytes = journal::kAppendBytesMax / 4;

  Intake(std::size_t partitions, TimeSource time) : buffers_(partitions), time_(time) {}

  // Before every request; keeps memory. `bytes_hint`: about how much is to come.
  void begin(base::WallTime received_at, std::size_t bytes_hint);

  void accept(event::Event& event) override;
  void quarantine(const event::QuarantinedItem& item, std::string_view visitor_key) override;
  void refuse(std::string_view reason, std::string_view detail) override;

  // What came of it, in order for each partition.
  struct Share {
    std::size_t partition = 0;
    journal::RecordBuffer records;
  };
  std::vector<Share> take_shares();
  const Outcome& outcome() const { return outcome_; }
  Outcome& outcome() { return outcome_; }

 private:
  journal::RecordBuffer& buffer_for(std::string_view key);
  void finish_record(journal::RecordBuffer& buffer);
  void make_message_id(event::Event& event);
  void reject(event::Verdict verdict, std::string_view reason, std::string_view pointer,
              std::string_view detail);

  std::vector<journal::RecordBuffer> buffers_;  // By partition.
  std::vector<Share> full_;                     // Those that reached kShareBytes.
  const TimeSource time_;
  Outcome outcome_;
  base::WallTime received_at_;
  base::WallTime
      last_import_;  // Stands in for items whose own time cannot be read, when time is the events'.
  std::size_t reserve_bytes_ = 0;
  std::array<char, 32> message_id_{};
};

}  // namespace millrace::collect
