#include "privacy/personal_gate.h"

#include <cstdlib>
#include <string>
#include <utility>

#include "privacy/personal_forms.h"
#include "privacy/vault.h"

namespace millrace::privacy {

using event::Text;

namespace {

bool lies_in(std::string_view text, std::string_view in) {
  return text.data() >= in.data() && text.data() + text.size() <= in.data() + in.size();
}

// A replacement changes what its neighbours are taken for; more often than this it is no accident.
constexpr std::size_t kRoundsMax = 6;
// Further from the receipt than this, what is read as a time beside a card number is likely to be one itself.
constexpr std::int64_t kFarMs = 3653 * base::kDayMs;
constexpr std::int64_t kCardMin = 1'000'000'000'000;

bool is_card_number(std::int64_t number) {
  if (number < kCardMin) [[likely]]
    return false;
  return is_card(std::to_string(number));
}

}  // namespace

PersonalGate::PersonalGate(const PersonalRules& rules, const KeyRing& ring, PrivacyCounters& counters,
                           Vault* vault)
    : rules_(rules), counters_(counters), tokens_(ring), vault_(vault) {}

base::Status PersonalGate::finish() {
  if (!std::exchange(sealed_, false)) [[likely]]
    return base::Ok{};
  return vault_->sync();
}

std::string& PersonalGate::scratch() {
  if (scratch_used_ == scratch_.size()) scratch_.push_back(std::make_unique<std::string>());
  return *scratch_[scratch_used_++];
}

collect::Decision PersonalGate::inspect(event::Event& event) {
  scratch_used_ = 0;
  person_.reset();
  // Of whom a token is the name already, nobody could erase what is sealed.
  if (vault_ != nullptr && !event.has(event::Flag::pseudonymised)) {
    // Before the ids are tokens themselves.
    const auto user = event[Text::user_id];
    const auto id = user.empty() ? event[Text::anonymous_id] : user;
    granted_ = event.purposes.granted;
    if (!id.empty()) person_ = vault_->person(id);
  }
  bool replaced = !rules_.fields.empty() && fields_.apply(event, rules_.fields, tokens_, counters_);
  replaced |= cleanse_raw(event);
  replaced |= cleanse_texts(event);
  cleanse_numbers(event);
  if (person_) sealed_ |= vault_->grant(*person_, granted_);
  // An id made from the bytes as they came would let who knows all but a number try out which it was.
  const bool changed =
      replaced || event.has(event::Flag::anonymised) || event.has(event::Flag::pseudonymised);
  if (event.has(event::Flag::message_id_made) && changed) {
    std::string& id = scratch();
    id = tokens_.token("message", event[Text::message_id]);
    event[Text::message_id] = id;
  }
  if (replaced) event.set(event::Flag::personal_replaced);
  return {};
}

bool PersonalGate::replace_found(std::string_view source, Form form, Rewrite& rewrite) {
  constexpr std::string_view kOfNumber = "0123456789.eE+-";
  rewrite.begin(source);
  bool card = false, quoted = false;
  std::size_t seen = 0;
  for (const PersonalSpan& span : found_) {
    for (; seen < span.from; ++seen) {
      if (source[seen] == '\\') {
        ++seen;
      } else if (source[seen] == '"') {
        quoted = !quoted;
      }
    }
    card = card || span.kind == Personal::card;
    normalise(span.kind, source.substr(span.from, span.to - span.from), value_);
    const std::string& token = tokens_.token(to_string(span.kind), value_);
    count(counters_.replaced[static_cast<std::size_t>(span.kind)]);
    if (person_) {
      const auto wanted = vault_->rules().purposes[static_cast<std::size_t>(span.kind)] & granted_;
      if (wanted != 0)
        sealed_ |= vault_->seal(*person_, token, span.kind, value_, static_cast<std::uint8_t>(wanted));
    }
    if (form == Form::text || quoted) {
      rewrite.replace(span.from, span.to, token);
      continue;
    }
    std::size_t from = span.from, to = span.to;
    while (from > 0 && kOfNumber.find(source[from - 1]) != std::string_view::npos) --from;
    while (to < source.size() && kOfNumber.find(source[to]) != std::string_view::npos) ++to;
    rewrite.replace_quoted(from, to, token);
  }
  return card;
}

bool PersonalGate::cleanse_raw(event::Event& event) {
  card_in_raw_ = false;
  for (std::size_t round = 0; round < kRoundsMax; ++round) {
    // What is escaped is looked at as what it stands for; it is rewritten only if that is personal.
    if (event.raw.find("\\u") != std::string_view::npos) {
      Rewrite& unescaped = unescaped_[round % 2];
      unescape(event.raw, unescaped);
      if (!unescaped.empty()) {
        scan_.find(unescaped.apply(), rules_.kinds, found_);
        if (!found_.empty()) unescaped.apply(event);
      }
    }
    scan_.find(event.raw, rules_.kinds, found_);
    if (found_.empty()) return round > 0;
    Rewrite& rewrite = rewrites_[round % 2];
    const bool card = replace_found(event.raw, Form::json, rewrite);
    rewrite.apply(event);
    card_in_raw_ = card_in_raw_ || card;
    // Where a card was, what is left is looked at again: it has other neighbours now.
    if (!card) return true;
  }
  event.raw = "{}";
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
    if (i != static_cast<std::size_t>(Text::ip)) replaced |= look(event.texts[i]);
  }
  // That the client has an address is no news.
  if (!lies_in(event[Text::ip], event.raw)) event[Text::ip] = cleansed_address(event[Text::ip]);
  for (auto& line : event.products) {
    for (auto* text : {&line.product_id, &line.sku, &line.name, &line.brand, &line.category, &line.variant,
                       &line.coupon}) {
      replaced |= look(*text);
    }
  }
  return replaced;
}

std::string_view PersonalGate::cleansed_address(std::string_view text) {
  if (text.size() < 6) return text;
  if (person_ || text != address_) {
    const auto clean = cleansed(text);
    address_ = text;
    clean_address_ = clean;
    return clean;
  }
  if (clean_address_ == address_) return text;
  count(counters_.replaced[static_cast<std::size_t>(Personal::ip)]);
  return clean_address_;
}

std::string_view PersonalGate::cleansed(std::string_view text) {
  for (std::size_t round = 0; round < kRoundsMax; ++round) {
    std::string_view source = text;
    if (text.find("\\u") != std::string_view::npos) {
      unescape(text, text_unescaped_);
      if (!text_unescaped_.empty()) source = text_unescaped_.apply();
    }
    scan_.find(source, rules_.kinds, found_);
    if (found_.empty() && source.data() != text.data()) {
      source = text;
      scan_.find(source, rules_.kinds, found_);
    }
    if (found_.empty()) return text;
    const bool json = source.starts_with('{') || source.starts_with('[');
    const bool card = replace_found(source, json ? Form::json : Form::text, text_rewrite_);
    std::string& out = scratch();
    out = text_rewrite_.apply();
    text = out;
    if (!card) return text;
  }
  return {};
}

void PersonalGate::cleanse_numbers(event::Event& event) {
  for (std::size_t i = 0; i < event::kAmountCount; ++i) {
    if (!is_card_number(event.amounts[i].micros / event::kMoneyScale)) continue;
    event.amounts[i] = {};
    event.present_amounts &= ~(std::uint64_t{1} << i);
    event.set(event::Flag::money_unreadable);
  }
  for (auto& line : event.products) {
    if (!is_card_number(line.price.micros / event::kMoneyScale)) continue;
    line.price = {};
    line.has_price = false;
    event.set(event::Flag::money_unreadable);
  }
  if (!card_in_raw_) return;
  const auto is_far = [&](base::WallTime time) {
    return time.ms != 0 && std::abs(time.ms - event.received_at.ms) > kFarMs;
  };
  if (is_far(event.client_time)) event.client_time = {};
  if (is_far(event.event_time)) {
    event.event_time = event.received_at;
    event.set(event::Flag::time_missing);
  }
}

void PersonalGate::cleanse(event::QuarantinedItem& item) {
  // The event it may come from was inspected before, and its memory is no longer needed.
  scratch_used_ = 0;
  person_.reset();
  if (!rules_.fields.empty()) {
    event::Event holder;
    holder.raw = item.raw;
    (void)fields_.apply(holder, rules_.fields, tokens_, counters_);
    item.raw = holder.raw;
  }
  item.raw = cleansed(item.raw);
  item.pointer = cleansed(item.pointer);
  item.detail = cleansed(item.detail);
}

}  // namespace millrace::privacy
