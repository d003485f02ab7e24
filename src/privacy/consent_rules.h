#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "privacy/privacy_counters.h"
#include "privacy/statement.h"

namespace millrace::privacy {

// What is done with the events of a region.
struct ConsentRule {
  std::vector<std::string> countries;  // ISO 3166-1 alpha-2; empty: all, and events of no known country.
  ConsentAction when_denied = ConsentAction::anonymise;  // When analytics is not granted.
  std::uint8_t when_unknown =
      event::Purposes::kAll;  // Purposes taken as granted while no signal speaks of them.
};

struct ConsentRules {
  std::vector<ConsentRule> rules;  // The first that fits counts.
  ConsentRule otherwise;
  // Names of consent categories, in lower case, as the shop's consent tool calls them; before the built-in
  // names.
  std::unordered_map<std::string, event::Purpose> categories;
  std::string country_header;  // Where a proxy puts the visitor's country; empty: nowhere.

  const ConsentRule& rule_for(std::string_view country) const;
};

// A comma list of countries and of EU, EEA and GDPR (EEA, United Kingdom, Switzerland). False when one is
// neither.
bool parse_region(std::string_view text, std::vector<std::string>& countries);

// The purpose of a consent category: by the shop's own names, OneTrust's (C0001 to C0005), or by what the
// name contains. False: none known.
bool purpose_of(const ConsentRules& rules, std::string_view category, event::Purpose& purpose);

// What is granted under the rule.
event::Purposes decide(const Statement& statement, const ConsentRule& rule);

}  // namespace millrace::privacy
