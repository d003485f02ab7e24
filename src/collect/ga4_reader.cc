#include "collect/ga4_reader.h"

#include <charconv>

#include "base/hash.h"
#include "collect/client_time.h"

namespace millrace::collect {

namespace {

Credential credential_in(const http::Request& request) {
  Credential credential;
  for (const std::string_view name : {"measurement_id", "firebase_app_id", "tid"}) {
    if (credential.write_key.empty()) credential.write_key = request.query_value(name);
  }
  credential.secret = request.query_value("api_secret");
  return credential;
}

std::optional<base::WallTime> micros_member(const JsonTape& tape, std::string_view key) {
  const JsonNode* const node = root_member(tape, key);
  if (node == nullptr) return std::nullopt;
  std::int64_t micros = 0;
  const char* const end = node->text.data() + node->text.size();
  const auto [rest, error] = std::from_chars(node->text.data(), end, micros);
  if (error != std::errc() || rest != end) return std::nullopt;
  const base::WallTime time{micros / 1000};
  return is_client_time(time) ? std::optional(time) : std::nullopt;
}

ItemFault nameless(std::string detail) { return {"missing_event_name", "", std::move(detail)}; }

}  // namespace

Ga4ProtocolReader::Ga4ProtocolReader(const Vocabulary& vocabulary, const SourceTable& sources,
                                     const ItemLimits& limits)
    : vocabulary_(vocabulary), limits_(limits), desk_(vocabulary, sources, limits) {}

std::optional<Refusal> Ga4ProtocolReader::read(const http::Request& request, int, base::WallTime received_at,
                                               ItemSink& sink) {
  desk_.begin(request, received_at, sink);
  if (auto refusal = desk_.admit(credential_in(request))) return refusal;
  std::string_view body;
  if (auto refusal = opener_.open(request, limits_.inflated_bytes_max, body)) return refusal;
  // Its clients are told that all is well whatever they send, so that what cannot be read is kept here.
  const auto keep = [&](std::string_view reason, std::string detail) -> std::optional<Refusal> {
    desk_.quarantine(body, {reason, "", std::move(detail)});
    return std::nullopt;
  };
  if (const JsonFault fault = index_.scan(body); fault != JsonFault::none) {
    return keep("invalid_json", std::string(sentence(fault)));
  }
  const TapeFault fault = envelope_.build(index_, 0, "events");
  const std::uint32_t array = envelope_.skipped_token();
  if (fault != TapeFault::none || envelope_.end_token() != index_.size()) {
    return keep("invalid_json", "The body is not JSON.");
  }
  if (envelope_[0].kind != JsonKind::object || array == 0 || index_.character(array) != '[') {
    return keep("missing_events", "The body has no array \"events\".");
  }
  shared_.clear();
  for (std::uint32_t i = 1; i < envelope_.size(); i = envelope_[i].end) {
    const JsonNode& node = envelope_[i];
    shared_.append(node.member, static_cast<std::size_t>(node.raw.data() + node.raw.size() - node.member));
    shared_ += ',';
  }
  // Each event gets all of it: a small body could ask for gigabytes otherwise.
  if (shared_.size() > limits_.item_bytes_max) {
    return keep("too_large", "What a request says of all its events has at most " +
                                 std::to_string(limits_.item_bytes_max) + " bytes.");
  }
  return read_events(array);
}

std::optional<Refusal> Ga4ProtocolReader::read_events(std::uint32_t array) {
  for (std::uint32_t at = array + 1; index_.character(at) != ']';) {
    const char first = index_.character(at);
    const std::uint32_t end = index_.skip(at);
    const char next = index_.character(end);
    if (first == ',' || first == ':' || first == '}' || first == '\0' || (next != ',' && next != ']')) {
      desk_.quarantine(index_.text().substr(index_.position(array)),
                       {"invalid_json", "/events", "\"events\" is not a JSON array."});
      return std::nullopt;
    }
    const std::string_view last = index_.token(end - 1);
    const std::size_t begin = index_.position(at);
    const auto bytes = static_cast<std::size_t>(last.data() + last.size() - index_.text().data()) - begin;
    if (auto refusal = desk_.count_item()) return refusal;
    read_event(index_.text().substr(begin, bytes));
    at = next == ',' ? end + 1 : end;
  }
  return std::nullopt;
}

void Ga4ProtocolReader::read_event(std::string_view event) {
  if (!event.starts_with('{')) {
    return desk_.quarantine(event, {"not_an_object", "", "An event is a JSON object."});
  }
  item_ = '{';
  item_ += shared_;
  std::string_view members = event.substr(1);
  const bool has_none = members.find_first_not_of(" \t\r\n") == members.find('}');
  if (has_none && !shared_.empty()) item_.pop_back();
  item_ += members;
  if (!desk_.lay_out(item_)) return;
  const std::string_view name = root_text(desk_.tape(), "name");
  if (name.empty()) {
    return desk_.quarantine(item_, nameless("An event needs a name."), root_text(desk_.tape(), "client_id"));
  }
  ClientTimes times;
  times.original = micros_member(desk_.tape(), "timestamp_micros");
  desk_.accept({.type = vocabulary_.event_type(name), .name = name}, times);
}

Ga4TagReader::Ga4TagReader(const Vocabulary& vocabulary, const SourceTable& sources, const ItemLimits& limits)
    : vocabulary_(vocabulary), limits_(limits), desk_(vocabulary, sources, limits) {}

std::optional<Refusal> Ga4TagReader::read(const http::Request& request, int, base::WallTime received_at,
                                          ItemSink& sink) {
  desk_.begin(request, received_at, sink);
  if (auto refusal = desk_.admit(credential_in(request))) return refusal;
  from_request_ = {};
  from_request_.user_agent = request.header("user-agent");
  from_request_.page_url = request.header("referer");
  from_request_.ip = request.peer;
  hits_.begin(request.query);
  std::string_view body;
  if (request.method == http::Method::post) {
    if (auto refusal = opener_.open(request, limits_.inflated_bytes_max, body)) return refusal;
  }
  bool any = false;
  while (!body.empty()) {
    const std::size_t end = body.find('\n');
    std::string_view line = body.substr(0, end);
    body = end == std::string_view::npos ? std::string_view{} : body.substr(end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) continue;
    any = true;
    if (auto refusal = read_hit(line)) return refusal;
  }
  return any ? std::nullopt : read_hit({});
}

std::optional<Refusal> Ga4TagReader::read_hit(std::string_view line) {
  if (auto refusal = desk_.count_item()) return refusal;
  const std::string_view item = hits_.write(line);
  if (!desk_.lay_out(item)) return std::nullopt;
  const std::string_view name = root_text(desk_.tape(), "en");
  if (name.empty()) {
    desk_.quarantine(item, nameless("A hit needs the name of its event, \"en\"."),
                     root_text(desk_.tape(), "cid"));
    return std::nullopt;
  }
  name_hit(item);
  Subject subject = from_request_;
  subject.type = vocabulary_.event_type(name);
  subject.message_id = message_id_;
  ClientTimes times;
  times.original = micros_member(desk_.tape(), "timestamp_micros");
  desk_.accept(subject, times);
  return std::nullopt;
}

// A page's hits are numbered, so that what says the same under the same number is the same hit, sent again.
void Ga4TagReader::name_hit(std::string_view item) {
  message_id_.clear();
  if (!hits_.is_numbered()) return;
  constexpr char kHex[] = "0123456789abcdef";
  auto [high, low] = base::hash128(item);
  message_id_.resize(32);
  for (std::size_t i = 16; i-- > 0; high >>= 4, low >>= 4) {
    message_id_[i] = kHex[high & 15];
    message_id_[16 + i] = kHex[low & 15];
  }
}

}  // namespace millrace::collect
