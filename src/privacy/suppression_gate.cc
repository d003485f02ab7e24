#include "privacy/suppression_gate.h"

#include <algorithm>
#include <array>

namespace millrace::privacy {

using collect::JsonKind;
using event::Text;

namespace {

constexpr auto kIdKeys = std::to_array<std::string_view>(
    {"anonymousId", "userId", "previousId", "deviceId", "device_id", "advertisingId", "advertising_id",
     "idfa", "idfv", "gaid", "client_id", "clientId", "user_id", "phone", "duid", "uid", "cid", "email",
     // Snowplow's cookie and its phones, Google's apps.
     "nuid", "tnuid", "appleIdfa", "appleIdfv", "androidIdfa", "openIdfa", "app_instance_id"});

}  // namespace

bool SuppressionGate::names_one(std::string_view json) {
  if (index_.scan(json) != collect::JsonFault::none || tape_.build(index_, 0) != collect::TapeFault::none)
    return false;
  std::uint32_t device_end = 0;
  for (std::uint32_t i = 1; i < tape_.size(); ++i) {
    const auto& node = tape_[i];
    if (node.key == "device" && node.kind == JsonKind::object) device_end = node.end;
    if (node.kind != JsonKind::string && node.kind != JsonKind::number) continue;
    const bool is_id = std::find(kIdKeys.begin(), kIdKeys.end(), node.key) != kIdKeys.end() ||
                       (node.key == "id" && i < device_end) || node.text.find('@') != std::string_view::npos;
    if (is_id && suppressions_.has(node.text)) return true;
  }
  return false;
}

collect::Decision SuppressionGate::inspect(event::Event& event) {
  if (!suppressions_.any()) [[likely]]
    return {};
  bool suppressed = false;
  for (const Text field : {Text::anonymous_id, Text::user_id, Text::previous_id, Text::email}) {
    suppressed = suppressed || suppressions_.has(event[field]);
  }
  // What the batch gave for all its items is not in the raw bytes, but in `extra`.
  suppressed =
      suppressed || names_one(event.raw) || (!event[Text::extra].empty() && names_one(event[Text::extra]));
  if (!suppressed) return {};
  count(counters_.suppressed);
  return {collect::Ruling::suppress, "suppressed_id", {}, "This person asked not to be followed."};
}

void SuppressionGate::cleanse(event::QuarantinedItem& item) {
  // It counts as quarantined; what it says is not kept.
  if (!suppressions_.any() || !names_one(item.raw)) return;
  count(counters_.suppressed);
  item.raw = {};
  item.detail = "Its content is not kept: a person in it is suppressed.";
}

}  // namespace millrace::privacy
