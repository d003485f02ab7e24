#include "collect/segment_reader.h"

#include "base/result.h"
#include "collect/item_desk.h"
#include "collect/segment_pixel.h"
#include "collect/text_cut.h"

namespace millrace::collect {

using event::Flag;
using event::Text;

struct SegmentReader::Origin {
  const http::Request& request;
  base::WallTime received_at;
  ItemSink& sink;
  TimeTrust trust = TimeTrust::corrected;
  std::optional<base::WallTime> sent{};
  std::optional<std::uint16_t>
      source{};  // Of the whole request; without, every item brings its own write key.
  std::uint32_t items = 0;
  std::uint32_t refused = 0;
  Admission last_refusal = Admission::unknown;
};

namespace {

const std::string kWithoutItsBatch = "\"" + std::string(kBatchLeftOut) + R"(":true)";
constexpr std::string_view kSendJson = "Send a JSON object as the Segment HTTP API describes it.";

Refusal bad_json(std::string message) { return {400, "invalid_json", std::move(message), kSendJson, 0}; }

// The members of a call that are read before it is mapped: the last of each name, as JavaScript has it.
struct Head {
  const JsonNode* type = nullptr;
  const JsonNode* original_timestamp = nullptr;
  const JsonNode* timestamp = nullptr;
  const JsonNode* sent_at = nullptr;
};

Head head_of(const JsonTape& item) {
  Head head;
  for (std::uint32_t i = 1; i < item[0].end; i = item[i].end) {
    const std::string_view key = item[i].key;
    switch (key.size()) {
      case 4:
        if (key == "type") head.type = &item[i];
        break;
      case 6:
        if (key == "sentAt") head.sent_at = &item[i];
        break;
      case 9:
        if (key == "timestamp") head.timestamp = &item[i];
        break;
      case 17:
        if (key == "originalTimestamp") head.original_timestamp = &item[i];
        break;
      default: break;
    }
  }
  return head;
}

std::optional<base::WallTime> time_of(const JsonNode* node) {
  return node == nullptr ? std::nullopt : parse_client_time(node->kind, node->text);
}

std::optional<base::WallTime> time_member(const JsonTape& tape, std::string_view key) {
  return time_of(root_member(tape, key));
}

// Jitsu's clients say how much of their address may be kept: all, all but the last part, nothing.
std::string_view sender_address(const http::Request& request) {
  const auto policy = request.header("x-ip-policy");
  if (policy.empty() || policy == "keep") return request.peer;
  const std::size_t last = policy == "stripLastOctet" ? request.peer.rfind('.') : std::string::npos;
  return last == std::string::npos ? std::string_view{} : std::string_view(request.peer).substr(0, last);
}

}  // namespace

SegmentReader::SegmentReader(const Vocabulary& vocabulary, const SourceTable& sources,
                             const ItemLimits& limits)
    : sources_(sources), limits_(limits), mapper_(vocabulary) {}

std::optional<Refusal> SegmentReader::read(const http::Request& request, int endpoint,
                                           base::WallTime received_at, ItemSink& sink) {
  const SegmentEndpoint& where = segment_endpoints()[static_cast<std::size_t>(endpoint)];
  Origin origin{.request = request, .received_at = received_at, .sink = sink};
  envelope_.clear();
  shared_bytes_ = 0;
  shared_members_.clear();
  sources_.refresh();
  sender_.reset();
  if (const Credential credential = credential_of(request); credential.present()) {
    const auto answer = sources_->admit(credential.write_key, credential.secret, &request);
    sender_ = answer.sender;
    if (answer.admission != Admission::admitted) return not_admitted(answer.admission, answer.retry_after_s);
    origin.source = answer.source;
  }
  if (where.shape == SegmentShape::pixel) return read_pixel(where, origin);
  const auto sent = request.header("sentat");
  if (!sent.empty()) origin.sent = parse_client_time(JsonKind::string, sent);

  std::string_view body;
  if (auto refusal = opener_.open(request, limits_.inflated_bytes_max, body)) return refusal;
  if (const JsonFault fault = index_.scan(body); fault != JsonFault::none)
    return bad_json(std::string(sentence(fault)));
  auto refusal = where.shape == SegmentShape::one ? read_one(where, origin) : read_batch(where, origin);
  if (!refusal && origin.items > 0 && origin.refused == origin.items)
    return not_admitted(origin.last_refusal);
  return refusal;
}

std::optional<Refusal> SegmentReader::read_one(const SegmentEndpoint& endpoint, Origin& origin) {
  const std::string_view raw = [&] {
    std::string_view text = index_.text();
    const auto first = text.find_first_not_of(" \t\r\n");
    const auto last = text.find_last_not_of(" \t\r\n");
    return text.substr(first, last - first + 1);
  }();
  origin.items = 1;
  const auto fault = lay_out(0, index_.size(), raw);
  if (fault && fault->reason == "invalid_json") {
    return bad_json("The body is not JSON" + (fault->pointer.empty() ? "." : ", at " + fault->pointer + "."));
  }
  const auto source = source_of(fault ? std::string_view{} : root_text(item_, "writeKey"), origin);
  if (!source) return std::nullopt;
  event_.source = *source;
  if (fault) {
    quarantine(raw, *source, *fault, origin);
  } else {
    map_item(raw, endpoint.call, origin);
  }
  return std::nullopt;
}

std::optional<Refusal> SegmentReader::read_batch(const SegmentEndpoint& endpoint, Origin& origin) {
  const TapeFault fault = envelope_.build(index_, 0, "batch");
  const std::uint32_t array = envelope_.skipped_token();
  if (fault != TapeFault::none || envelope_.end_token() != index_.size()) {
    envelope_.clear();
    return bad_json("The body is not JSON.");
  }
  if (envelope_[0].kind != JsonKind::object || array == 0 || index_.character(array) != '[') {
    return Refusal{400, "missing_batch", "The body has no array \"batch\".", kSendJson, 0};
  }
  for (const std::string_view shared : {"context", "integrations"}) {
    const JsonNode* const node = root_member(envelope_, shared);
    if (node == nullptr || node->kind == JsonKind::null) continue;
    shared_bytes_ += node->raw.size();
    if (!shared_members_.empty()) shared_members_ += ',';
    shared_members_.append(node->member, node->raw.data() + node->raw.size());
  }
  origin.sink.keep_with(shared_members_);
  if (endpoint.shape == SegmentShape::history) origin.trust = TimeTrust::as_given;
  if (const auto sent = time_member(envelope_, "sentAt")) origin.sent = sent;
  if (!origin.source) {
    if (const auto key = root_text(envelope_, "writeKey"); !key.empty()) {
      const auto answer = sources_->admit(key, {}, &origin.request);
      sender_ = answer.sender;
      if (answer.admission != Admission::admitted)
        return not_admitted(answer.admission, answer.retry_after_s);
      origin.source = answer.source;
    }
  }
  return read_items(array, origin);
}

std::optional<Refusal> SegmentReader::read_items(std::uint32_t array, Origin& origin) {
  std::uint32_t at = array + 1;
  if (index_.character(at) == ']') return std::nullopt;
  while (true) {
    const char first = index_.character(at);
    if (first == ',' || first == ':' || first == ']' || first == '}' || first == '\0') {
      return bad_json("The batch is not a JSON array, near item " + std::to_string(origin.items) + ".");
    }
    if (++origin.items > limits_.items_max) {
      return Refusal{413, "too_many_items",
                     "The batch has more than " + std::to_string(limits_.items_max) + " items.",
                     "Send smaller batches.", 0};
    }
    const std::uint32_t end = read_item(at, origin);
    const char next = index_.character(end);
    if (next == ']') return std::nullopt;
    if (next != ',')
      return bad_json("The batch is not a JSON array, near item " + std::to_string(origin.items) + ".");
    at = end + 1;
  }
}

std::uint32_t SegmentReader::read_item(std::uint32_t token, Origin& origin) {
  // Only what cannot be laid out has its end looked for.
  const TapeFault built = item_.build(index_, token);
  const std::uint32_t end = built == TapeFault::none ? item_.end_token() : index_.skip(token);
  const std::string_view raw = index_.text_of(token, end);
  const auto fault = judge(built, end, raw);
  const auto source =
      source_of(fault || origin.source ? std::string_view{} : root_text(item_, "writeKey"), origin);
  if (!source) return end;
  event_.source = *source;
  if (fault) {
    quarantine(raw, *source, *fault, origin);
  } else {
    map_item(raw, std::nullopt, origin);
  }
  return end;
}

std::optional<ItemFault> SegmentReader::lay_out(std::uint32_t token, std::uint32_t end_token,
                                                std::string_view raw) {
  return judge(item_.build(index_, token), end_token, raw);
}

std::optional<ItemFault> SegmentReader::judge(TapeFault built, std::uint32_t end_token,
                                              std::string_view raw) {
  // Each item gets what its batch gives to all: a small body could ask for gigabytes otherwise.
  if (raw.size() + shared_bytes_ > limits_.item_bytes_max) {
    item_.clear();
    return ItemFault{"too_large", "",
                     "An item has at most " + std::to_string(limits_.item_bytes_max) +
                         " bytes, with what its batch gives to all items."};
  }
  if (built != TapeFault::none) {
    auto pointer = item_.fault_at();
    item_.clear();
    return to_item_fault(built, std::move(pointer));
  }
  if (item_.end_token() != end_token)
    return ItemFault{"invalid_json", "", "Something follows the JSON value."};
  if (item_[0].kind != JsonKind::object) return ItemFault{"not_an_object", "", "An item is a JSON object."};
  return std::nullopt;
}

std::optional<std::uint16_t> SegmentReader::source_of(std::string_view write_key, Origin& origin) {
  if (origin.source) return origin.source;
  const auto answer = sources_->admit(write_key, {}, &origin.request);
  sender_ = answer.sender;
  if (answer.admission == Admission::admitted) return answer.source;
  ++origin.refused;
  origin.last_refusal = answer.admission;
  const auto refusal = not_admitted(answer.admission);
  origin.sink.refuse(refusal.code, refusal.message);
  return std::nullopt;
}

void SegmentReader::map_item(std::string_view raw, std::optional<Call> call, Origin& origin) {
  const std::uint16_t source = event_.source;
  const Head head = head_of(item_);
  if (!call) {
    const JsonNode* const type = head.type;
    if (type == nullptr || type->kind == JsonKind::null) {
      return quarantine(raw, source, {"missing_type", "/type", "An item of a batch needs a type."}, origin);
    }
    if (type->kind != JsonKind::string) {
      return quarantine(raw, source, {"invalid_type", "/type", "The type of an item is a string."}, origin);
    }
    call = parse_call(type->text);
    if (!call) {
      return quarantine(raw, source,
                        {"unknown_type", "/type",
                         "The type is none of track, page, screen, identify, group, alias, merge."},
                        origin);
    }
  }
  if (const auto fault = mapper_.map(item_, envelope_, *call, event_))
    return quarantine(raw, source, *fault, origin);
  ClientTimes times;
  times.original = time_of(head.original_timestamp);
  if (!times.original) times.original = time_of(head.timestamp);
  times.sent = time_of(head.sent_at);
  if (!times.sent) times.sent = origin.sent;
  event_.raw = raw;
  event_.received_at = origin.received_at;
  if (origin.trust == TimeTrust::as_given) event_.set(Flag::imported);
  set_event_time(times, origin.trust, event_);
  if (event_[Text::ip].empty()) event_[Text::ip] = sender_address(origin.request);
  origin.sink.laid_out(item_);
  origin.sink.accept(event_);
}

void SegmentReader::quarantine(std::string_view raw, std::uint16_t source, const ItemFault& fault,
                               const Origin& origin) {
  event::QuarantinedItem item;
  item.source = source;
  item.received_at = origin.received_at;
  item.reason = fault.reason;
  item.pointer = fault.pointer;
  item.detail = fault.detail;
  item.raw = cut_text(raw, limits_.quarantine_bytes_max);
  const auto anonymous = root_text(item_, "anonymousId");
  // Kept with each of many items it could be gigabytes; without it nobody knows what such an item's visitor granted.
  const bool parts = fault.reason == "too_large" && !shared_members_.empty();
  if (parts) origin.sink.keep_with(kWithoutItsBatch);
  origin.sink.quarantine(item, anonymous.empty() ? root_text(item_, "userId") : anonymous);
  if (parts) origin.sink.keep_with(shared_members_);
}

std::optional<Refusal> SegmentReader::read_pixel(const SegmentEndpoint& endpoint, Origin& origin) {
  if (!pixel_item(origin.request, pixel_item_)) return bad_json("\"data\" is not base64.");
  if (const JsonFault fault = index_.scan(pixel_item_); fault != JsonFault::none) {
    return bad_json(std::string(sentence(fault)));
  }
  auto refusal = read_one(endpoint, origin);
  if (!refusal && origin.refused > 0) return not_admitted(origin.last_refusal);
  return refusal;
}

}  // namespace millrace::collect
