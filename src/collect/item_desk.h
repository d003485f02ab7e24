#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "collect/client_time.h"
#include "collect/dialect.h"
#include "collect/event_mapper.h"
#include "collect/json_index.h"
#include "collect/json_tape.h"
#include "collect/source_table.h"
#include "collect/write_key.h"

namespace millrace::collect {

// A member of items that come out of quarantine: where they lay.
constexpr std::string_view kReplayedFrom = "replayed_from";

// A record holds an item's bytes and at most about as much again in `extra`, and must fit into one append.
ItemLimits within_journal_limits(ItemLimits limits);

Refusal not_admitted(Admission admission, int retry_after_s = 1);
ItemFault to_item_fault(TapeFault fault, std::string pointer);
std::string_view sentence(JsonFault fault);

// The way of an item from JSON to the sink, for dialects whose items are JSON objects by themselves or are made into some:
// what such an item is made of is then its raw bytes. Reused from request to request.
class ItemDesk {
 public:
  ItemDesk(const Vocabulary& vocabulary, const SourceTable& sources, const ItemLimits& limits);

  void begin(const http::Request& request, base::WallTime received_at, ItemSink& sink);

  // Finds the source of all items to come by what the head of the request shows, else by `claimed`.
  std::optional<Refusal> admit(const Credential& claimed);
  // The same when the source is known by other means.
  void admit_as(std::uint16_t source) {
    source_ = item_source_ = source;
    sender_ = source;
  }
  std::optional<std::uint16_t> sender() const { return sender_; }
  // Finds the source of the next item by what that says, unless admit() found one. False: refused and counted.
  bool admit_item(std::string_view write_key);
  // Set when items came and every one was refused.
  std::optional<Refusal> refusal_of_all() const;

  // Counts an item. Set when there are more than a request may have.
  std::optional<Refusal> count_item();
  // Lays out an item, which must stay as it is until it was accepted or quarantined. False: it is in quarantine, or
  // refused when nobody known sent it.
  bool lay_out(std::string_view document);
  // The same for a value that `index` has from token `first` up to `end`; `document` is its text.
  bool lay_out(const JsonIndex& index, std::uint32_t first, std::uint32_t end, std::string_view document);
  // The same for what was laid out on tape() already and is in order.
  void take_laid_out(std::string_view document) { document_ = document; }
  JsonTape& tape() { return tape_; }
  const JsonTape& tape() const { return tape_; }
  std::string_view document() const { return document_; }

  void accept(const Subject& subject, const ClientTimes& times);
  void quarantine(std::string_view raw, const ItemFault& fault, std::string_view visitor = {});

 private:
  bool refuse_item(std::string_view document, const ItemFault& fault);

  SourceView sources_;
  const ItemLimits& limits_;
  const http::Request* request_ = nullptr;
  ItemSink* sink_ = nullptr;
  base::WallTime received_at_;
  std::optional<std::uint16_t> source_;  // Of the whole request.
  std::uint16_t item_source_ = 0;
  std::optional<std::uint16_t> sender_;
  bool item_admitted_ = false;
  std::uint32_t items_ = 0;
  std::uint32_t refused_ = 0;
  Admission last_refusal_ = Admission::unknown;
  JsonIndex index_;
  JsonTape tape_;
  std::string_view document_;
  EventMapper mapper_;
  event::Event event_;
};

}  // namespace millrace::collect
