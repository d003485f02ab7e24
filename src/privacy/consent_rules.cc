#include "privacy/consent_rules.h"

#include <algorithm>
#include <array>

namespace millrace::privacy {

namespace {

using event::Purpose;

constexpr std::string_view kEu =
    "AT,BE,BG,HR,CY,CZ,DK,EE,FI,FR,DE,GR,HU,IE,IT,LV,LT,LU,MT,NL,PL,PT,RO,SK,SI,ES,SE";
constexpr std::string_view kRestOfEea = "IS,LI,NO";
constexpr std::string_view kLikeGdpr = "GB,CH";

void append_list(std::string_view list, std::vector<std::string>& out) {
  for (std::size_t at = 0; at + 2 <= list.size(); at += 3) out.emplace_back(list.substr(at, 2));
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return out;
}

struct CategoryWord {
  std::string_view part;
  Purpose purpose;
};
// In this order: "targeting_personalization" is marketing.
constexpr auto kWords = std::to_array<CategoryWord>({
    {"c0001", Purpose::necessary},
    {"c0002", Purpose::analytics},
    {"c0003", Purpose::personalisation},
    {"c0004", Purpose::marketing},
    {"c0005", Purpose::marketing},
    {"necessary", Purpose::necessary},
    {"essential", Purpose::necessary},
    {"required", Purpose::necessary},
    {"advert", Purpose::marketing},
    {"marketing", Purpose::marketing},
    {"target", Purpose::marketing},
    {"social", Purpose::marketing},
    {"sharing", Purpose::marketing},
    {"retarget", Purpose::marketing},
    {"ad_", Purpose::marketing},
    {"analytic", Purpose::analytics},
    {"statistic", Purpose::analytics},
    {"performance", Purpose::analytics},
    {"measurement", Purpose::analytics},
    {"functional", Purpose::personalisation},
    {"preference", Purpose::personalisation},
    {"personal", Purpose::personalisation},
});

}  // namespace

const ConsentRule& ConsentRules::rule_for(std::string_view country) const {
  for (const ConsentRule& rule : rules) {
    if (rule.countries.empty()) return rule;
    if (std::find(rule.countries.begin(), rule.countries.end(), country) != rule.countries.end()) return rule;
  }
  return otherwise;
}

bool parse_region(std::string_view text, std::vector<std::string>& countries) {
  while (!text.empty()) {
    const auto comma = text.find(',');
    std::string_view name = text.substr(0, comma);
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
    while (name.starts_with(' ')) name.remove_prefix(1);
    while (name.ends_with(' ')) name.remove_suffix(1);
    if (name == "EU" || name == "EEA" || name == "GDPR") {
      append_list(kEu, countries);
      if (name != "EU") append_list(kRestOfEea, countries);
      if (name == "GDPR") append_list(kLikeGdpr, countries);
      continue;
    }
    const bool code =
        name.size() == 2 && name[0] >= 'A' && name[0] <= 'Z' && name[1] >= 'A' && name[1] <= 'Z';
    if (!code) return false;
    countries.emplace_back(name);
  }
  return true;
}

bool purpose_of(const ConsentRules& rules, std::string_view category, Purpose& purpose) {
  if (category.size() > 256) return false;
  const std::string name = lower(category);
  if (const auto own = rules.categories.find(name); own != rules.categories.end()) {
    purpose = own->second;
    return true;
  }
  for (const CategoryWord& word : kWords) {
    if (name.find(word.part) == std::string::npos) continue;
    purpose = word.purpose;
    return true;
  }
  return false;
}

event::Purposes decide(const Statement& statement, const ConsentRule& rule) {
  const std::uint8_t open =
      static_cast<std::uint8_t>(~(statement.granted | statement.denied)) & rule.when_unknown;
  event::Purposes out;
  out.granted = static_cast<std::uint8_t>((statement.granted | open) & ~statement.denied);
  out.granted |= event::Purposes::bit(Purpose::necessary);
  out.decided = !statement.empty() || rule.when_unknown != event::Purposes::kAll;
  return out;
}

}  // namespace millrace::privacy
