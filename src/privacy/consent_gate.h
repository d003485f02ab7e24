#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collect/gate.h"
#include "privacy/consent_reader.h"
#include "privacy/consent_rules.h"
#include "privacy/field_replacer.h"
#include "privacy/tokens.h"
#include "privacy/vault.h"

namespace millrace::privacy {

// What the visitor of an id granted last (bits of event::Purpose), as far as it is known; none of who is not. Any thread.
using GrantedBefore = std::function<std::optional<std::uint8_t>(std::string_view visitor)>;

// Takes the ids and addresses of a person out of an event. For one thread; the event's views hold until the
// next call.
class PersonRemover {
 public:
  explicit PersonRemover(const KeyRing& ring, PrivacyCounters& counters)
      : tokens_(ring), counters_(counters) {}

  void refresh() { tokens_.refresh(); }
  // Ids, addresses, names and device ids become keyed tokens, wherever they are in the event and its raw
  // bytes.
  void pseudonymise(event::Event& event);
  // Nothing that leads to a person stays: no id, address, cookie or user agent, no raw bytes, no properties
  // beyond the canonical fields, no query of a URL; in what stays, such as a page's path, a star is where an id was. The order id and
  // the products' ids stay as they are, which the shop needs for its books.
  void anonymise(event::Event& event);
  // Nothing stays but that this visitor now grants so much: no other id, no address, no property, no raw bytes.
  void leave_withdrawal(event::Event& event);

 private:
  void note_ids(const event::Event& event);
  void replace_everywhere(std::string_view text, std::string_view value, std::string_view token,
                          Rewrite& rewrite);
  void replace_ids(std::string_view text, Rewrite& rewrite);
  // The same in a view of the event that lies neither in its raw bytes nor in `extra`.
  void replace_ids(std::string_view& text);

  Tokens tokens_;
  PrivacyCounters& counters_;
  FieldReplacer fields_;
  Rewrite raw_, extra_, text_;
  std::vector<std::string> values_;
  std::vector<std::string> made_;  // What stands for them.
  std::deque<std::string> texts_;
  std::string country_;
};

// Decides by what an event and its request say of consent, and by its region's rule, which purposes are
// granted, and does what the rule asks for when analytics is not among them. A vault hears what a person grants before
// that, as they may be nobody after it. Who withdraws what they granted before must be heard by what was made of that, such as
// a cart that waits to remind them: their event becomes a withdrawal in place of nobody's event.
class ConsentGate final : public collect::Gate {
 public:
  ConsentGate(const ConsentRules& rules, const KeyRing& ring, PrivacyCounters& counters,
              Vault* vault = nullptr, GrantedBefore granted_before = {})
      : rules_(rules),
        reader_(rules, counters),
        remover_(ring, counters),
        counters_(counters),
        vault_(vault),
        granted_before_(std::move(granted_before)) {}

  void begin(const http::Request& request) override;
  collect::Decision inspect(event::Event& event) override;
  void turned_away(const event::Event& event) override {
    if (event.has(event::Flag::pseudonymised)) judged_ = event.purposes;
  }
  // Puts what the request says of consent and country into the item, and what was decided where that went into its bytes.
  void cleanse(event::QuarantinedItem& item) override;
  base::Status finish() override;

 private:
  void tell_vault(const event::Event& event);
  bool withdraws(const event::Event& event, const Statement& statement) const;

  const ConsentRules& rules_;
  ConsentReader reader_;
  PersonRemover remover_;
  PrivacyCounters& counters_;
  Vault* const vault_;
  const GrantedBefore granted_before_;
  bool told_vault_ = false;  // Something of the request, which may not be durable.
  const http::Request* request_ = nullptr;
  std::string country_;                    // Of the request.
  std::optional<event::Purposes> judged_;  // Of the item that cleanse() gets next.
  std::string with_request_;
};

class ConsentGateMaker final : public collect::GateMaker {
 public:
  ConsentGateMaker(ConsentRules rules, const KeyRing& ring, PrivacyCounters& counters, Vault* vault = nullptr,
                   GrantedBefore granted_before = {})
      : rules_(std::move(rules)),
        ring_(ring),
        counters_(counters),
        vault_(vault),
        granted_before_(std::move(granted_before)) {}
  std::unique_ptr<collect::Gate> gate() const override {
    return std::make_unique<ConsentGate>(rules_, ring_, counters_, vault_, granted_before_);
  }

 private:
  ConsentRules rules_;
  const KeyRing& ring_;
  PrivacyCounters& counters_;
  Vault* const vault_;
  const GrantedBefore granted_before_;
};

}  // namespace millrace::privacy
