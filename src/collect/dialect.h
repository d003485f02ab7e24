#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "collect/item_form.h"
#include "collect/json_tape.h"
#include "event/event.h"
#include "event/fact.h"
#include "event/record.h"
#include "http/http.h"

namespace millrace::collect {

// Named limits on what one request may carry; past them the answer is as given.
struct ItemLimits {
  std::size_t inflated_bytes_max = 8 * 1024 * 1024;  // 413
  std::size_t items_max = 5'000;                     // 413
  std::size_t item_bytes_max = 32 * 1024;            // Quarantined as too_large.
  std::size_t quarantine_bytes_max = 64 * 1024;      // Raw bytes kept of a quarantined item.
};

// A request as a whole is turned away, nothing of it is stored. `code` is stable.
struct Refusal {
  int status = 400;
  std::string_view code;
  std::string message;
  std::string_view hint;
  int retry_after_s = 0;  // 0: no Retry-After.
};

// One item that did not become an event, as its sender is told.
struct RejectedItem {
  std::uint32_t index = 0;  // In its request.
  event::Verdict verdict = event::Verdict::quarantined;
  std::string reason;
  std::string pointer;
  std::string detail;
};

// What became of the items of one request, at the door: duplicates are found later, behind it.
struct Outcome {
  std::uint32_t received = 0;
  std::uint32_t accepted = 0;
  std::uint32_t quarantined = 0;
  std::uint32_t suppressed = 0;       // Not stored: a person asked not to be followed.
  std::uint32_t consent_dropped = 0;  // Not stored: not consented to.
  std::uint32_t refused = 0;          // Not stored: their write key is nobody's.
  std::vector<RejectedItem> items;    // The first kRejectedItemsMax that were not accepted.
};
constexpr std::size_t kRejectedItemsMax = 1'000;

// Takes the items of one request, in their order. What it is given may go away as soon as a call returns.
class ItemSink {
 public:
  virtual ~ItemSink() = default;
  // The raw bytes of the item that the next accept() brings, when the dialect has laid them out
  // anyway and given no node another key. They stay until then.
  virtual void laid_out(const JsonTape&) {}
  // source, received_at, event_time and raw are set; a missing message id is made here.
  virtual void accept(event::Event& event) = 0;
  // `visitor_key` may be empty.
  virtual void quarantine(const event::QuarantinedItem& item, std::string_view visitor_key) = 0;
  // Counted in the answer and stored nowhere.
  virtual void refuse(std::string_view reason, std::string_view detail) = 0;
  // The items from here on get these JSON members beside their own should they go into quarantine (KeptItem): what reading them again
  // takes that their bytes do not say. Empty: none.
  virtual void keep_with(std::string_view members) { (void)members; }
  // How much of a SKU there is, as a source that keeps stock says it: a command to who decides stock, durable before the request is
  // answered.
  virtual void count_stock(const event::SetStock&) {}
};

// Reads the requests of one dialect; owns the memory that doing so takes, and is used by one thread at a time.
class Reader {
 public:
  virtual ~Reader() = default;
  // Hands every item to `sink`. When it returns a refusal, what it has handed over must be thrown away.
  virtual std::optional<Refusal> read(const http::Request& request, int endpoint, base::WallTime received_at,
                                      ItemSink& sink) = 0;
  // The source that the last request showed to be of, also when it was not let in; of several the last.
  virtual std::optional<std::uint16_t> sender() const { return std::nullopt; }
};

// A client protocol that we accept: where it listens, who may send, how bytes become canonical events, and what its
// clients expect to hear. Limits, partitions, durability, the ledger and the clock are the Collector's, the same for all.
// Immutable; shared by all threads.
class Dialect {
 public:
  virtual ~Dialect() = default;

  struct Endpoint {
    http::Method method = http::Method::post;
    std::string pattern;
    int id = 0;  // The dialect's own; comes back in every call.
    enum class Role : std::uint8_t {
      collects,  // read() and then answer() or refuse()
      informs,   // inform() alone: settings, health, CORS preflight
    } role = Role::collects;
  };
  virtual std::vector<Endpoint> endpoints() const = 0;
  virtual std::unique_ptr<Reader> reader() const = 0;
  virtual ItemForm item_form() const { return ItemForm::own; }
  virtual http::Response answer(const http::Request& request, int endpoint, const Outcome& outcome) const = 0;
  virtual http::Response refuse(const http::Request& request, int endpoint, const Refusal& refusal) const = 0;
  virtual http::Response inform(const http::Request& request, int endpoint) const = 0;
};

}  // namespace millrace::collect
