#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "contract/json_document.h"

namespace millrace::contract {

// A form of quarantined items that can be sent again, by the endpoint that takes them.
enum class ReplayForm : std::uint8_t {
  call,      // Of the Segment API.
  snowplow,  // An item of a payload, its coded members opened.
  ga4,       // An event of the Measurement Protocol with the members of its request.
  gtag,      // A hit, as JSON.
  webhook,   // With what its request said beside it, collect::kWebhookMark.
};
// Nothing for what no endpoint takes by itself, such as a webhook from before its request was kept: its signature is gone.
std::optional<ReplayForm> replay_form(const JsonTape& item);

// What has to be told of an item so that its replay is the same event each time, at its own time: its id when it has none, its time
// when the dialect would take the one of the replay, and where it was in quarantine.
struct ReplayedFrom {
  std::string_view partition;
  std::string_view offset;
  base::WallTime received_at;
};
// The item with that; it stays a JSON object.
std::string marked_for_replay(std::string item, ReplayForm form, const ReplayedFrom& from);

std::string_view replay_path(ReplayForm form);
// The body for items of one form.
std::string replay_body(ReplayForm form, const std::vector<std::string_view>& items);

}  // namespace millrace::contract
