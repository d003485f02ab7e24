#include "privacy/consent_gate.h"

#include <array>
#include <utility>

#include "privacy/spelling.h"

namespace millrace::privacy {

using event::Text;

namespace {

constexpr auto kIds = std::to_array<Text>(
    {Text::anonymous_id, Text::user_id, Text::previous_id, Text::group_id, Text::email, Text::ip});
// Gone without a trace when an event becomes nobody's.
constexpr auto kOfPersons =
    std::to_array<Text>({Text::anonymous_id, Text::user_id, Text::previous_id, Text::group_id, Text::email,
                         Text::ip, Text::user_agent, Text::extra, Text::cart_id, Text::checkout_id});
// An id this short is replaced where it stands, and not wherever its letters do.
constexpr std::size_t kSearchedBytesMin = 6;

const std::vector<FieldRule>& person_fields() {
  static const std::vector<FieldRule> rules = [] {
    std::vector<FieldRule> made;
    for (const char* path :
         {"anonymousId", "userId", "previousId", "groupId", "context.ip", "request_ip", "context.device.id",
          "context.device.advertisingId", "context.device.token", "context.device.name", "context.network.ip",
          "properties.email", "properties.phone", "context.externalId",
          // Snowplow: of several ids of a visitor only one is the event's own.
          "duid", "nuid", "tnuid", "uid", "co.data.data.userId", "co.data.data.email",
          "co.data.data.appleIdfa", "co.data.data.appleIdfv", "co.data.data.androidIdfa",
          "co.data.data.openIdfa",
          // Google, by either protocol.
          "client_id", "app_instance_id", "user_id", "ip_override", "cid",
          // Shopify.
          "email", "contact_email", "phone", "first_name", "last_name", "browser_ip",
          "client_details.browser_ip", "default_address", "shipping_address", "billing_address",
          "customer.id", "customer.email", "customer.phone", "customer.first_name", "customer.last_name",
          "customer.default_address", "addresses", "customer.addresses", "note", "customer.note",
          "payment_details.credit_card_name"}) {
      made.push_back({path});
    }
    for (const char* name : {"email", "phone", "name", "firstName", "lastName", "username", "birthday",
                             "address", "avatar", "id"}) {
      made.push_back({std::string("traits.") + name});
      made.push_back({std::string("context.traits.") + name});
    }
    return made;
  }();
  return rules;
}

std::string_view without_query(std::string_view url) { return url.substr(0, url.find_first_of("?#")); }

bool lies_in(std::string_view text, std::string_view in) {
  return text.data() >= in.data() && text.data() + text.size() <= in.data() + in.size();
}

}  // namespace

void PersonRemover::replace_everywhere(std::string_view text, std::string_view value, std::string_view token,
                                       Rewrite& rewrite) {
  std::size_t seen = 0;
  bool quoted = false;  // Where `seen` is.
  for (auto at = find_spelling(text, value); at; at = find_spelling(text, value, at->to)) {
    for (; seen < at->from; ++seen) {
      if (text[seen] == '\\') {
        ++seen;
      } else if (text[seen] == '"') {
        quoted = !quoted;
      }
    }
    if (quoted) {
      rewrite.replace(at->from, at->to, token);
    } else {
      rewrite.replace_quoted(at->from, at->to, token);
    }
  }
}

void PersonRemover::replace_ids(std::string_view text, Rewrite& rewrite) {
  rewrite.begin(text);
  for (std::size_t i = 0; i < values_.size(); ++i) {
    if (values_[i].size() >= kSearchedBytesMin) replace_everywhere(text, values_[i], made_[i], rewrite);
  }
}

void PersonRemover::replace_ids(std::string_view& text) {
  text_.begin(text);
  for (std::size_t i = 0; i < values_.size(); ++i) {
    if (values_[i].size() < kSearchedBytesMin) continue;
    for (auto at = find_spelling(text, values_[i]); at; at = find_spelling(text, values_[i], at->to))
      text_.replace(at->from, at->to, made_[i]);
  }
  if (!text_.empty()) text = texts_.emplace_back(text_.apply());
}

void PersonRemover::note_ids(const event::Event& event) {
  values_.clear();
  made_.clear();
  texts_.clear();
  for (const Text field : kIds) {
    if (!event[field].empty()) values_.emplace_back(event[field]);
  }
}

void PersonRemover::pseudonymise(event::Event& event) {
  note_ids(event);
  for (const Text field : kIds) {
    if (event[field].empty()) continue;
    made_.push_back(tokens_.token(field == Text::email ? "email"
                                  : field == Text::ip  ? "ip"
                                                       : "id",
                                  event[field]));
  }
  replace_ids(event.raw, raw_);
  if (!raw_.empty()) raw_.apply(event);
  replace_ids(event[Text::extra], extra_);
  if (!extra_.empty()) event[Text::extra] = extra_.apply();
  // What had escapes, came percent-encoded or is of the whole batch lies elsewhere.
  for (std::size_t i = 0; i < event.texts.size(); ++i) {
    if (i != static_cast<std::size_t>(Text::extra) && !lies_in(event.texts[i], event.raw))
      replace_ids(event.texts[i]);
  }
  for (auto& line : event.products) {
    for (auto* text : {&line.product_id, &line.sku, &line.name, &line.brand, &line.category, &line.variant,
                       &line.coupon}) {
      if (!lies_in(*text, event.raw)) replace_ids(*text);
    }
  }
  std::size_t i = 0;
  for (const Text field : kIds) {
    if (event[field].empty()) continue;
    // Also those that lie in the raw bytes, where the rules below may take more than the id. Short ones are
    // still what they were there; these rules find them.
    event[field] = made_[i++];
  }
  // The country is no one's, and what it is read from may be part of an address.
  country_ = event[Text::country];
  fields_.apply(event, person_fields(), tokens_, counters_);
  event[Text::country] = country_;
  event.set(event::Flag::pseudonymised);
}

void PersonRemover::anonymise(event::Event& event) {
  note_ids(event);
  made_.assign(values_.size(), "*");
  for (const Text field : kOfPersons) event[field] = {};
  // A message stays what it was to its repetitions.
  std::string_view message = event[Text::message_id];
  replace_ids(message);
  if (message != event[Text::message_id])
    event[Text::message_id] = texts_.emplace_back(tokens_.token("message", event[Text::message_id]));
  for (std::size_t i = 0; i < event.texts.size(); ++i) {
    if (i != static_cast<std::size_t>(Text::message_id) && i != static_cast<std::size_t>(Text::order_id))
      replace_ids(event.texts[i]);
  }
  for (auto& line : event.products) {
    for (auto* text : {&line.name, &line.variant, &line.coupon}) replace_ids(*text);
  }
  for (const Text field : {Text::page_url, Text::page_referrer, Text::page_path}) {
    event[field] = without_query(event[field]);
  }
  event.raw = "{}";
  event.set(event::Flag::anonymised);
}

void PersonRemover::leave_withdrawal(event::Event& event) {
  const Text visitor = event[Text::anonymous_id].empty() ? Text::user_id : Text::anonymous_id;
  for (std::size_t i = 0; i < event.texts.size(); ++i) {
    const auto field = static_cast<Text>(i);
    if (field != visitor && field != Text::message_id && field != Text::country) event[field] = {};
  }
  event.type = event::EventType::other;
  event[Text::event_name] = "Consent Withdrawn";
  event.products.clear();
  event.amounts = {};
  event.present_amounts = 0;
  event.currency = {};
  event.raw = "{}";
}

void ConsentGate::begin(const http::Request& request) {
  reader_.begin(request);
  remover_.refresh();
  request_ = &request;
  country_ = rules_.country_header.empty() ? std::string_view() : request.header(rules_.country_header);
  for (char& c : country_) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c & 0x5f);
  }
}

collect::Decision ConsentGate::inspect(event::Event& event) {
  const Statement statement = reader_.read(event);
  std::string_view country = event[Text::country];
  if (country.empty()) country = reader_.country();
  const ConsentRule& rule = rules_.rule_for(country.empty() ? country_ : country);
  event.purposes = decide(statement, rule);
  if (!event.purposes.decided) count(counters_.undecided);
  ConsentAction action = ConsentAction::store;
  if (event.purposes.granted != event::Purposes::kAll) [[unlikely]] {
    for (std::size_t i = 0; i < event::kPurposeCount; ++i) {
      if (!event.purposes.has(static_cast<event::Purpose>(i))) count(counters_.withheld[i]);
    }
    if (!event.purposes.has(event::Purpose::analytics)) action = rule.when_denied;
  }
  // What is left of it is stored as it is.
  const bool withdrawal = action != ConsentAction::store && withdraws(event, statement);
  if (withdrawal) action = ConsentAction::store;
  count(counters_.consent[static_cast<std::size_t>(action)]);
  if (vault_ != nullptr) tell_vault(event);
  switch (action) {
    case ConsentAction::store:
      if (withdrawal) remover_.leave_withdrawal(event);
      break;
    case ConsentAction::pseudonymise: remover_.pseudonymise(event); break;
    case ConsentAction::anonymise: remover_.anonymise(event); break;
    case ConsentAction::drop:
      return {collect::Ruling::drop_no_consent,
              "analytics_not_granted",
              {},
              "The visitor does not consent to it, and the rule of their region is to drop it."};
  }
  return {};
}

void ConsentGate::tell_vault(const event::Event& event) {
  const auto user = event[Text::user_id];
  const auto id = user.empty() ? event[Text::anonymous_id] : user;
  if (!id.empty()) told_vault_ |= vault_->grant(vault_->person(id), event.purposes.granted);
}

// An order is an order, and what follows it will say the same of consent.
bool ConsentGate::withdraws(const event::Event& event, const Statement& statement) const {
  using event::EventType;
  const bool order = event.type >= EventType::order_completed && event.type <= EventType::order_cancelled;
  if (!granted_before_ || order || statement.denied == 0 || event.visitor_key().empty()) return false;
  const auto before = granted_before_(event.visitor_key());
  return before && (*before & statement.denied) != 0;
}

base::Status ConsentGate::finish() {
  if (!std::exchange(told_vault_, false)) [[likely]]
    return base::Ok{};
  return vault_->sync();
}

// It is decided about when it is replayed, by another request.
void ConsentGate::cleanse(event::QuarantinedItem& item) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const auto judged = std::exchange(judged_, std::nullopt);
  if (request_ == nullptr) return;
  const std::size_t first = item.raw.find_first_not_of(kBlanks);
  const std::size_t last = item.raw.find_last_not_of(kBlanks);
  if (first == std::string_view::npos || item.raw[first] != '{' || item.raw[last] != '}') return;
  if (item.raw.find_first_not_of(kBlanks, first + 1) == last) return;  // It says nothing.
  with_request_ = item.raw.substr(0, last);
  with_request_.append(",\"").append(ConsentReader::kOfRequest).append("\":{");
  const std::size_t empty = with_request_.size();
  ConsentReader::append_signals(*request_, with_request_);
  if (!country_.empty()) {
    with_request_.append(with_request_.size() == empty ? "\"" : ",\"").append(ConsentReader::kCountry);
    with_request_ += "\":";
    http::append_json_string(with_request_, country_);
  }
  if (judged) {
    if (with_request_.size() != empty) with_request_ += ',';
    ConsentReader::append_purposes(*judged, with_request_);
  }
  if (with_request_.size() == empty) return;
  with_request_ += "}}";
  item.raw = with_request_;
}

}  // namespace millrace::privacy
