#include "contract/replay_request.h"

#include <fmt/format.h>

#include <utility>

#include "base/iso_time.h"
#include "collect/client_time.h"
#include "collect/segment_reader.h"
#include "collect/webhook_mark.h"
#include "contract/fault_text.h"
#include "contract/item_fix.h"

namespace millrace::contract {

namespace {

constexpr std::string_view kMark = "/replayed_from";

struct Endpoint {
  std::string_view path, before, between, after;
};
constexpr Endpoint kEndpoints[] = {{"/v1/import", R"({"batch":[)", ",", "]}"},
                                   {"/com.snowplowanalytics.snowplow/tp2", R"({"data":[)", ",", "]}"},
                                   {"/mp/collect", R"({"events":[)", ",", "]}"},
                                   {"/g/collect", "", "\n", ""},
                                   {"/webhooks/replay", R"({"batch":[)", ",", "]}"}};

const Endpoint& endpoint_of(ReplayForm form) { return kEndpoints[static_cast<std::size_t>(form)]; }

std::optional<base::WallTime> time_of(const JsonTape& tape, std::string_view name) {
  const std::uint32_t node = find_member(tape, 0, name);
  if (node == kNoNode) return std::nullopt;
  return collect::parse_client_time(tape[node].kind, tape[node].text);
}

void append_coded(std::string& out, std::string_view text) {
  for (const char c : text) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
    if (plain) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
}

// An item of a hit: "idSKU~nmShoe~k0size~v043".
void append_hit_item(std::string& out, const JsonTape& tape, std::uint32_t item) {
  constexpr std::string_view kCustom = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  std::size_t custom = 0;
  bool first = true;
  const auto part = [&](std::string_view name, std::string_view value) {
    if (!std::exchange(first, false)) append_coded(out, "~");
    append_coded(out, name);
    for (const char c : value) append_coded(out, c == '~' ? std::string_view("~~") : std::string_view(&c, 1));
  };
  for (std::uint32_t i = item + 1; i < tape[item].end; i = tape[i].end) {
    if (tape[i].key.size() == 2) {
      part(tape[i].key, tape[i].text);
    } else if (custom < kCustom.size()) {
      const char place = kCustom[custom++];
      part(std::string{'k', place}, tape[i].key);
      part(std::string{'v', place}, tape[i].text);
    }
  }
}

// The hit as a line of the body, which HitWriter turns into this JSON again.
std::string hit_line(std::string_view item) {
  JsonDocument document;
  std::string line;
  if (!document.read(item).ok()) return line;
  const JsonTape& tape = document.tape();
  const auto field = [&](std::string_view group, std::string_view name) {
    if (!line.empty()) line += '&';
    append_coded(line, group);
    append_coded(line, name);
    line += '=';
  };
  for (std::uint32_t i = 1; i < tape[0].end; i = tape[i].end) {
    const JsonNode& node = tape[i];
    if (node.kind == JsonKind::object) {
      for (std::uint32_t j = i + 1; j < node.end; j = tape[j].end) {
        field(std::string(node.key) + ".", tape[j].key);
        append_coded(line, tape[j].text);
      }
    } else if (node.kind == JsonKind::array) {
      int number = 0;
      for (std::uint32_t j = i + 1; j < node.end; j = tape[j].end) {
        field("pr", std::to_string(++number));
        append_hit_item(line, tape, j);
      }
    } else {
      field("", node.key);
      append_coded(line, node.text);
    }
  }
  return line;
}

}  // namespace

std::optional<ReplayForm> replay_form(const JsonTape& item) {
  const auto has = [&](std::string_view name) { return find_member(item, 0, name) != kNoNode; };
  if (has(collect::kBatchLeftOut)) return std::nullopt;
  if (collect::webhook_mark(item)) return ReplayForm::webhook;
  if (has("event") || has("type")) return ReplayForm::call;
  if (has("en") && (has("tid") || has("cid"))) return ReplayForm::gtag;
  if (has("e") && (has("tv") || has("eid") || has("duid") || has("aid"))) return ReplayForm::snowplow;
  if (has("name") && (has("client_id") || has("app_instance_id"))) return ReplayForm::ga4;
  return std::nullopt;
}

std::string marked_for_replay(std::string item, ReplayForm form, const ReplayedFrom& from) {
  std::vector<ItemFix> fixes;
  const auto set = [&](std::string_view pointer, std::string value) {
    ItemFix fix;
    fix.action = ItemFix::Action::set_default;
    fix.pointer = pointer;
    fix.value = std::move(value);
    fixes.push_back(std::move(fix));
  };
  set(form == ReplayForm::snowplow ? "/eid" : "/messageId",
      fmt::format("\"quarantine-{}-{}\"", from.partition, from.offset));
  JsonDocument document;
  const bool read = document.read(item).ok();
  if (read && form == ReplayForm::snowplow && find_member(document.tape(), 0, "ttm") == kNoNode) {
    // By the client's clock as it sent the item, against ours as it came.
    const auto device = time_of(document.tape(), "dtm");
    const auto sent = time_of(document.tape(), "stm");
    base::WallTime at = device.value_or(from.received_at);
    if (device && sent) at = from.received_at - (*sent - *device);
    set("/ttm", fmt::format("\"{}\"", at.ms));
  }
  // A call without a time was as of its receipt, not of its replay.
  if (read && form == ReplayForm::call && from.received_at.ms != 0 &&
      !time_of(document.tape(), "originalTimestamp") && !time_of(document.tape(), "timestamp")) {
    fixes.push_back({ItemFix::Action::drop, "/originalTimestamp", {}, {}});
    std::string time = "\"";
    base::append_iso_time(time, from.received_at);
    set("/originalTimestamp", time + "\"");
  }
  if (form == ReplayForm::ga4 || form == ReplayForm::gtag) {
    set("/timestamp_micros", fmt::format("\"{}\"", from.received_at.ms * 1000));
  }
  if (form == ReplayForm::webhook) {
    set(fmt::format("/{}/received_at", collect::kWebhookMark), std::to_string(from.received_at.ms));
  }
  ItemFix unmark;
  unmark.action = ItemFix::Action::drop;  // Of an earlier replay that ended in quarantine again.
  unmark.pointer = kMark;
  fixes.push_back(std::move(unmark));
  set(kMark, fmt::format("\"{}/{}\"", from.partition, from.offset));
  auto marked = apply_fixes(item, fixes);
  return marked.ok() ? *std::move(marked) : std::move(item);
}

std::string_view replay_path(ReplayForm form) { return endpoint_of(form).path; }

std::string replay_body(ReplayForm form, const std::vector<std::string_view>& items) {
  const Endpoint& endpoint = endpoint_of(form);
  std::string body(endpoint.before);
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i > 0) body += endpoint.between;
    body += form == ReplayForm::gtag ? hit_line(items[i]) : std::string(items[i]);
  }
  return body += endpoint.after;
}

}  // namespace millrace::contract
