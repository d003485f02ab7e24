#include "privacy/personal_gate.h"

#include <algorithm>

namespace millrace::privacy {

using event::Text;

namespace {

bool lies_in(std::string_view text, std::string_view in) {
  return text.data() >= in.data() && text.data() + text.size() <= in.data() + in.size();
}

}  // namespace

PersonalGate::PersonalGate(const PersonalRules& rules, const KeyRing& ring, PrivacyCounters& counters)
    : rules_(rules), counters_(counters), tokens_(ring) {}

std::string& PersonalGate::scratch() {
  if (scratch_used_ == scratch_.size()) scratch_.push_back(std::make_unique<std::string>());
  return *scratch_[scratch_used_++];
}

collect::Decision PersonalGate::inspect(event::Event& event) {
  scratch_used_ = 0;
  bool replaced = !rules_.fields.empty() && fields_.apply(event, rules_.fields, tokens_, counters_);
  replaced |= cleanse_raw(event);
  replaced |= cleanse_texts(event);
  if (replaced) event.set(event::Flag::personal_replaced);
  return {};
}

bool PersonalGate::cleanse_raw(event::Event& event) {
  // What is escaped is looked at as what it stands for; it is rewritten only if that is personal.
  if (event.raw.find("\\u") != std::string_view::npos) {
    unescape(event.raw, unescaped_);
    if (!unescaped_.empty()) {
      scan_.find(unescaped_.apply(), rules_.kinds, found_);
      if (!found_.empty()) unescaped_.apply(event);
    }
  }
  scan_.find(event.raw, rules_.kinds, found_);
  if (found_.empty()) return false;
  const std::string_view raw = event.raw;
  rewrite_.begin(raw);
  // A number becomes a string, whole.
  for (const PersonalSpan& span : found_) {
    normalise(span.kind, raw.substr(span.from, span.to - span.from), value_);
    const std::string& token = tokens_.token(to_string(span.kind), value_);
    count(counters_.replaced[static_cast<std::size_t>(span.kind)]);
    if (!is_bare_number(raw, span.from, span.to)) {
      rewrite_.replace(span.from, span.to, token);
      continue;
    }
    constexpr std::string_view kOfNumber = "0123456789.eE+-";
    std::size_t from = span.from, to = span.to;
    while (from > 0 && kOfNumber.find(raw[from - 1]) != std::string_view::npos) --from;
    while (to < raw.size() && kOfNumber.find(raw[to]) != std::string_view::npos) ++to;
    rewrite_.replace_quoted(from, to, token);
  }
  rewrite_.apply(event);
  return true;
}

bool PersonalGate::cleanse_texts(event::Event& event) {
  bool replaced = false;
  const auto look = [&](std::string_view& text) {
    if (text.size() < 6 || lies_in(text, event.raw)) return false;
    const auto clean = cleansed(text);
    if (clean.data() == text.data()) return false;
    text = clean;
    return true;
  };
  for (std::size_t i = 0; i < event.texts.size(); ++i) {
    const bool changed = look(event.texts[i]);
    // That the client has an address is no news.
    replaced |= changed && i != static_cast<std::size_t>(Text::ip);
  }
  for (auto& line : event.products) {
    for (auto* text : {&line.product_id, &line.sku, &line.name, &line.brand, &line.category, &line.variant,
                       &line.coupon}) {
      replaced |= look(*text);
    }
  }
  return replaced;
}

std::string_view PersonalGate::cleansed(std::string_view text) {
  std::string_view source = text;
  if (text.find("\\u") != std::string_view::npos) {
    unescape(text, text_rewrite_);
    if (!text_rewrite_.empty()) source = text_rewrite_.apply();
  }
  scan_.find(source, rules_.kinds, found_);
  if (found_.empty()) return text;
  std::string& out = scratch();
  out.clear();
  std::size_t done = 0;
  for (const PersonalSpan& span : found_) {
    normalise(span.kind, source.substr(span.from, span.to - span.from), value_);
    const std::string& token = tokens_.token(to_string(span.kind), value_);
    count(counters_.replaced[static_cast<std::size_t>(span.kind)]);
    out += source.substr(done, span.from - done);
    done = span.to;
    // In `extra`, which is JSON, a number must become a string.
    const bool bare = source.front() == '{' && is_bare_number(source, span.from, span.to);
    if (bare) out += '"';
    out += token;
    if (bare) out += '"';
  }
  out += source.substr(done);
  return out;
}

void PersonalGate::cleanse(event::QuarantinedItem& item) {
  // The event it may come from was inspected before, and its memory is no longer needed.
  scratch_used_ = 0;
  item.raw = cleansed(item.raw);
  item.pointer = cleansed(item.pointer);
  item.detail = cleansed(item.detail);
}

}  // namespace millrace::privacy
