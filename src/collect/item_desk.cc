#include "collect/item_desk.h"

#include <algorithm>

#include "collect/text_cut.h"
#include "journal/journal.h"

namespace millrace::collect {

using event::Flag;
using event::Text;

ItemLimits within_journal_limits(ItemLimits limits) {
  limits.item_bytes_max = std::min(limits.item_bytes_max, journal::kAppendBytesMax / 3);
  limits.quarantine_bytes_max = std::min(limits.quarantine_bytes_max, journal::kAppendBytesMax / 3);
  return limits;
}

Refusal not_admitted(Admission admission, int retry_after_s) {
  if (admission == Admission::disabled) {
    return {404, "source_disabled", "The source of this write key is disabled.", "Enable it in the settings.",
            0};
  }
  if (admission == Admission::foreign_origin) {
    return {403, "origin_not_allowed", "Pages of this origin may not send with this write key.",
            "Add the origin to the key's list.", 0};
  }
  if (admission == Admission::over_quota) {
    return {429, "over_quota", "The source sends more events than its quota lets in.",
            "Retry after the time given, or raise the quota.", retry_after_s};
  }
  return {401, "unknown_write_key", "No source has this write key.",
          "Send the write key of a source: Basic authorization, X-Write-Key, ?writeKey= or \"writeKey\" in "
          "the body.",
          0};
}

std::string_view sentence(JsonFault fault) {
  switch (fault) {
    case JsonFault::empty: return "The body is empty.";
    case JsonFault::unclosed_string: return "The body ends inside a string.";
    case JsonFault::too_long: return "The body is too long.";
    case JsonFault::none: break;
  }
  return "";
}

ItemFault to_item_fault(TapeFault fault, std::string pointer) {
  switch (fault) {
    case TapeFault::invalid_utf8: return {"invalid_utf8", std::move(pointer), "This text is not UTF-8."};
    case TapeFault::nested_too_deep:
      return {"nested_too_deep", std::move(pointer),
              "Objects and arrays nest at most " + std::to_string(JsonTape::kDepthMax) + " levels."};
    case TapeFault::too_many_values:
      return {"too_many_values", std::move(pointer),
              "An item has at most " + std::to_string(JsonTape::kNodesMax) + " values."};
    case TapeFault::invalid_json:
    case TapeFault::none: break;
  }
  return {"invalid_json", std::move(pointer), "This is not JSON."};
}

ItemDesk::ItemDesk(const Vocabulary& vocabulary, const SourceTable& sources, const ItemLimits& limits)
    : sources_(sources), limits_(limits), mapper_(vocabulary) {}

void ItemDesk::begin(const http::Request& request, base::WallTime received_at, ItemSink& sink) {
  request_ = &request;
  received_at_ = received_at;
  sink_ = &sink;
  sources_.refresh();
  source_.reset();
  sender_.reset();
  item_admitted_ = false;
  items_ = refused_ = 0;
}

std::optional<Refusal> ItemDesk::admit(const Credential& claimed) {
  Credential credential = credential_of(*request_);
  if (!credential.present()) credential = claimed;
  const auto answer = sources_->admit(credential.write_key, credential.secret, request_);
  sender_ = answer.sender;
  if (answer.admission != Admission::admitted) return not_admitted(answer.admission, answer.retry_after_s);
  source_ = item_source_ = answer.source;
  return std::nullopt;
}

bool ItemDesk::admit_item(std::string_view write_key) {
  item_admitted_ = true;
  if (source_) {
    item_source_ = *source_;
    return true;
  }
  const auto answer = sources_->admit(write_key, {}, request_);
  sender_ = answer.sender;
  item_source_ = answer.source;
  if (answer.admission == Admission::admitted) return true;
  ++refused_;
  last_refusal_ = answer.admission;
  const auto refusal = not_admitted(answer.admission);
  sink_->refuse(refusal.code, refusal.message);
  return false;
}

std::optional<Refusal> ItemDesk::refusal_of_all() const {
  if (items_ == 0 || refused_ < items_) return std::nullopt;
  return not_admitted(last_refusal_);
}

std::optional<Refusal> ItemDesk::count_item() {
  item_admitted_ = false;
  if (++items_ <= limits_.items_max) return std::nullopt;
  return Refusal{413, "too_many_items",
                 "The request has more than " + std::to_string(limits_.items_max) + " items.",
                 "Send smaller batches.", 0};
}

bool ItemDesk::lay_out(std::string_view document) {
  if (document.size() > limits_.item_bytes_max || index_.scan(document) == JsonFault::none) {
    return lay_out(index_, 0, index_.size(), document);
  }
  return refuse_item(document, {"invalid_json", "", "This is not JSON."});
}

bool ItemDesk::lay_out(const JsonIndex& index, std::uint32_t first, std::uint32_t end,
                       std::string_view document) {
  document_ = document;
  if (document.size() > limits_.item_bytes_max) {
    return refuse_item(
        document,
        {"too_large", "", "An item has at most " + std::to_string(limits_.item_bytes_max) + " bytes."});
  }
  if (const TapeFault fault = tape_.build(index, first); fault != TapeFault::none) {
    return refuse_item(document, to_item_fault(fault, tape_.fault_at()));
  }
  if (tape_.end_token() != end) {
    return refuse_item(document, {"invalid_json", "", "Something follows the JSON value."});
  }
  if (tape_[0].kind != JsonKind::object) {
    return refuse_item(document, {"not_an_object", "", "An item is a JSON object."});
  }
  return true;
}

// Who sent what cannot be read is only known from the head of the request.
bool ItemDesk::refuse_item(std::string_view document, const ItemFault& fault) {
  tape_.clear();
  document_ = document;
  if (item_admitted_ || admit_item({})) quarantine(document, fault);
  return false;
}

void ItemDesk::accept(const Subject& subject, const ClientTimes& times) {
  if (const auto fault = mapper_.map(tape_, subject, event_)) {
    return quarantine(document_, *fault, event_.visitor_key());
  }
  event_.source = item_source_;
  event_.raw = document_;
  event_.received_at = received_at_;
  const bool again = root_member(tape_, kReplayedFrom) != nullptr;
  set_event_time(times, again ? TimeTrust::held_back : TimeTrust::corrected, event_);
  sink_->accept(event_);
}

void ItemDesk::quarantine(std::string_view raw, const ItemFault& fault, std::string_view visitor) {
  event::QuarantinedItem item;
  item.source = item_source_;
  item.received_at = received_at_;
  item.reason = fault.reason;
  item.pointer = fault.pointer;
  item.detail = fault.detail;
  item.raw = cut_text(raw, limits_.quarantine_bytes_max);
  sink_->quarantine(item, visitor);
}

}  // namespace millrace::collect
