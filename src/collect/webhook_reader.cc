#include "collect/webhook_reader.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "collect/shopify_item.h"
#include "collect/text_cut.h"
#include "collect/write_key.h"

namespace millrace::collect {

using event::EventType;

namespace {

Refusal unsigned_refusal(std::string message) {
  return {401, "bad_signature", std::move(message),
          "Set the source's secret to the one that the sender signs with.", 0};
}

// The node that a pointer names; nothing when there is none.
std::optional<std::uint32_t> node_at(const JsonTape& tape, std::string_view pointer) {
  std::uint32_t at = 0;
  while (!pointer.empty()) {
    pointer.remove_prefix(1);
    const std::size_t end = pointer.find('/');
    at = member_of(tape, at, pointer.substr(0, end));
    if (at == 0) return std::nullopt;
    pointer = end == std::string_view::npos ? std::string_view{} : pointer.substr(end);
  }
  return at;
}

// The token at which the array begins that a pointer names; nothing when there is none. A body may hold more values than an item may.
std::optional<std::uint32_t> array_at(const JsonIndex& index, std::string_view pointer) {
  std::uint32_t at = 0;
  while (!pointer.empty()) {
    pointer.remove_prefix(1);
    const std::size_t end = std::min(pointer.find('/'), pointer.size());
    const std::string_view step = pointer.substr(0, end);
    pointer.remove_prefix(end);
    if (index.character(at) != '{') return std::nullopt;
    std::optional<std::uint32_t> found;
    for (++at; index.character(at) == '"' && index.character(at + 1) == ':';) {
      const std::string_view key = index.token(at);
      if (key.substr(1, key.size() - 2) == step) found = at + 2;
      at = index.skip(at + 2);
      if (index.character(at) == ',') ++at;
    }
    if (!found) return std::nullopt;
    at = *found;
  }
  return index.character(at) == '[' ? std::optional(at) : std::nullopt;
}

constexpr std::string_view kMissingItems = "missing_items";

// What was wrong with the array itself, or the refusal at which reading it ended.
struct ElementFault {
  std::string_view reason;
  std::optional<Refusal> refusal;
};

// Hands each element of the array at `pointer` to `take`.
template <class Take>
ElementFault read_elements(JsonIndex& index, std::string_view body, std::string_view pointer, Take&& take) {
  const bool is_json = index.scan(body) == JsonFault::none && index.skip(0) == index.size();
  const auto array = is_json ? array_at(index, pointer) : std::nullopt;
  if (!array) return {kMissingItems, {}};
  for (std::uint32_t at = *array + 1; index.character(at) != ']';) {
    const char first = index.character(at);
    const std::uint32_t end = index.skip(at);
    const char next = index.character(end);
    if (first == ',' || first == ':' || first == '}' || first == '\0' || (next != ',' && next != ']')) {
      return {"invalid_json", {}};
    }
    const std::string_view last = index.token(end - 1);
    const std::size_t begin = index.position(at);
    const auto bytes = static_cast<std::size_t>(last.data() + last.size() - index.text().data()) - begin;
    if (auto refusal = take(index.text().substr(begin, bytes))) return {"", std::move(refusal)};
    at = next == ',' ? end + 1 : end;
  }
  return {};
}

// All other topics are the shop's own affairs: products, stock, refunds, deliveries, settings.
bool is_about_a_visitor(std::string_view topic) {
  constexpr std::string_view kTopics[] = {"orders/", "checkouts/", "carts/", "customers/", "draft_orders/"};
  return std::any_of(std::begin(kTopics), std::end(kTopics),
                     [topic](std::string_view start) { return topic.starts_with(start); });
}

}  // namespace

WebhookReader::WebhookReader(const Vocabulary& shopify, const SourceTable& sources, const ItemLimits& limits,
                             ShopifyStock* stock)
    : vocabulary_(shopify),
      view_(sources),
      sources_(sources),
      limits_(limits),
      stock_(stock),
      shopify_(shopify, sources, limits) {}

std::optional<Refusal> WebhookReader::read(const http::Request& request, int endpoint,
                                           base::WallTime received_at, ItemSink& sink) {
  view_.refresh();
  sender_.reset();
  const bool again = endpoint == WebhookDialect::replayed;
  const Credential shown = again ? credential_of(request) : Credential{request.parameters.front(), ""};
  const SourceSettings* const source = view_->find(shown.write_key);
  if (source == nullptr) return not_admitted(Admission::unknown);
  sender_ = source->index;
  if (!source->enabled) return not_admitted(Admission::disabled);
  if (source->quota != nullptr && !source->quota->open())
    return not_admitted(Admission::over_quota, source->quota->retry_after_s());
  if (source->secret.empty()) return unsigned_refusal("The source has no secret to check signatures with.");
  if (again) {
    if (equals_in_constant_time(shown.secret, source->secret))
      return read_replay(*source, request, received_at, sink);
    return unsigned_refusal("Who sends webhooks again shows the source's secret: X-Write-Key: KEY:SECRET.");
  }
  return endpoint == WebhookDialect::shopify ? read_shopify(*source, request, received_at, sink)
                                             : read_mapped(*source, request, received_at, sink);
}

std::optional<Refusal> WebhookReader::check(const SourceSettings& source, std::string_view header,
                                            std::string_view prefix, SignatureCoding coding,
                                            const http::Request& request) const {
  std::string_view given = request.header(header);
  if (given.empty()) return unsigned_refusal("The request has no header " + std::string(header) + ".");
  if (given.starts_with(prefix)) given.remove_prefix(prefix.size());
  if (!equals_in_constant_time(given, signature_of(request.body, source.secret, coding))) {
    return unsigned_refusal("The signature is not the one that the source's secret makes of the body.");
  }
  return std::nullopt;
}

std::optional<Refusal> WebhookReader::read_shopify(const SourceSettings& source, const http::Request& request,
                                                   base::WallTime received_at, ItemSink& sink) {
  if (auto refusal = check(source, "x-shopify-hmac-sha256", "", SignatureCoding::base64, request))
    return refusal;
  shopify_.begin(request, received_at, sink);
  shopify_.admit_as(source.index);
  if (auto refusal = shopify_.count_item()) return refusal;
  if (!shopify_.lay_out(request.body)) return std::nullopt;
  const WebhookMark mark{WebhookMark::Kind::shopify, request.header("x-shopify-topic"),
                         request.header("x-shopify-webhook-id"), request.header("x-shopify-shop-domain")};
  kept_with_.clear();
  append_member(kept_with_, mark);
  sink.keep_with(kept_with_);
  if (stock_ != nullptr && stock_->takes(source.index)) {
    if (auto refusal = take_stock(request, received_at, sink)) return refusal;
  }
  accept_shopify(mark);
  return std::nullopt;
}

// What a product's webhook says of its variants: which inventory item is which SKU.
base::Status WebhookReader::learn_skus() {
  const JsonTape& item = shopify_.tape();
  const std::uint32_t variants = member_of(item, 0, "variants");
  for (std::uint32_t i = variants + 1; variants != 0 && i < item[variants].end; i = item[i].end) {
    const std::uint32_t inventory = member_of(item, i, "inventory_item_id");
    const std::uint32_t sku = member_of(item, i, "sku");
    if (inventory != 0 && sku != 0 && item[sku].kind == JsonKind::string)
      TRY(stock_->learn(item[inventory].text, item[sku].text));
  }
  return base::Ok{};
}

std::optional<Refusal> WebhookReader::take_stock(const http::Request& request, base::WallTime received_at,
                                                 ItemSink& sink) {
  const auto not_written = [](const base::Error& error) {
    return Refusal{503, "stock_not_written", "What this says of stock could not be kept: " + error.message(),
                   "Deliver it again.", 10};
  };
  const std::string_view topic = request.header("x-shopify-topic");
  if (topic.starts_with("products/")) {
    const auto learnt = learn_skus();
    return learnt.ok() ? std::nullopt : std::optional(not_written(learnt.error()));
  }
  if (topic != "inventory_levels/update" && topic != "inventory_levels/connect") return std::nullopt;
  const JsonTape& item = shopify_.tape();
  const auto text = [&item](std::string_view key) {
    const JsonNode* const node = root_member(item, key);
    return node == nullptr || is_container(node->kind) ? std::string_view{} : node->text;
  };
  std::int64_t available = 0;
  const std::string_view units = text("available");
  const auto [end, error] = std::from_chars(units.data(), units.data() + units.size(), available);
  if (units.empty() || error != std::errc() || end != units.data() + units.size()) return std::nullopt;
  const auto updated = parse_client_time(JsonKind::string, text("updated_at"));
  const auto level =
      stock_->count(text("inventory_item_id"), text("location_id"), available, updated.value_or(received_at));
  if (!level.ok()) return not_written(level.error());
  if (!*level) return std::nullopt;
  event::SetStock count;
  count.sku = (*level)->sku;
  count.on_hand = (*level)->on_hand;
  if (const auto id = request.header("x-shopify-webhook-id"); !id.empty()) {
    count.reference = "shopify:" + std::string(id.substr(0, 100));
  }
  sink.count_stock(count);
  return std::nullopt;
}

void WebhookReader::accept_shopify(const WebhookMark& mark) {
  if (mark.topic.empty()) {
    return shopify_.quarantine(shopify_.document(),
                               {"missing_event_name", "", "There is no header X-Shopify-Topic."});
  }
  JsonTape& item = shopify_.tape();
  Subject subject;
  subject.type = vocabulary_.event_type(mark.topic);
  subject.name = mark.topic;
  prepare_shopify_item(item, subject.type);
  if (subject.type == EventType::order_refunded) {
    const ShopifyRefund refund = shopify_refund(item);
    if (!refund.gives_back) subject.type = EventType::other;
    subject.total = refund.total;
  }
  if (is_about_a_visitor(mark.topic)) {
    name_visitor(subject, mark.shop);
  } else {
    visitor_ = "shopify:" + std::string(mark.shop);
    subject.visitor = visitor_;
  }
  // The same webhook is delivered again until it is answered, under the same id.
  if (!mark.id.empty()) {
    message_id_ = "shopify:" + std::string(cut_text(mark.id, 200));
    subject.message_id = message_id_;
  } else if (mark.received_at) {
    subject.message_id = root_text(item, "messageId");
  }
  ClientTimes times;
  times.original = shopify_time(item, subject.type);
  if (!times.original) times.original = mark.received_at;
  shopify_.accept(subject, times);
}

// Guests have no customer: their cart, their checkout or their order stands for them.
void WebhookReader::name_visitor(Subject& subject, std::string_view shop) {
  const JsonTape& item = shopify_.tape();
  for (const std::string_view key : {"cart_token", "checkout_token", "token"}) {
    const std::string_view token = root_text(item, key);
    if (token.empty()) continue;
    visitor_ = "shopify-cart:" + std::string(token);
    subject.visitor = visitor_;
    return;
  }
  const JsonNode* const id = root_member(item, "id");
  visitor_ = "shopify:" + std::string(shop);
  if (id != nullptr && !is_container(id->kind)) visitor_ += ":" + std::string(id->text);
  subject.visitor = visitor_;
}

std::optional<Refusal> WebhookReader::read_mapped(const SourceSettings& source, const http::Request& request,
                                                  base::WallTime received_at, ItemSink& sink) {
  if (source.mapping == nullptr) {
    return Refusal{404, "no_mapping", "The source has no mapping file.",
                   "Set `mapping` of its [[source]], or of its managed key.", 0};
  }
  const WebhookMapping& mapping = *source.mapping;
  const MappingSettings& settings = mapping.settings();
  if (auto refusal = check(source, settings.signature_header, settings.signature_prefix,
                           settings.signature_coding, request)) {
    return refusal;
  }
  ItemDesk& desk = desk_of(source.mapping);
  desk.begin(request, received_at, sink);
  desk.admit_as(source.index);
  kept_with_.clear();
  append_member(kept_with_, {WebhookMark::Kind::mapped});
  const auto take = [&](std::string_view item) -> std::optional<Refusal> {
    if (auto refusal = desk.count_item()) return refusal;
    sink.keep_with({});
    if (!desk.lay_out(item)) return std::nullopt;
    sink.keep_with(kept_with_);
    accept_mapped(mapping, desk, nullptr);
    return std::nullopt;
  };
  if (settings.items.empty()) return take(request.body);
  const auto fault = read_elements(index_, request.body, settings.items, take);
  if (fault.reason.empty()) return fault.refusal;
  sink.keep_with({});
  desk.quarantine(request.body,
                  {fault.reason, settings.items,
                   fault.reason == kMissingItems ? "The mapping's items are not there."
                                                 : "The mapping's items are not a JSON array."});
  return std::nullopt;
}

// A mapping that no source has any more is let go with its desk.
ItemDesk& WebhookReader::desk_of(const std::shared_ptr<const WebhookMapping>& mapping) {
  auto& desk = desks_[mapping];
  if (desk == nullptr) {
    std::erase_if(desks_,
                  [](const auto& each) { return each.second != nullptr && each.first.use_count() == 1; });
    desk = std::make_unique<ItemDesk>(mapping->vocabulary(), sources_, limits_);
  }
  return *desk;
}

std::optional<Refusal> WebhookReader::read_replay(const SourceSettings& source, const http::Request& request,
                                                  base::WallTime received_at, ItemSink& sink) {
  shopify_.begin(request, received_at, sink);
  shopify_.admit_as(source.index);
  ItemDesk* const mapped = source.mapping == nullptr ? nullptr : &desk_of(source.mapping);
  if (mapped != nullptr) {
    mapped->begin(request, received_at, sink);
    mapped->admit_as(source.index);
  }
  const auto take = [&](std::string_view item) -> std::optional<Refusal> {
    if (auto refusal = shopify_.count_item()) return refusal;
    if (!shopify_.lay_out(item)) return std::nullopt;
    const auto mark = webhook_mark(shopify_.tape());
    if (mark && mark->kind == WebhookMark::Kind::shopify) {
      hide_replay_members(shopify_.tape());
      accept_shopify(*mark);
    } else if (mark && mapped != nullptr) {
      if (mapped->lay_out(item)) accept_mapped(*source.mapping, *mapped, &*mark);
    } else {
      shopify_.quarantine(item, {"no_webhook", "/" + std::string(kWebhookMark),
                                 "Of the source's webhooks this is none that was in quarantine."});
    }
    return std::nullopt;
  };
  const auto fault = read_elements(index_, request.body, "/batch", take);
  if (fault.reason.empty()) return fault.refusal;
  return Refusal{400, "missing_batch", "The body has no array \"batch\" of items.",
                 "Replays of the quarantine send here: POST /v1/quarantine/replay.", 0};
}

void WebhookReader::accept_mapped(const WebhookMapping& mapping, ItemDesk& desk, const WebhookMark* mark) {
  const JsonTape& item = desk.tape();
  const MappingSettings& settings = mapping.settings();
  Subject subject;
  if (!settings.event.empty()) {
    const auto node = node_at(item, settings.event);
    if (!node || item[*node].kind != JsonKind::string || item[*node].text.empty()) {
      return desk.quarantine(desk.document(),
                             {"missing_event_name", settings.event, "An item needs its event."});
    }
    subject.name = item[*node].text;
  } else if (!settings.events.empty()) {
    subject.name = settings.events.front().first;  // All are the same.
  }
  subject.type = mapping.event_type(subject.name);
  ClientTimes times;
  if (!settings.time.empty()) {
    if (const auto node = node_at(item, settings.time)) {
      times.original = parse_client_time(item[*node].kind, item[*node].text);
    }
  }
  if (mark != nullptr) {
    hide_replay_members(desk.tape());
    subject.message_id = root_text(item, "messageId");
    if (!times.original) times.original = mark->received_at;
  }
  desk.accept(subject, times);
}

}  // namespace millrace::collect
