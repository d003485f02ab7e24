#include "contract/mode_rules.h"

#include <utility>

#include "contract/fault_text.h"
#include "contract/json_document.h"

namespace millrace::contract {

namespace {

base::Error corrupt(std::string message) { return base::Error(base::ErrorCode::corrupt, std::move(message)); }

base::Result<std::string> name_of(const JsonTape& tape, std::uint32_t rule, std::string_view key) {
  const std::uint32_t node = find_member(tape, rule, key);
  if (node != kNoNode && tape[node].kind != JsonKind::string)
    return corrupt("\"" + std::string(key) + "\" is no text");
  return std::string(text_of(tape, rule, key));
}

}  // namespace

base::Result<std::vector<ModeRule>> parse_mode_rules(std::string_view json) {
  JsonDocument document;
  TRY(document.read(json));
  const JsonTape& tape = document.tape();
  const std::uint32_t format = find_member(tape, 0, "format");
  if (format == kNoNode || tape[format].raw != "1") return corrupt("its format is not 1");
  const std::uint32_t list = find_member(tape, 0, "rules");
  if (list == kNoNode || tape[list].kind != JsonKind::array) return corrupt("there is no list \"rules\"");
  std::vector<ModeRule> rules;
  for (std::uint32_t i = list + 1; i < tape[list].end; i = tape[i].end) {
    ModeRule rule;
    TRY_ASSIGN(rule.source, name_of(tape, i, "source"));
    TRY_ASSIGN(rule.contract, name_of(tape, i, "contract"));
    TRY_ASSIGN(rule.mode, parse_mode(text_of(tape, i, "mode")));
    rules.push_back(std::move(rule));
  }
  return rules;
}

std::string mode_rules_json(const std::vector<ModeRule>& rules) {
  std::string out = R"({"format":1,"rules":[)";
  for (std::size_t i = 0; i < rules.size(); ++i) {
    out += i == 0 ? R"({"source":)" : R"(,{"source":)";
    append_quoted(out, rules[i].source);
    out += R"(,"contract":)";
    append_quoted(out, rules[i].contract);
    out.append(R"(,"mode":")").append(to_string(rules[i].mode)).append("\"}");
  }
  return out + "]}\n";
}

}  // namespace millrace::contract
