#include "privacy/consent_gate.h"

#include <array>
#include <utility>

#include "privacy/personal_forms.h"

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
          "context.device.advertisingId", "context.device.token", "context.network.ip", "properties.email",
          "properties.phone", "context.externalId",
          // Snowplow: of several ids of a visitor only one is the event's own.
          "duid", "nuid", "tnuid", "uid", "co.data.data.userId", "co.data.data.email",
          // Google, by either protocol.
          "client_id", "app_instance_id", "user_id", "ip_override", "cid",
          // Shopify.
          "email", "contact_email", "phone", "first_name", "last_name", "browser_ip",
          "client_details.browser_ip", "default_address", "shipping_address", "billing_address",
          "customer.id", "customer.email", "customer.phone", "customer.first_name", "customer.last_name",
          "customer.default_address"}) {
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

bool is_word(char c) { return is_digit(c) || is_letter(c); }

}  // namespace

void PersonRemover::replace_everywhere(std::string_view text, std::string_view value, std::string_view token,
                                       Rewrite& rewrite) {
  std::size_t seen = 0;
  bool quoted = false;  // Where `seen` is.
  for (std::size_t at = text.find(value); at != std::string_view::npos;
       at = text.find(value, at + value.size())) {
    const std::size_t to = at + value.size();
    if ((at > 0 && is_word(text[at - 1])) || (to < text.size() && is_word(text[to]))) continue;
    for (; seen < at; ++seen) {
      if (text[seen] == '\\') {
        ++seen;
      } else if (text[seen] == '"') {
        quoted = !quoted;
      }
    }
    if (quoted) {
      rewrite.replace(at, to, token);
    } else {
      rewrite.replace_quoted(at, to, token);
    }
  }
}

void PersonRemover::pseudonymise(event::Event& event) {
  values_.clear();
  made_.clear();
  for (const Text field : kIds) {
    if (event[field].empty()) continue;
    values_.emplace_back(event[field]);
    made_.push_back(tokens_.token(field == Text::email ? "email"
                                  : field == Text::ip  ? "ip"
                                                       : "id",
                                  event[field]));
  }
  raw_.begin(event.raw);
  for (std::size_t i = 0; i < values_.size(); ++i) {
    if (values_[i].size() >= kSearchedBytesMin) replace_everywhere(event.raw, values_[i], made_[i], raw_);
  }
  if (!raw_.empty()) raw_.apply(event);
  extra_.begin(event[Text::extra]);
  for (std::size_t i = 0; i < values_.size(); ++i) {
    if (values_[i].size() >= kSearchedBytesMin)
      replace_everywhere(event[Text::extra], values_[i], made_[i], extra_);
  }
  if (!extra_.empty()) event[Text::extra] = extra_.apply();
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
  for (const Text field : kOfPersons) event[field] = {};
  for (const Text field : {Text::page_url, Text::page_referrer, Text::page_path}) {
    event[field] = without_query(event[field]);
  }
  event.raw = "{}";
  event.set(event::Flag::anonymised);
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
  count(counters_.consent[static_cast<std::size_t>(action)]);
  switch (action) {
    case ConsentAction::store: break;
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
