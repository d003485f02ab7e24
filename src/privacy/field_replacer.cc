#include "privacy/field_replacer.h"

#include <algorithm>

namespace millrace::privacy {

using collect::JsonKind;
using event::Text;

namespace {

bool lies_in(std::string_view text, std::string_view in) {
  return text.data() >= in.data() && text.data() + text.size() <= in.data() + in.size();
}

// Does the path, from the root, end as the rule's does? A rule is the whole path.
bool matches(std::string_view rule, const std::vector<std::string_view>& path) {
  for (const auto step : path) {
    const auto dot = rule.find('.');
    const auto wanted = rule.substr(0, dot);
    if (wanted != "*" && wanted != step) return false;
    rule = dot == std::string_view::npos ? std::string_view() : rule.substr(dot + 1);
  }
  return rule.empty();
}

}  // namespace

std::string& FieldReplacer::scratch() {
  if (scratch_used_ == scratch_.size()) scratch_.push_back(std::make_unique<std::string>());
  return *scratch_[scratch_used_++];
}

const FieldRule* FieldReplacer::rule_of(const std::vector<std::string_view>& path) const {
  for (const FieldRule& rule : *rules_) {
    if (matches(rule.path, path)) return &rule;
  }
  return nullptr;
}

void FieldReplacer::find_values(std::string_view json) {
  values_.clear();
  if (index_.scan(json) != collect::JsonFault::none || tape_.build(index_, 0) != collect::TapeFault::none)
    return;
  // Ends of the objects and arrays that the node is in, with the path's length before them.
  std::vector<std::pair<std::uint32_t, std::size_t>> open;
  path_.clear();
  for (std::uint32_t i = 0; i < tape_.size(); ++i) {
    while (!open.empty() && i >= open.back().first) {
      path_.resize(open.back().second);
      open.pop_back();
    }
    const collect::JsonNode& node = tape_[i];
    const std::size_t length = path_.size();
    if (!node.key.empty()) path_.push_back(node.key);
    const FieldRule* rule = rule_of(path_);
    if (rule != nullptr && i > 0 && node.kind != JsonKind::null && lies_in(node.raw, json)) {
      if (!is_token(node.text)) values_.push_back({node, rule->action});
      path_.resize(length);
      i = std::max(i, node.end - 1);
      continue;
    }
    if (node.kind == JsonKind::object || node.kind == JsonKind::array) {
      open.emplace_back(node.end, length);
    } else {
      path_.resize(length);
    }
  }
}

void FieldReplacer::replace_value(event::Event& event, std::string_view json, const RuledValue& value,
                                  Rewrite& rewrite) {
  const auto from = static_cast<std::size_t>(value.node.raw.data() - json.data());
  const std::size_t to = from + value.node.raw.size();
  const bool remove = value.action == FieldRule::Action::remove;
  std::string& token = scratch();
  token = remove ? std::string() : tokens_->token("id", value.node.text);
  const bool text_apart = !lies_in(value.node.text, json);
  const auto change = [&](std::string_view& text) {
    if (text.empty()) return;
    const bool holds = remove && text.data() < value.node.raw.data() + value.node.raw.size() &&
                       value.node.raw.data() < text.data() + text.size() && lies_in(text, value.node.raw);
    if (holds || (text_apart && text == value.node.text)) text = remove ? std::string_view() : token;
  };
  for (auto& text : event.texts) change(text);
  for (auto& line : event.products) {
    for (auto* text : {&line.name, &line.variant, &line.coupon}) change(*text);
  }
  count(remove ? counters_->fields_removed : counters_->fields_replaced);
  if (remove) {
    rewrite.replace(from, to, "null");
  } else if (value.node.kind == JsonKind::string) {
    rewrite.replace(from + 1, to - 1, token);
  } else {
    rewrite.replace_quoted(from, to, token);
  }
}

bool FieldReplacer::apply(event::Event& event, const std::vector<FieldRule>& rules, Tokens& tokens,
                          PrivacyCounters& counters) {
  rules_ = &rules;
  tokens_ = &tokens;
  counters_ = &counters;
  scratch_used_ = 0;
  bool replaced = false;
  find_values(event.raw);
  if (!values_.empty()) {
    raw_rewrite_.begin(event.raw);
    for (const auto& value : values_) replace_value(event, event.raw, value, raw_rewrite_);
    raw_rewrite_.apply(event);
    replaced = true;
  }
  const std::string_view extra = event[Text::extra];
  find_values(extra);
  if (values_.empty()) return replaced;
  extra_rewrite_.begin(extra);
  for (const auto& value : values_) replace_value(event, extra, value, extra_rewrite_);
  std::string& out = scratch();
  out = extra_rewrite_.apply();
  event[Text::extra] = out;
  return true;
}

}  // namespace millrace::privacy
