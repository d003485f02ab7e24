#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "collect/dialect.h"
#include "collect/gate.h"
#include "collect/item_watch.h"
#include "collect/kept_item.h"
#include "journal/journal.h"

namespace millrace::collect {

// What time is, to what is collected.
enum class TimeSource : std::uint8_t {
  wall,    // The server's clock at receipt.
  events,  // Imported items count as received when they happened: replays and backtests.
};

// What the sender of such an item is told.
inline const Refusal kOtherRegion{
    421, "other_region", "The data of this source belongs to another region than this server stores.",
    "Send to the server of the source's region; nothing was stored.", 0};

// Takes the items of one request through the gates and encodes them as journal records, each for the partition of its
// visitor.
class Intake final : public ItemSink {
 public:
  static constexpr std::size_t kShareBytes = journal::kAppendBytesMax / 4;

  // `watch`, when there is one, must outlive this.
  Intake(std::size_t partitions, TimeSource time, std::vector<std::unique_ptr<Gate>> gates = {},
         ItemWatch* watch = nullptr)
      : buffers_(partitions), time_(time), gates_(std::move(gates)), watch_(watch) {}

  // Before every request; keeps memory. `bytes_hint`: about how much is to come.
  void begin(base::WallTime received_at, std::size_t bytes_hint);
  void begin(const http::Request& request, base::WallTime received_at, std::size_t bytes_hint);

  void laid_out(const JsonTape& item) override { item_ = &item; }
  // Sources of these indices have their data in another region: nothing of theirs is taken. Must outlive this.
  void keep_out(const std::vector<bool>& elsewhere) { elsewhere_ = &elsewhere; }
  // Of the request, those that were kept out, and whose the last of them was.
  std::uint32_t kept_out() const { return kept_out_; }
  std::uint16_t kept_out_source() const { return kept_out_source_; }

  void accept(event::Event& event) override;
  void quarantine(const event::QuarantinedItem& item, std::string_view visitor_key) override;
  void refuse(std::string_view reason, std::string_view detail) override;
  void keep_with(std::string_view members) override { kept_with_ = members; }
  void count_stock(const event::SetStock& count) override { counts_.push_back(count); }

  // After the last item; an error is a gate's, and nothing of the request may be stored.
  base::Status finish();
  // What came of it, in order for each partition.
  struct Share {
    std::size_t partition = 0;
    journal::RecordBuffer records;
  };
  std::vector<Share> take_shares();
  std::vector<event::SetStock> take_counts() { return std::exchange(counts_, {}); }
  // How many items each source sent; those that were refused are not in it.
  const std::vector<std::pair<std::uint16_t, std::uint32_t>>& sent() const { return sent_; }
  const Outcome& outcome() const { return outcome_; }
  Outcome& outcome() { return outcome_; }

 private:
  journal::RecordBuffer& buffer_for(std::string_view key);
  void finish_record(journal::RecordBuffer& buffer);
  void take_import_time(event::Event& event);
  void make_message_id(event::Event& event);
  bool passes_gates(event::Event& event);
  void turn_away(const event::Event& event, const Decision& decision);
  void keep(const event::QuarantinedItem& item, std::string_view visitor_key, std::string_view with);
  void count(std::uint16_t source);
  // True when the source's data belongs elsewhere; the item is then refused.
  bool is_kept_out(std::uint16_t source);
  void reject(event::Verdict verdict, std::string_view reason, std::string_view pointer,
              std::string_view detail);

  std::vector<journal::RecordBuffer> buffers_;  // By partition.
  std::vector<event::SetStock> counts_;
  std::vector<Share> full_;  // Those that reached kShareBytes.
  const TimeSource time_;
  const std::vector<std::unique_ptr<Gate>> gates_;  // In the order of passing.
  ItemWatch* const watch_;
  std::vector<std::pair<std::uint16_t, std::uint32_t>> sent_;
  const std::vector<bool>* elsewhere_ = nullptr;
  std::uint32_t kept_out_ = 0;
  std::uint16_t kept_out_source_ = 0;
  Outcome outcome_;
  const JsonTape* item_ = nullptr;  // Of the event that comes next; null when it was not laid out.
  std::string kept_with_;           // JSON members for what goes into quarantine.
  KeptItem kept_item_;
  base::WallTime received_at_;
  base::WallTime
      last_import_;  // Stands in for items whose own time cannot be read, when time is the events'.
  std::size_t reserve_bytes_ = 0;
  std::array<char, 32> message_id_{};
};

}  // namespace millrace::collect
