#include "contract/quality_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/hash.h"
#include "contract/fault_text.h"
#include "contract/json_document.h"
#include "contract/number.h"

namespace millrace::contract {

namespace {

using event::EventType;
using event::Text;

constexpr std::string_view kKinds[] = {"identity",      "timestamp",        "range", "unique",
                                       "known_product", "payment_checkout", "totals"};
constexpr std::string_view kAmounts[] = {"revenue",  "total",    "subtotal", "tax",
                                         "shipping", "discount", "value"};
constexpr std::pair<std::string_view, Text> kUniqueFields[] = {
    {"order_id", Text::order_id}, {"checkout_id", Text::checkout_id}, {"message_id", Text::message_id}};
constexpr double kMicros = 1e6;

base::Error invalid(std::string message) {
  return base::Error(base::ErrorCode::invalid_argument, std::move(message));
}

template <class List>
std::size_t position(const List& list, std::string_view name) {
  return static_cast<std::size_t>(std::find(std::begin(list), std::end(list), name) - std::begin(list));
}

std::optional<EventType> event_type(std::string_view name) {
  for (std::size_t i = 1; i < event::kEventTypeCount; ++i) {
    if (event::to_string(static_cast<EventType>(i)) == name) return static_cast<EventType>(i);
  }
  return std::nullopt;
}

bool is_range_field(std::string_view field) {
  return field == "price" || field == "quantity" || position(kAmounts, field) < std::size(kAmounts);
}

std::optional<Text> unique_field(std::string_view field) {
  for (const auto& [name, text] : kUniqueFields) {
    if (name == field) return text;
  }
  return std::nullopt;
}

base::Status check_rule(const QualityRule& rule) {
  if (rule.name.empty() || rule.name.size() > 64) return invalid("a rule has a name of 1 to 64 bytes");
  if (!rule.event.empty() && !event_type(rule.event))
    return invalid("no event is called " + rule.event.substr(0, 64));
  if (rule.kind == QualityKind::range && (!is_range_field(rule.field) || rule.min > rule.max))
    return invalid("a range has a field (price, quantity or an amount) and min <= max");
  if (rule.kind == QualityKind::unique && !unique_field(rule.field))
    return invalid("a unique field is order_id, checkout_id or message_id");
  return base::Ok{};
}

// What is wrong with an event that breaks the rule.
std::string sentence_of(const QualityRule& rule) {
  switch (rule.kind) {
    case QualityKind::identity: return "It has neither an anonymous id nor a user id.";
    case QualityKind::timestamp: return "It has no time of its own.";
    case QualityKind::range:
      return fmt::format("Its {} is not between {} and {}.", rule.field, rule.min, rule.max);
    case QualityKind::unique: return "Its " + rule.field + " came before with another message.";
    case QualityKind::known_product: return "A product of it was never viewed.";
    case QualityKind::payment_checkout: return "Its visitor has not begun a checkout.";
    case QualityKind::totals: break;
  }
  return "Its amounts do not agree with its lines.";
}

}  // namespace

std::string_view to_string(QualityKind kind) { return kKinds[static_cast<std::size_t>(kind)]; }

std::vector<QualityRule> preset_quality_rules() {
  constexpr auto kObserve = QualityAction::observe;
  return {{"identity", QualityKind::identity, kObserve, "", "", 0, 0},
          {"timestamp", QualityKind::timestamp, kObserve, "", "", 0, 0},
          {"price_range", QualityKind::range, kObserve, "", "price", 0, 1'000'000},
          {"quantity_range", QualityKind::range, kObserve, "", "quantity", 0, 10'000},
          {"revenue_range", QualityKind::range, kObserve, "order_completed", "revenue", 0, 10'000'000},
          {"one_order_once", QualityKind::unique, kObserve, "order_completed", "order_id", 0, 0},
          {"known_product", QualityKind::known_product, kObserve, "product_added", "", 0, 0},
          {"payment_without_checkout", QualityKind::payment_checkout, kObserve, "", "", 0, 0},
          {"order_totals", QualityKind::totals, kObserve, "", "", 0, 0}};
}

base::Result<std::vector<QualityRule>> parse_quality_rules(std::string_view json) {
  JsonDocument document;
  TRY(document.read(json));
  const JsonTape& tape = document.tape();
  const std::uint32_t list = find_member(tape, 0, "rules");
  if (list == kNoNode || tape[list].kind != JsonKind::array) return invalid("there is no list \"rules\"");
  std::vector<QualityRule> rules;
  for (std::uint32_t i = list + 1; i < tape[list].end; i = tape[i].end) {
    QualityRule rule;
    rule.name = text_of(tape, i, "name");
    rule.event = text_of(tape, i, "event");
    rule.field = text_of(tape, i, "field");
    const std::size_t kind = position(kKinds, text_of(tape, i, "kind"));
    if (kind == std::size(kKinds))
      return invalid(
          "a kind is identity, timestamp, range, unique, known_product, payment_checkout or totals");
    rule.kind = static_cast<QualityKind>(kind);
    const std::string_view action = text_of(tape, i, "action");
    if (action != "" && action != "observe" && action != "quarantine")
      return invalid("an action is observe or quarantine");
    if (action == "quarantine") rule.action = QualityAction::quarantine;
    for (const auto& [name, target] : {std::pair("min", &rule.min), std::pair("max", &rule.max)}) {
      const std::uint32_t node = find_member(tape, i, name);
      if (node == kNoNode) continue;
      if (tape[node].kind != JsonKind::number) return invalid("min and max are numbers");
      *target = Number(tape[node].text).to_double();
    }
    TRY(check_rule(rule));
    for (const QualityRule& other : rules) {
      if (other.name == rule.name) return invalid("two rules are called " + rule.name);
    }
    rules.push_back(std::move(rule));
  }
  if (rules.size() > QualityBoard::kRulesMax)
    return invalid(fmt::format("at most {} rules", QualityBoard::kRulesMax));
  return rules;
}

std::string quality_rules_json(const std::vector<QualityRule>& rules) {
  std::string out = R"({"format":1,"rules":[)";
  for (const QualityRule& rule : rules) {
    if (out.back() == '}') out += ',';
    out += R"({"name":)";
    append_quoted(out, rule.name);
    out += fmt::format(R"(,"kind":"{}","action":"{}","event":"{}","field":"{}","min":{},"max":{}}})",
                       to_string(rule.kind), rule.action == QualityAction::observe ? "observe" : "quarantine",
                       rule.event, rule.field, rule.min, rule.max);
  }
  return out + "]}\n";
}

bool RecentKeys::add(std::uint64_t key) {
  Shard& shard = shards_[key % kShards];
  const std::lock_guard lock(shard.mutex);
  if (!shard.keys.insert(key).second) return false;
  shard.order.push_back(key);
  if (shard.order.size() > max_each_) {
    shard.keys.erase(shard.order.front());
    shard.order.pop_front();
  }
  return true;
}

bool RecentKeys::has(std::uint64_t key) const {
  const Shard& shard = shards_[key % kShards];
  const std::lock_guard lock(shard.mutex);
  return shard.keys.contains(key);
}

void QualityBoard::set(std::vector<QualityRule> rules) {
  const std::lock_guard lock(mutex_);
  auto next = std::make_shared<Tallies>();
  for (QualityRule& rule : rules) {
    std::shared_ptr<Tally> tally;
    for (const auto& known : *rules_) {
      const QualityRule& old = known->rule;
      if (old.name == rule.name && old.kind == rule.kind && old.action == rule.action &&
          old.event == rule.event && old.field == rule.field && old.min == rule.min && old.max == rule.max)
        tally = known;
    }
    if (tally == nullptr) {
      tally = std::make_shared<Tally>();
      const auto type = event_type(rule.event);
      tally->any_type = !type;
      tally->type = type.value_or(EventType::other);
      if (rule.kind == QualityKind::unique) tally->unique = unique_field(rule.field);
      if (rule.kind == QualityKind::range && rule.field != "price" && rule.field != "quantity")
        tally->amount = static_cast<event::Amount>(position(kAmounts, rule.field));
      tally->of_quantity = rule.field == "quantity";
      tally->hash = base::hash64(rule.field, base::hash64(rule.name));
      tally->sentence = sentence_of(rule);
      tally->rule = std::move(rule);
    }
    next->push_back(std::move(tally));
  }
  rules_ = std::move(next);
  version_.fetch_add(1, std::memory_order_release);
}

std::shared_ptr<const QualityBoard::Tallies> QualityBoard::rules() const {
  const std::lock_guard lock(mutex_);
  return rules_;
}

void QualityCheck::remember_product(std::uint64_t key) {
  if (++lately_events_ == kLatelyEvents) {
    lately_.fill(0);
    lately_events_ = 0;
  }
  std::uint64_t& known = lately_[key % kLately];
  if (known == key) return;
  known = key;
  board_.products.add(key);
}

void QualityCheck::remember(const event::Event& event) {
  switch (event.type) {
    case EventType::product_viewed:
    case EventType::product_clicked:
      for (const auto& line : event.products) remember_product(base::hash64(line.product_id));
      break;
    case EventType::checkout_started: board_.checkouts.add(base::hash64(event.visitor_key())); break;
    default: break;
  }
}

bool QualityCheck::breaks(const QualityBoard::Tally& tally, const event::Event& event) {
  const QualityRule& rule = tally.rule;
  const auto outside = [&rule](double value) { return value < rule.min || value > rule.max; };
  switch (rule.kind) {
    // Of whom consent has made nobody there is nothing to be missed, and nothing of the event left to mend.
    case QualityKind::identity: return event.visitor_key().empty() && !event.has(event::Flag::anonymised);
    case QualityKind::timestamp: return event.has(event::Flag::time_missing);
    case QualityKind::range:
      if (tally.amount) {
        return event.has(*tally.amount) &&
               outside(static_cast<double>(event[*tally.amount].micros) / kMicros);
      }
      return std::any_of(event.products.begin(), event.products.end(), [&](const auto& line) {
        return tally.of_quantity
                   ? outside(static_cast<double>(line.quantity))
                   : line.has_price && outside(static_cast<double>(line.price.micros) / kMicros);
      });
    case QualityKind::unique: {
      const std::string_view value = event[*tally.unique];
      if (value.empty()) return false;
      // A retried message brings the same value with the same message id, and is no second one. What another
      // rule has seen is not this one's.
      const std::uint64_t key =
          base::mix(base::mix(base::hash64(value), tally.hash), static_cast<std::uint64_t>(event.type));
      const std::uint64_t message = base::mix(key, base::hash64(event[Text::message_id]));
      const bool again = !board_.values.add(message) && *tally.unique != Text::message_id;
      const bool fresh = board_.values.add(key);
      return !fresh && !again;
    }
    case QualityKind::known_product:
      return std::any_of(event.products.begin(), event.products.end(), [&](const auto& line) {
        return !line.product_id.empty() && !board_.products.has(base::hash64(line.product_id));
      });
    case QualityKind::payment_checkout: {
      const bool pays =
          event.type == EventType::payment_info_entered || event.type == EventType::order_completed;
      return pays && !event.has(event::Flag::anonymised) &&
             !board_.checkouts.has(base::hash64(event.visitor_key()));
    }
    case QualityKind::totals: return event.has(event::Flag::totals_differ);
  }
  return false;
}

void QualityCheck::note(QualityBoard::Tally& tally, const event::Event& event, base::WallTime now,
                        std::string_view detail) {
  tally.broken.fetch_add(1, std::memory_order_relaxed);
  // A rule that all events break would otherwise cost more than all the others.
  if (now.ms < tally.samples_again_ms.load(std::memory_order_relaxed)) return;
  const std::lock_guard lock(tally.mutex);
  tally.samples.push_front({now, event.source, std::string(event::to_string(event.type)),
                            std::string(event[Text::message_id]), std::string(detail)});
  if (tally.samples.size() > QualityBoard::kSamplesMax) tally.samples.pop_back();
  if (tally.samples.size() < QualityBoard::kSamplesMax) return;
  tally.samples_again_ms.store(tally.samples.back().at.ms + QualityBoard::kSamplesMs,
                               std::memory_order_relaxed);
}

void QualityCheck::publish() {
  for (std::size_t i = 0; i < checked_.size(); ++i) {
    if (checked_[i] == 0) continue;
    (*rules_)[i]->checked.fetch_add(checked_[i], std::memory_order_relaxed);
    checked_[i] = 0;
  }
}

std::optional<QualityCheck::Breach> QualityCheck::inspect(const event::Event& event, base::WallTime now) {
  if (rules_ == nullptr || version_ != board_.version()) {
    publish();
    version_ = board_.version();
    rules_ = board_.rules();
    checked_.assign(rules_->size(), 0);
  }
  remember(event);
  std::optional<Breach> breach;
  for (std::size_t i = 0; i < checked_.size(); ++i) {
    QualityBoard::Tally& tally = *(*rules_)[i];
    if (!tally.any_type && tally.type != event.type) continue;
    ++checked_[i];
    if (!breaks(tally, event)) continue;
    note(tally, event, now, tally.sentence);
    if (!breach && tally.rule.action == QualityAction::quarantine)
      breach = Breach{tally.rule.name, tally.sentence};
  }
  return breach;
}

}  // namespace millrace::contract
