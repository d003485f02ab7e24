#include "privacy/consent_reader.h"

#include <emmintrin.h>

#include <algorithm>
#include <array>
#include <bit>

#include "privacy/google_consent.h"
#include "privacy/gpp_string.h"
#include "privacy/tc_string.h"

namespace millrace::privacy {

using collect::JsonKind;
using collect::JsonNode;
using event::Purpose;

namespace {

// Every key known has one of these in it, in lower case; the pair is what is looked for first.
struct Mark {
  char pair[2];
  std::string_view whole;
  std::size_t offset;  // Of the pair.
};
constexpr auto kMarks = std::to_array<Mark>({
    {{'n', 's'}, "onsent", 1},  // consent, consentManagement, gdpr_consent, euconsent-v2
    {{'g', 'c'}, "\"gc", 1},    // gcs, gcd
    {{'g', 'p'}, "\"gp", 1},    // gpp, gpc
    {{'b', 'g'}, "iabgpp", 2},
    {{'a', 'l'}, "globalp", 4},
    {{'i', 'v'}, "privacy", 2},
    {{'t', 'c'}, "\"tc", 1},  // tcString, tcf
    {{'b', 't'}, "iabtcf", 2},
    {{'_', 's'}, "_storage", 0},
    {{'d', '_'}, "\"ad_", 2},
    {{'y', 'p'}, "categorypref", 7},
});

bool equals_lower(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if ((text[i] | (text[i] >= 'A' && text[i] <= 'Z' ? 0x20 : 0)) != lower[i]) return false;
  }
  return true;
}

}  // namespace

bool may_state_consent(std::string_view json) {
  for (std::size_t at = 0; at + 1 < json.size(); at += 16) {
    char padded[32] = {};
    const char* from = json.data() + at;
    if (json.size() - at < 17) {
      std::copy_n(from, json.size() - at, padded);
      from = padded;
    }
    // Letters in lower case; nothing else that matters is changed into a letter of a mark.
    const __m128i bit = _mm_set1_epi8(0x20);
    const __m128i plain = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
    const __m128i plain_next = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + 1));
    const __m128i first = _mm_or_si128(plain, bit);
    const __m128i second = _mm_or_si128(plain_next, bit);
    for (const Mark& mark : kMarks) {
      const auto hits = static_cast<unsigned>(_mm_movemask_epi8(
          _mm_and_si128(_mm_cmpeq_epi8(first, _mm_set1_epi8(static_cast<char>(mark.pair[0] | 0x20))),
                        _mm_cmpeq_epi8(second, _mm_set1_epi8(static_cast<char>(mark.pair[1] | 0x20))))));
      for (unsigned rest = hits; rest != 0; rest &= rest - 1) {
        const std::size_t pair = at + static_cast<std::size_t>(std::countr_zero(rest));
        if (pair < mark.offset) continue;
        if (equals_lower(json.substr(pair - mark.offset, mark.whole.size()), mark.whole)) return true;
      }
    }
  }
  return false;
}

bool ConsentReader::form_of(std::string_view key, Form& form) {
  struct Name {
    std::string_view name;
    Form form;
  };
  static constexpr auto kNames = std::to_array<Name>({
      {"tcstring", Form::tc_string},
      {"tc_string", Form::tc_string},
      {"tcfstring", Form::tc_string},
      {"tcf", Form::tc_string},
      {"gdpr_consent", Form::tc_string},
      {"gdprconsent", Form::tc_string},
      {"iabtcf_tcstring", Form::tc_string},
      {"euconsent-v2", Form::tc_string},
      {"gpp", Form::gpp_string},
      {"gppstring", Form::gpp_string},
      {"gpp_string", Form::gpp_string},
      {"iabgpp_hdr_gppstring", Form::gpp_string},
      {"us_privacy", Form::us_privacy},
      {"usprivacy", Form::us_privacy},
      {"iabusprivacy_string", Form::us_privacy},
      {"gcs", Form::gcs},
      {"gcd", Form::gcd},
      {"ad_storage", Form::google_state},
      {"analytics_storage", Form::google_state},
      {"ad_user_data", Form::google_state},
      {"ad_personalization", Form::google_state},
      {"personalization_storage", Form::google_state},
      {"gpc", Form::gpc},
      {"globalprivacycontrol", Form::gpc},
      {"categorypreferences", Form::preferences},
      {"consent", Form::preferences},
      {"allowedconsentids", Form::allowed},
      {"deniedconsentids", Form::denied},
      {"consentscopes", Form::scopes},
  });
  if (key.size() < 3 || key.size() > 24) return false;
  for (const Name& name : kNames) {
    if (!equals_lower(key, name.name)) continue;
    form = name.form;
    return true;
  }
  return false;
}

void ConsentReader::took(ConsentSignal signal) {
  signals_ |= static_cast<std::uint8_t>(1u << static_cast<unsigned>(signal));
}

void ConsentReader::take(Form form, std::string_view key, std::string_view value, Statement& out) {
  bool read = false;
  const auto add = [&](const auto& decoded, ConsentSignal signal) {
    if (!decoded) return;
    read = true;
    took(signal);
  };
  if (value.empty()) return;
  switch (form) {
    case Form::tc_string: {
      const auto decoded = decode_tc_string(value);
      add(decoded, ConsentSignal::tcf);
      if (decoded) out.add(statement_of(*decoded));
      break;
    }
    case Form::gpp_string: {
      const auto decoded = decode_gpp_string(value);
      add(decoded, ConsentSignal::gpp);
      if (decoded) out.add(statement_of(*decoded));
      break;
    }
    case Form::us_privacy: {
      const auto decoded = decode_us_privacy(value);
      add(decoded, ConsentSignal::us_privacy);
      if (decoded) out.add(statement_of(*decoded));
      break;
    }
    case Form::gcs:
    case Form::gcd: {
      const auto decoded = form == Form::gcs ? decode_gcs(value) : decode_gcd(value);
      add(decoded, ConsentSignal::google);
      if (decoded) out.add(*decoded);
      break;
    }
    case Form::google_state: {
      const bool granted = equals_lower(value, "granted");
      if (!granted && !equals_lower(value, "denied")) break;
      read = true;
      took(ConsentSignal::google);
      const bool analytics = equals_lower(key, "analytics_storage");
      const bool personal = equals_lower(key, "personalization_storage");
      out.say(analytics  ? Purpose::analytics
              : personal ? Purpose::personalisation
                         : Purpose::marketing,
              granted);
      break;
    }
    case Form::gpc:
      read = true;
      if (value != "1" && value != "true") break;
      took(ConsentSignal::gpc);
      out.say(Purpose::marketing, false);
      break;
    default: read = true;
  }
  if (!read) count(counters_.signals_malformed);
}

void ConsentReader::begin(const http::Request& request) {
  of_request_ = {};
  signals_ = 0;
  if (const auto gpc = request.header("sec-gpc"); !gpc.empty()) take(Form::gpc, "gpc", gpc, of_request_);
  for (const auto& [key, value] : request.query) {
    Form form;
    if (form_of(key, form) && form < Form::preferences) take(form, key, value, of_request_);
  }
  request_signals_ = signals_;
}

void ConsentReader::append_signals(const http::Request& request, std::string& json) {
  const auto append = [&json](std::string_view name, std::string_view value) {
    if (json.back() != '{') json += ',';
    http::append_json_string(json, name);
    json += ':';
    http::append_json_string(json, value);
  };
  if (request.header("sec-gpc") == "1") append("gpc", "1");
  for (const auto& [key, value] : request.query) {
    Form form;
    if (form_of(key, form) && form < Form::preferences) append(key, value);
  }
}

void ConsentReader::append_purposes(const event::Purposes& purposes, std::string& json) {
  const auto state = [&purposes](Purpose purpose) { return purposes.has(purpose) ? "granted" : "denied"; };
  json.append(R"("analytics_storage":")").append(state(Purpose::analytics));
  json.append(R"(","personalization_storage":")").append(state(Purpose::personalisation));
  json.append(R"(","ad_storage":")").append(state(Purpose::marketing)).append("\"");
}

void ConsentReader::take_list(std::uint32_t node, bool grants, Statement& out) {
  const std::uint32_t end = tape_[node].end;
  Statement listed;
  for (std::uint32_t i = node + 1; i < end; ++i) {
    Purpose purpose{};
    if (tape_[i].kind != JsonKind::string || !purpose_of(rules_, tape_[i].text, purpose)) continue;
    listed.say(purpose, grants);
    took(ConsentSignal::categories);
  }
  // A list of what is allowed is whole: nothing else is.
  if (grants && end > node + 1) {
    took(ConsentSignal::categories);
    listed.say(Purpose::necessary, true);
    listed.denied |= event::Purposes::kAll & ~listed.granted;
  }
  out.add(listed);
}

void ConsentReader::take_node(std::uint32_t i, Form form, Statement& out) {
  const JsonNode& node = tape_[i];
  if (form == Form::allowed || form == Form::denied || form == Form::scopes) {
    if (node.kind == JsonKind::array || node.kind == JsonKind::object)
      take_list(i, form != Form::denied, out);
    return;
  }
  if (form != Form::preferences) {
    if (node.kind == JsonKind::string || node.kind == JsonKind::boolean || node.kind == JsonKind::number) {
      take(form, node.key, node.text, out);
    }
    return;
  }
  if (node.kind != JsonKind::object) return;
  for (std::uint32_t child = i + 1; child < node.end; child = tape_[child].end) {
    Purpose purpose{};
    if (tape_[child].kind != JsonKind::boolean || !purpose_of(rules_, tape_[child].key, purpose)) continue;
    out.say(purpose, tape_[child].text == "true");
    took(ConsentSignal::categories);
  }
}

Statement ConsentReader::read(const event::Event& event) {
  Statement out = of_request_;
  signals_ = request_signals_;
  country_ = {};
  const std::string_view extra = event[event::Text::extra];
  if (may_state_consent(extra) && index_.scan(extra) == collect::JsonFault::none &&
      tape_.build(index_, 0) == collect::TapeFault::none) {
    std::uint32_t of_request = 0;  // Where what the request said ends.
    for (std::uint32_t i = 1; i < tape_.size(); ++i) {
      if (tape_[i].key == kOfRequest) of_request = tape_[i].end;
      // Hits of gtag have no objects: "consent_of_request.gpc".
      const bool flat = tape_[i].key.size() > kOfRequest.size() && tape_[i].key.starts_with(kOfRequest);
      if (flat) tape_[i].key.remove_prefix(kOfRequest.size() + 1);
      if ((flat || i < of_request) && tape_[i].key == kCountry) country_ = tape_[i].text;
      Form form;
      if (form_of(tape_[i].key, form)) take_node(i, form, out);
    }
  }
  for (std::size_t i = 0; i < kConsentSignals; ++i) {
    if (signals_ >> i & 1u) count(counters_.signals[i]);
  }
  return out;
}

}  // namespace millrace::privacy
