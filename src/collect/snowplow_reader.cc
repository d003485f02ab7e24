#include "collect/snowplow_reader.h"

#include <cstring>

#include "base/result.h"
#include "collect/json_unescape.h"
#include "collect/snowplow_schema.h"

namespace millrace::collect {

using event::EventType;

namespace {

constexpr std::string_view kSendPayload =
    "Send {\"schema\":\"iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4\",\"data\":[...]}.";
// An action of the e-commerce plugin, in its own event; of the one before it, which speaks Google's enhanced e-commerce.
constexpr std::string_view kAction = "snowplow_ecommerce_action";
constexpr std::string_view kEnhancedAction = "action";

Refusal bad_payload(std::string message) {
  return {400, "invalid_json", std::move(message), kSendPayload, 0};
}

std::optional<base::WallTime> time_at(const JsonTape& tape, std::uint32_t node) {
  return node == 0 ? std::nullopt : parse_client_time(tape[node].kind, tape[node].text);
}

std::string_view text_at(const JsonTape& tape, std::uint32_t node) {
  return node != 0 && tape[node].kind == JsonKind::string ? tape[node].text : std::string_view{};
}

// The members of what describes itself, of two of one name the last; 0: it has none.
struct Described {
  std::uint32_t schema = 0;
  std::uint32_t data = 0;
};
Described described_at(const JsonTape& tape, std::uint32_t object) {
  Described found;
  if (object == 0 || tape[object].kind != JsonKind::object) return found;
  const std::uint32_t end = tape[object].end;
  for (std::uint32_t i = object + 1; i < end; i = tape[i].end) {
    const std::string_view key = tape[i].key;
    if (key.size() == 6 && std::memcmp(key.data(), "schema", 6) == 0) found.schema = i;
    if (key.size() == 4 && std::memcmp(key.data(), "data", 4) == 0) found.data = i;
  }
  return found;
}

}  // namespace

SnowplowReader::SnowplowReader(const Vocabulary& vocabulary, const SourceTable& sources,
                               const ItemLimits& limits, const SnowplowSettings& settings)
    : vocabulary_(vocabulary),
      limits_(limits),
      settings_(settings),
      desk_(vocabulary, sources, limits),
      layout_(limits.item_bytes_max) {}

std::optional<Refusal> SnowplowReader::read(const http::Request& request, int, base::WallTime received_at,
                                            ItemSink& sink) {
  desk_.begin(request, received_at, sink);
  if (credential_of(request).present()) {
    if (auto refusal = desk_.admit({})) return refusal;
  }
  request_ = &request;
  visit_ = visit_of(request, settings_);
  from_request_ = {};
  from_request_.user_agent = request.header("user-agent");
  from_request_.page_url = request.header("referer");
  if (!visit_.anonymous) from_request_.ip = request.peer;
  std::optional<Refusal> refusal;
  if (request.method == http::Method::post) {
    refusal = read_payload(request);
  } else {
    query_item_ = "{";
    for (const auto& [name, value] : request.query) {
      if (name == "writeKey") continue;
      if (query_item_.size() > 1) query_item_ += ',';
      http::append_json_string(query_item_, name);
      query_item_ += ':';
      http::append_json_string(query_item_, value);
    }
    query_item_ += '}';
    INVARIANT(body_index_.scan(query_item_) == JsonFault::none);
    layout_.begin(body_index_);
    std::uint32_t end = 0;
    refusal = read_item(0, end);
  }
  return refusal ? refusal : desk_.refusal_of_all();
}

std::optional<Refusal> SnowplowReader::read_payload(const http::Request& request) {
  std::string_view body;
  if (auto refusal = opener_.open(request, limits_.inflated_bytes_max, body)) return refusal;
  if (const JsonFault fault = body_index_.scan(body); fault != JsonFault::none) {
    return bad_payload(std::string(sentence(fault)));
  }
  const TapeFault fault = envelope_.build(body_index_, 0, "data");
  const std::uint32_t array = envelope_.skipped_token();
  if (fault != TapeFault::none || envelope_.end_token() != body_index_.size()) {
    return bad_payload("The body is not JSON.");
  }
  if (envelope_[0].kind != JsonKind::object || array == 0 || body_index_.character(array) != '[') {
    return bad_payload("The body has no array \"data\".");
  }
  layout_.begin(body_index_);
  for (std::uint32_t at = array + 1; body_index_.character(at) != ']';) {
    const char first = body_index_.character(at);
    std::uint32_t end = at;
    if (first != ',' && first != ':' && first != '}' && first != '\0') {
      if (auto refusal = read_item(at, end)) return refusal;
    }
    const char next = body_index_.character(end);
    if (end == at || (next != ',' && next != ']')) return bad_payload("\"data\" is not a JSON array.");
    at = next == ',' ? end + 1 : end;
  }
  return std::nullopt;
}

std::optional<Refusal> SnowplowReader::read_item(std::uint32_t first, std::uint32_t& end) {
  if (auto refusal = desk_.count_item()) return refusal;
  if (!lay_out_at_once(first, end)) return read_closely(first, end);
  if (desk_.admit_item(text_at(desk_.tape(), members_[SnowplowName::write_key]))) accept();
  return std::nullopt;
}

bool SnowplowReader::lay_out_at_once(std::uint32_t first, std::uint32_t& end) {
  JsonTape& tape = desk_.tape();
  if (!layout_.read(first, tape)) return false;
  members_ = layout_.members();
  const std::uint32_t write_key = members_[SnowplowName::write_key];
  if (tape[write_key].text.size() + 2 != tape[write_key].raw.size() && write_key != 0)
    return false;  // Escaped.
  const bool has_device = (members_[SnowplowName::domain_user] | members_[SnowplowName::network_user]) != 0;
  if (needs_network_user(has_device, members_[SnowplowName::user] != 0) &&
      !layout_.add_network_user(network_user(), tape)) {
    return false;
  }
  const std::string_view document = layout_.close(tape);
  if (document.empty()) return false;
  desk_.take_laid_out(document);
  end = layout_.end_token();
  return true;
}

std::optional<Refusal> SnowplowReader::read_closely(std::uint32_t first, std::uint32_t& end) {
  std::optional<ItemFault> fault;
  const Opening opening = open_coded(first, end, fault);
  const std::string_view raw = body_index_.text_of(first, end);
  if (opening == Opening::none || raw.size() > limits_.item_bytes_max) {
    // The item's own source is only known once it is laid out; until then a fault is the request's.
    if (!desk_.lay_out(body_index_, first, end, raw)) return std::nullopt;
    members_ = find_members();
    if (desk_.admit_item(root_text(desk_.tape(), "aid"))) accept();
    return std::nullopt;
  }
  if (!desk_.admit_item(head_.write_key)) return std::nullopt;
  if (fault) {
    desk_.quarantine(raw, *fault, head_.visitor);
  } else if (desk_.lay_out(opened_)) {
    if (opened_are_values()) {
      members_ = find_members();
      accept();
    } else {
      desk_.quarantine(raw, {"invalid_json", "", "A coded member is not one JSON value."}, head_.visitor);
    }
  }
  return std::nullopt;
}

// The cookie says who a browser without an id of its own is. A server that names its user keeps no cookies: an id made for
// each of its requests would be a visitor for each.
bool SnowplowReader::needs_network_user(bool has_device, bool has_user) const {
  if (has_device || (visit_.network_user_id.empty() && !visit_.gets_cookie)) return false;
  return visit_.had_cookie || !has_user;
}

std::string_view SnowplowReader::network_user() {
  if (visit_.network_user_id.empty()) visit_.network_user_id = new_network_user(*request_);
  return visit_.network_user_id;
}

// Writes what a coded member's text stands for behind its new name. False when it is not in the coding that the name says.
bool SnowplowReader::open_member(std::string_view key, std::string_view text) {
  opened_ += key.starts_with('u') ? R"("ue_pr":)" : R"("co":)";
  const std::size_t begin = opened_.size();
  if (key.ends_with('x')) {
    if (!decode_base64(text, opened_)) return false;
  } else {
    opened_.resize(begin + text.size());
    const char* const end = unescape_json(text, opened_.data() + begin);
    opened_.resize(end == nullptr ? begin : static_cast<std::size_t>(end - opened_.data()));
  }
  coded_.push_back({begin, opened_.size()});
  return true;
}

// Writes the item with its coded members opened into `opened_`, in one pass over its tokens.
SnowplowReader::Opening SnowplowReader::open_coded(std::uint32_t first, std::uint32_t& end,
                                                   std::optional<ItemFault>& fault) {
  opened_.clear();
  coded_.clear();
  head_ = {};
  const JsonIndex& index = body_index_;
  const char* const body = index.text().data();
  const auto inside = [&index, body](std::uint32_t token) {
    const std::size_t begin = index.position(token);
    const std::size_t next = index.position(token + 1);
    if (next - begin >= 2 && body[next - 1] == '"') [[likely]]
      return std::string_view(body + begin + 1, next - begin - 2);
    const std::string_view text = index.token(token);
    return text.size() < 2 ? std::string_view{} : text.substr(1, text.size() - 2);
  };
  const char* from = body + index.position(first);  // What is not copied yet.
  std::uint32_t at = first + 1;
  while (index.character(at) == '"' && index.character(at + 1) == ':') {
    const std::string_view key = inside(at);
    const std::uint32_t value = at + 2;
    const std::string_view text = index.character(value) == '"' ? inside(value) : std::string_view{};
    const SnowplowName name = snowplow_name(key);
    head_.note(name, text);
    if (name >= SnowplowName::contexts && !text.empty()) {
      opened_.append(from, static_cast<std::size_t>(key.data() - 1 - from));
      from = text.data() + text.size() + 1;
      if (!open_member(key, text)) {
        fault = ItemFault{"invalid_base64", "/" + std::string(key), "This text is not base64."};
      }
    }
    const char begins = index.character(value);
    if (begins == '}' || begins == ']') break;
    at = begins == '{' || begins == '[' ? index.skip(value) : value + 1;
    if (index.character(at) != ',') break;
    ++at;
  }
  const bool is_object = index.character(first) == '{' && index.character(at) == '}';
  end = is_object ? at + 1 : index.skip(first);
  const bool is_escaped = head_.write_key.find('\\') != std::string_view::npos;
  const bool adds_visitor = needs_network_user(head_.has_device, head_.has_user);
  if (!is_object || is_escaped || (coded_.empty() && !fault && !adds_visitor)) return Opening::none;
  opened_.append(from, static_cast<std::size_t>(body + index.position(at) - from));
  if (adds_visitor) {
    if (end - first > 2) opened_ += ',';
    opened_ += R"("nuid":")";
    opened_ += network_user();
    opened_ += '"';
  }
  opened_ += '}';
  return Opening::opened;
}

// A text with a comma or a brace too many would make members of the item's own out of what it says.
bool SnowplowReader::opened_are_values() const {
  const JsonTape& tape = desk_.tape();
  std::size_t found = 0;
  for (std::uint32_t i = 1; i < tape.size() && found < coded_.size(); i = tape[i].end) {
    const auto begin = static_cast<std::size_t>(tape[i].raw.data() - opened_.data());
    const Span span = coded_[found];
    if (begin < span.begin) continue;
    const std::size_t end = begin + tape[i].raw.size();
    if (end > span.end) return false;
    const std::string_view lead = std::string_view(opened_).substr(span.begin, begin - span.begin);
    const std::string_view rest = std::string_view(opened_).substr(end, span.end - end);
    constexpr std::string_view kBlanks = " \t\r\n";
    if (lead.find_first_not_of(kBlanks) != std::string_view::npos ||
        rest.find_first_not_of(kBlanks) != std::string_view::npos) {
      return false;
    }
    ++found;
  }
  return found == coded_.size();
}

SnowplowMembers SnowplowReader::find_members() const {
  const JsonTape& tape = desk_.tape();
  SnowplowMembers found;
  for (std::uint32_t i = 1; i < tape.size(); i = tape[i].end) found.note(snowplow_name(tape[i].key), i);
  return found;
}

// Gives the contexts the names of their schemas, by which the mapping table knows them.
void SnowplowReader::name_contexts() {
  JsonTape& tape = desk_.tape();
  const std::uint32_t contexts = members_[SnowplowName::contexts];
  if (contexts == 0) return;
  const Described wrapper = described_at(tape, contexts);
  const std::uint32_t list = wrapper.data;
  if (list == 0 || tape[list].kind != JsonKind::array) return;
  for (std::uint32_t i = list + 1; i < tape[list].end; i = tape[i].end) {
    const std::uint32_t schema = described_at(tape, i).schema;
    const std::string_view address = text_at(tape, schema);
    if (!is_snowplow_schema(address)) continue;
    tape[i].key = iglu_name(address);
    tape[schema].taken = true;  // The element's name says it.
  }
  take_schema(wrapper.schema);
}

// A wrapper's own schema says nothing but that it is one.
void SnowplowReader::take_schema(std::uint32_t schema) {
  JsonTape& tape = desk_.tape();
  if (is_snowplow_schema(text_at(tape, schema))) tape[schema].taken = true;
}

// The same for the self-describing event, which says what the item is.
void SnowplowReader::name_event(Subject& subject) {
  JsonTape& tape = desk_.tape();
  const Described wrapper = described_at(tape, members_[SnowplowName::event]);
  const std::uint32_t event = wrapper.data;
  if (event == 0) return;
  const auto [schema, data] = described_at(tape, event);
  const std::string_view address = text_at(tape, schema);
  subject.name = iglu_name(address);
  query_.clear();
  if (!is_snowplow_schema(address)) return;
  tape[event].key = subject.name;
  tape[schema].taken = true;
  take_schema(wrapper.schema);
  if (subject.name == kEnhancedAction) {
    const std::string_view action =
        data == 0 ? std::string_view{} : text_at(tape, member_of(tape, data, "action"));
    subject.type = vocabulary_.event_type(action);
    if (action == "checkout") subject.type = checkout_step();
    return;
  }
  if (subject.name != kAction) {
    subject.type = vocabulary_.event_type(subject.name);
    if (subject.type == EventType::product_searched && data != 0) join_terms(member_of(tape, data, "terms"));
    subject.query = query_;
    return;
  }
  const std::string_view action =
      data == 0 ? std::string_view{} : text_at(tape, member_of(tape, data, "type"));
  subject.type = vocabulary_.event_type(action);
  if (action == "checkout_step") subject.type = checkout_step();
}

// "terms" is an array of words.
void SnowplowReader::join_terms(std::uint32_t terms) {
  const JsonTape& tape = desk_.tape();
  query_.clear();
  for (std::uint32_t i = terms + 1; terms != 0 && i < tape[terms].end; i = tape[i].end) {
    if (tape[i].kind != JsonKind::string) continue;
    if (!query_.empty()) query_ += ' ';
    query_ += tape[i].text;
  }
}

// One context says both which step it is and what was entered in it. The plugin of enhanced e-commerce need not say which.
EventType SnowplowReader::checkout_step() {
  const JsonTape& tape = desk_.tape();
  const std::uint32_t contexts = members_[SnowplowName::contexts];
  const std::uint32_t list = contexts == 0 ? 0 : member_of(tape, contexts, "data");
  for (std::uint32_t i = list + 1; list != 0 && i < tape[list].end; i = tape[i].end) {
    const bool enhanced = tape[i].key == "actionFieldObject";
    const std::uint32_t data = enhanced || tape[i].key == "checkout_step" ? member_of(tape, i, "data") : 0;
    if (data == 0) continue;
    const std::uint32_t step = member_of(tape, data, "step");
    if (step == 0 ? enhanced : tape[step].text == "1") return EventType::checkout_started;
    if (member_of(tape, data, "payment_method") != 0) return EventType::payment_info_entered;
  }
  return EventType::checkout_step_completed;
}

void SnowplowReader::accept() {
  JsonTape& tape = desk_.tape();
  Subject subject = from_request_;
  name_contexts();
  const std::string_view kind = text_at(tape, members_[SnowplowName::kind]);
  if (kind == "ue") {
    name_event(subject);
  } else if (kind == "pv" || kind == "tr") {
    subject.type = vocabulary_.event_type(kind);
  } else if (kind == "pp") {
    subject.name = "page_ping";
  } else if (kind == "ti") {
    subject.name = "transaction_item";
  } else if (kind != "se") {
    const bool missing = members_[SnowplowName::kind] == 0;
    return desk_.quarantine(desk_.document(),
                            {missing ? "missing_type" : "unknown_type", missing ? "" : "/e",
                             "\"e\" is none of pv, pp, se, ue, tr, ti."},
                            root_text(tape, "duid"));
  }
  // Without any id, as trackers send in anonymous mode, an event is a visitor of its own: counted and linked to nothing.
  subject.visitor = text_at(tape, members_[SnowplowName::id]);
  ClientTimes times;
  times.original = time_at(tape, members_[SnowplowName::true_time]);
  if (!times.original) {
    times.original = time_at(tape, members_[SnowplowName::device_time]);
    times.sent = time_at(tape, members_[SnowplowName::sent]);
  }
  desk_.accept(subject, times);
}

}  // namespace millrace::collect
