// Whatever bytes stand in a journal's record or under a key of the state: they decode, or they are refused, and what decoded decodes
// again from its own encoding to the same bytes. The first byte chooses what the rest is.

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/result.h"
#include "commerce/order.h"
#include "commerce/product_state.h"
#include "commerce/purchases.h"
#include "commerce/stock.h"
#include "commerce/trend_ranking.h"
#include "commerce/visitor_state.h"
#include "event/fact.h"
#include "event/record.h"
#include "event/visitor_codec.h"

namespace {

using namespace millrace;

// Twice, so that what the first decoding left in memory is seen not to matter.
template <class State>
void read_state(const std::string& bytes) {
  State state;
  if (!State::decode(bytes, state)) return;
  std::string first;
  state.encode(first);
  State again;
  INVARIANT(State::decode(first, again));
  std::string second;
  again.encode(second);
  INVARIANT(first == second);
}

void read_fact(const std::string& bytes) {
  const auto fact = event::decode_fact(bytes);
  if (!fact.ok()) return;
  std::string first, second;
  event::encode_fact(fact->position, fact->fact, first);
  const auto again = event::decode_fact(first);
  INVARIANT(again.ok());
  event::encode_fact(again->position, again->fact, second);
  INVARIANT(first == second);
}

void read_command(const std::string& bytes) {
  const auto command = event::decode_command(bytes);
  if (!command.ok()) return;
  std::string first;
  event::encode_command(command->at, command->command, first);
  INVARIANT(event::decode_command(first).ok());
}

void read_record(const std::string& bytes) {
  event::Event event;
  const bool whole = event::decode_event(bytes, event).ok();
  const auto head = event::decode_event_head(bytes);
  if (whole) INVARIANT(head.ok() && head->raw == event.raw && head->visitor_key() == event.visitor_key());
  (void)event::decode_quarantined(bytes).ok();
  (void)event::decode_dropped(bytes).ok();
  (void)event::decode_tick(bytes).ok();
  (void)event::fact_position(bytes).ok();
}

void read_view(const std::string& bytes) {
  (void)event::visitor_head(bytes);
  const auto view = event::decode_visitor(bytes);
  if (!view.ok()) return;
  std::string first;
  event::encode_visitor(*view, first);
  INVARIANT(event::decode_visitor(first).ok());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  static constexpr void (*kReaders[])(const std::string&) = {
      read_record,
      read_fact,
      read_command,
      read_view,
      read_state<commerce::VisitorState>,
      read_state<commerce::Order>,
      read_state<commerce::Product>,
      read_state<commerce::StockItem>,
      read_state<commerce::Reservation>,
      read_state<commerce::TrendCategory>,
      read_state<commerce::UserVisitors>,
      read_state<commerce::Repurchases>,
  };
  kReaders[data[0] % std::size(kReaders)](bytes);
  return 0;
}
