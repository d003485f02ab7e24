#include "collect/webhook_mark.h"

#include "collect/client_time.h"
#include "collect/text_cut.h"
#include "http/http.h"

namespace millrace::collect {

namespace {

constexpr std::size_t kTextBytesMax = 256;
constexpr std::string_view kShopify = "shopify";
constexpr std::string_view kMapped = "json";

void append_text(std::string& out, std::string_view name, std::string_view text) {
  if (text.empty()) return;
  out += ",\"";
  out += name;
  out += "\":";
  http::append_json_string(out, cut_text(text, kTextBytesMax));
}

}  // namespace

void append_member(std::string& out, const WebhookMark& mark) {
  out += '"';
  out += kWebhookMark;
  out += R"(":{"kind":")";
  out += mark.kind == WebhookMark::Kind::shopify ? kShopify : kMapped;
  out += '"';
  append_text(out, "topic", mark.topic);
  append_text(out, "id", mark.id);
  append_text(out, "shop", mark.shop);
  out += '}';
}

std::optional<WebhookMark> webhook_mark(const JsonTape& item) {
  const std::uint32_t at = member_of(item, 0, kWebhookMark);
  if (at == 0 || item[at].kind != JsonKind::object) return std::nullopt;
  WebhookMark mark;
  const auto text = [&item, at](std::string_view name) {
    const std::uint32_t node = member_of(item, at, name);
    return node == 0 || item[node].kind != JsonKind::string ? std::string_view{} : item[node].text;
  };
  const std::string_view kind = text("kind");
  if (kind != kShopify && kind != kMapped) return std::nullopt;
  mark.kind = kind == kShopify ? WebhookMark::Kind::shopify : WebhookMark::Kind::mapped;
  mark.topic = text("topic");
  mark.id = text("id");
  mark.shop = text("shop");
  if (const std::uint32_t node = member_of(item, at, "received_at"); node != 0) {
    mark.received_at = parse_client_time(item[node].kind, item[node].text);
  }
  return mark;
}

void hide_replay_members(JsonTape& item) {
  for (const std::string_view name :
       {kWebhookMark, std::string_view("messageId"), std::string_view("replayed_from")}) {
    if (const std::uint32_t node = member_of(item, 0, name); node != 0) item[node].taken = true;
  }
}

}  // namespace millrace::collect
