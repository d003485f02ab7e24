#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "collect/json_tape.h"

namespace millrace::collect {

// What a webhook's request says of its item outside the item's bytes. An item that goes into quarantine has it as one member more,
// kWebhookMark, so that it can be sent again without its request, whose signature is gone.
struct WebhookMark {
  enum class Kind : std::uint8_t { shopify, mapped } kind = Kind::shopify;
  std::string_view topic{};                     // X-Shopify-Topic
  std::string_view id{};                        // X-Shopify-Webhook-Id
  std::string_view shop{};                      // X-Shopify-Shop-Domain
  std::optional<base::WallTime> received_at{};  // Of an item that is sent again: when it came the first time.
};

constexpr std::string_view kWebhookMark = "millrace_webhook";

// "millrace_webhook":{...}
void append_member(std::string& out, const WebhookMark& mark);
// None when the item has none, or not one that append_member() makes. Views point into the tape.
std::optional<WebhookMark> webhook_mark(const JsonTape& item);
// Of an item that is sent again, what only its replay put there is no property of its event.
void hide_replay_members(JsonTape& item);

}  // namespace millrace::collect
