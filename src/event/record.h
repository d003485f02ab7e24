#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "event/event.h"

namespace millrace::event {

// What a journal record is: the first byte of its payload. docs/formats/record.md. Append only.
enum class RecordKind : std::uint8_t {
  event = 1,        // A canonical event with its raw bytes.
  quarantined = 2,  // An item that could not become one, with its raw bytes.
  tick = 3,         // Time passing, as the owner of the journal saw it.
  fact = 4,         // Re-keyed for the second stage; event/fact.h.
  command = 5,      // A request whose answer is decided by the log: stock; event/fact.h.
  dropped = 6,      // An item of which nothing is kept, for the ledger to count.
};

// An item that is kept for repair and never processed.
struct QuarantinedItem {
  std::uint16_t source = 0;
  base::WallTime received_at;
  std::string_view reason;   // Stable code: "missing_identity", "invalid_json", ...
  std::string_view pointer;  // RFC 6901 JSON pointer to the offending value; empty = the whole item.
  std::string_view detail;   // One sentence for a person.
  std::string_view raw;      // Bytes as they arrived.
};

// An item that was turned away at the door, with nothing of its content.
struct DroppedItem {
  std::uint16_t source = 0;
  base::WallTime received_at;
  Verdict verdict = Verdict::quarantined;  // quarantined, suppressed or consent_dropped.
  std::string_view reason;                 // Stable code.
};

struct Tick {
  base::WallTime wall;
};

// A record's kind without decoding the rest; invalid payloads are `corrupt`.
base::Result<RecordKind> record_kind(std::string_view payload);

// Appends the payload to `out`. Text that lies inside event.raw is stored as a reference into it, so that a field costs
// two varints and not its bytes.
void encode_event(const Event& event, std::string& out);
void encode_quarantined(const QuarantinedItem& item, std::string& out);
void encode_dropped(const DroppedItem& item, std::string& out);
void encode_tick(Tick tick, std::string& out);

// Views in the decoded value point into `payload`. `into` is reused between calls to keep its vectors' memory.
base::Status decode_event(std::string_view payload, Event& into);
// The front of an event's record, read without what follows it. Views point into `payload`.
struct EventHead {
  EventType type = EventType::other;
  std::uint16_t source = 0;
  base::WallTime received_at;
  base::WallTime event_time;
  std::string_view raw;
  std::string_view message_id;
  std::string_view anonymous_id;
  std::string_view user_id;
  std::string_view visitor_key() const { return anonymous_id.empty() ? user_id : anonymous_id; }
};
base::Result<EventHead> decode_event_head(std::string_view payload);
base::Result<QuarantinedItem> decode_quarantined(std::string_view payload);
base::Result<DroppedItem> decode_dropped(std::string_view payload);
base::Result<Tick> decode_tick(std::string_view payload);

}  // namespace millrace::event
