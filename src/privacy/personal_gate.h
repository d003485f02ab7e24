#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/hash.h"
#include "collect/gate.h"
#include "privacy/field_replacer.h"
#include "privacy/personal_scan.h"
#include "privacy/privacy_counters.h"
#include "privacy/rewrite.h"
#include "privacy/tokens.h"

namespace millrace::privacy {

class Vault;

struct PersonalRules {
  PersonalSet kinds = kAllPersonal;  // Cards are always in it.
  std::vector<FieldRule> fields;
};

// Replaces personal values by keyed tokens, in the raw bytes and in every text of an event, and in what goes
// into quarantine. Costs one pass over the bytes when there is nothing to replace.
class PersonalGate final : public collect::Gate {
 public:
  // All must outlive it. With a vault, values go there that their person grants a purpose for.
  PersonalGate(const PersonalRules& rules, const KeyRing& ring, PrivacyCounters& counters,
               Vault* vault = nullptr);

  void begin(const http::Request&) override {
    tokens_.refresh();
    address_.clear();
  }
  collect::Decision inspect(event::Event& event) override;
  void cleanse(event::QuarantinedItem& item) override;
  base::Status finish() override;

 private:
  // The text with tokens for what is personal; itself when nothing is. Holds until the next item.
  std::string_view cleansed(std::string_view text);
  enum class Form : std::uint8_t { json, text };
  // Fills `rewrite` with tokens for what was found in `source`; in JSON a number becomes a string, whole. True when a
  // card was among it.
  bool replace_found(std::string_view source, Form form, Rewrite& rewrite);
  bool cleanse_raw(event::Event& event);
  bool cleanse_texts(event::Event& event);
  // The same for where an event came from, which mostly is where the request's others did.
  std::string_view cleansed_address(std::string_view text);
  // Amounts and times that a card number was read as.
  void cleanse_numbers(event::Event& event);
  std::string& scratch();

  const PersonalRules& rules_;
  PrivacyCounters& counters_;
  Tokens tokens_;
  PersonalScan scan_;
  std::vector<PersonalSpan> found_;
  FieldReplacer fields_;
  std::array<Rewrite, 2> unescaped_, rewrites_;  // One reads what the other has made.
  Rewrite text_unescaped_, text_rewrite_;
  bool card_in_raw_ = false;
  std::vector<std::unique_ptr<std::string>> scratch_;  // Texts made for the item at hand; the memory stays.
  std::size_t scratch_used_ = 0;
  std::string value_;
  std::string address_, clean_address_;  // The last one of the request.
  Vault* const vault_;
  std::optional<base::Hash128> person_;  // Of the event at hand, when values of it may be sealed.
  std::uint8_t granted_ = 0;             // By that person.
  bool sealed_ = false;                  // Something of the request is in the vault and may not be durable.
};

class PersonalGateMaker final : public collect::GateMaker {
 public:
  PersonalGateMaker(PersonalRules rules, const KeyRing& ring, PrivacyCounters& counters,
                    Vault* vault = nullptr)
      : rules_(std::move(rules)), ring_(ring), counters_(counters), vault_(vault) {
    rules_.kinds |= bit(Personal::card);
  }
  std::unique_ptr<collect::Gate> gate() const override {
    return std::make_unique<PersonalGate>(rules_, ring_, counters_, vault_);
  }

 private:
  PersonalRules rules_;
  const KeyRing& ring_;
  PrivacyCounters& counters_;
  Vault* const vault_;
};

}  // namespace millrace::privacy
