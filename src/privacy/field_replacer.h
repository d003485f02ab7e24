#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "collect/json_tape.h"
#include "event/event.h"
#include "privacy/privacy_counters.h"
#include "privacy/rewrite.h"
#include "privacy/tokens.h"

namespace millrace::privacy {

// A rule for the value at a path of the item, however it looks: "traits.firstName", "properties.*.phone".
struct FieldRule {
  enum class Action : std::uint8_t { token, remove };
  std::string
      path;  // The whole of it, its steps between dots; * is any one. Elements of arrays have their array's.
  Action action = Action::token;
};

// Replaces what rules name in the raw bytes of an event and in what its fields and Text::extra hold of it.
// For one thread; views that it sets hold until its next apply().
class FieldReplacer {
 public:
  // True when anything was replaced.
  bool apply(event::Event& event, const std::vector<FieldRule>& rules, Tokens& tokens,
             PrivacyCounters& counters);

 private:
  struct RuledValue {
    collect::JsonNode node;
    FieldRule::Action action = FieldRule::Action::token;
  };
  // Fills values_ with those of the JSON text that a rule names.
  void find_values(std::string_view json);
  void replace_value(event::Event& event, std::string_view json, const RuledValue& value, Rewrite& rewrite);
  const FieldRule* rule_of(const std::vector<std::string_view>& path) const;
  std::string& scratch();

  const std::vector<FieldRule>* rules_ = nullptr;
  Tokens* tokens_ = nullptr;
  PrivacyCounters* counters_ = nullptr;
  std::vector<RuledValue> values_;
  std::vector<std::string_view> path_;
  Rewrite raw_rewrite_, extra_rewrite_;
  std::vector<std::unique_ptr<std::string>> scratch_;
  std::size_t scratch_used_ = 0;
  collect::JsonIndex index_;
  collect::JsonTape tape_;
};

}  // namespace millrace::privacy
