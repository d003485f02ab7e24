#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "collect/item_form.h"
#include "collect/json_tape.h"
#include "event/event.h"
#include "event/record.h"
#include "http/http.h"

namespace millrace::collect {

// What a rule at the door makes of an item. Whatever it is, the ledger counts the item once.
enum class Ruling : std::uint8_t {
  pass,             // On to the next gate; after the last one it is accepted.
  quarantine,       // Kept whole for repair, not processed.
  reject,           // Its sender is told why; nothing of it is stored but its count, as quarantined.
  suppress,         // A person asked not to be followed: nothing of it is stored but its count.
  drop_no_consent,  // Nothing of it is stored but its count.
};

struct Decision {
  Ruling ruling = Ruling::pass;
  std::string_view reason;  // Stable code, of static lifetime.
  std::string pointer;      // RFC 6901, into the item's raw bytes.
  std::string detail;       // One sentence for a person.
};

// One rule that every item passes after its dialect has mapped it and before it is stored: consent,
// suppression, bots, personal fields, contracts. Used by one thread at a time.
class Gate {
 public:
  virtual ~Gate() = default;
  // Once, before the first request: the form of all items.
  virtual void expect(ItemForm) {}
  // Before the items of each request, which stays as it is until the last of them.
  virtual void begin(const http::Request&) {}
  // Before inspect(), for items whose raw bytes the dialect has laid out: so no gate needs to parse them again. Holds until
  // inspect() returns, if the event's raw bytes still are those of its root.
  virtual void laid_out(const JsonTape&) {}
  // May change the event, raw bytes included. Memory that it lets views point to stays as it is until its
  // next inspect().
  virtual Decision inspect(event::Event& event) = 0;
  // A gate sends the event into quarantine; cleanse() of what is kept of it comes next.
  virtual void turned_away(const event::Event&) {}
  // An item that goes into quarantine, by its dialect or by any gate. May change what is kept of it; memory
  // as above.
  virtual void cleanse(event::QuarantinedItem&) {}
  // Every gate let the event pass: this is what is stored. Whoever keeps examples of values takes them here.
  virtual void stored(const event::Event&) {}
  // After the last item of a request, before any of it goes to the journal: what a gate keeps of the items itself must be
  // durable once this is ok. After an error none of them is stored, and the client is told to come again.
  virtual base::Status finish() { return base::Ok{}; }
};

// Makes the gates that share one set of rules; any thread. The rules may change while gates exist; a gate
// follows within a second.
class GateMaker {
 public:
  virtual ~GateMaker() = default;
  virtual std::unique_ptr<Gate> gate() const = 0;
};

}  // namespace millrace::collect
