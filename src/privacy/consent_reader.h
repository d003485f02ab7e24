#pragma once

#include <string_view>

#include "collect/json_tape.h"
#include "event/event.h"
#include "http/http.h"
#include "privacy/consent_rules.h"
#include "privacy/privacy_counters.h"
#include "privacy/statement.h"

namespace millrace::privacy {

// Finds what an event and the request that brought it say of consent: the header Sec-GPC; gcs, gcd,
// gdpr_consent, gpp and us_privacy in the query; and among what the canonical fields do not hold
// (Text::extra, the batch's part included) the same by the names that tags give them, Segment's
// categoryPreferences, RudderStack's consentManagement, Snowplow's consent scopes, and GA4's and Google's
// consent states.
class ConsentReader {
 public:
  ConsentReader(const ConsentRules& rules, PrivacyCounters& counters) : rules_(rules), counters_(counters) {}

  void begin(const http::Request& request);
  Statement read(const event::Event& event);
  // Of the request that the last event first came with, where it says so itself. Holds until the next read().
  std::string_view country() const { return country_; }
  // Appends to an open JSON object what the request says of consent, so that an event which waits in quarantine
  // still knows it when it is read again: as its member kOfRequest.
  static void append_signals(const http::Request& request, std::string& json);
  // Appends members that say which purposes were granted and which not.
  static void append_purposes(const event::Purposes& purposes, std::string& json);
  static constexpr std::string_view kOfRequest = "consent_of_request";
  static constexpr std::string_view kCountry = "country";

 private:
  // What the value of a key is.
  enum class Form : std::uint8_t {
    tc_string,
    gpp_string,
    us_privacy,
    gcs,
    gcd,
    google_state,  // "granted" or "denied".
    gpc,
    preferences,  // {category: bool}
    allowed,      // [category], of RudderStack
    denied,
    scopes,  // [category], of Snowplow: those granted.
  };
  static bool form_of(std::string_view key, Form& form);
  void take(Form form, std::string_view key, std::string_view value, Statement& out);
  void take_node(std::uint32_t node, Form form, Statement& out);
  void take_list(std::uint32_t node, bool grants, Statement& out);
  void took(ConsentSignal signal);

  const ConsentRules& rules_;
  PrivacyCounters& counters_;
  Statement of_request_;
  std::uint8_t request_signals_ = 0;
  std::uint8_t signals_ = 0;  // Bits of ConsentSignal.
  std::string_view country_;
  collect::JsonIndex index_;
  collect::JsonTape tape_;
};

// Whether the JSON text may have a key that form_of() knows: cheap, and never wrong when it says no.
bool may_state_consent(std::string_view json);

}  // namespace millrace::privacy
