#include <fmt/format.h>

#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <utility>

#include "base/iso_time.h"
#include "contract/number.h"
#include "contract/quarantine.h"
#include "contract/quarantine_query.h"
#include "contract/replay_request.h"
#include "contract/subject.h"

namespace millrace::contract {

struct Quarantine::Item {
  std::string source, partition, offset, before, after, problem;
  QuarantinePlace place;
  ReplayForm form = ReplayForm::call;
};

// Items that go in one request.
struct Quarantine::Parcel {
  std::vector<std::string_view> items;
  std::vector<QuarantinePlace> places;
};

struct Quarantine::Replay {
  std::vector<ItemFix> fixes;
  bool dry_run = true;
  Respond respond;
  std::vector<Item> items;
  bool more = false;
  std::mutex mutex;  // Guards what follows.
  std::size_t waiting = 0;
  std::uint64_t sent = 0, accepted = 0, quarantined = 0, dropped = 0, skipped = 0;
  std::vector<QuarantinePlace> taken;
  std::optional<http::Response> failure;

  std::string summary() const {
    std::string out = fmt::format(
        R"("matched":{},"more":{},"sent":{},"accepted":{},"quarantined":{},"dropped":{},"not_repairable":{})",
        items.size(), more ? "true" : "false", sent, accepted, quarantined, dropped, skipped);
    if (!items.empty()) out += fmt::format(R"(,"last":"{}/{}")", items.back().partition, items.back().offset);
    return out;
  }
};

void Quarantine::replay(const http::Request& request, Respond respond) const {
  JsonDocument body;
  if (!body.own(std::string(request.body)).ok() || body[0].kind != JsonKind::object)
    return respond(http::error_response(400, "invalid_json", "The body is not a JSON object.",
                                        R"(Send {"filter":{...},"fixes":[...],"dry_run":true}.)"));
  const JsonTape& tape = body.tape();
  auto replay = std::make_shared<Replay>();
  QuarantineFilter filter;
  std::uint64_t limit = 100;
  for (std::uint32_t i = 1; i < tape[0].end; i = tape[i].end) {
    const std::string_view key = tape[i].key;
    bool ok = key == "fixes";
    if (key == "dry_run") {
      ok = tape[i].kind == JsonKind::boolean;
      replay->dry_run = tape[i].text != "false";
    } else if (key == "limit") {
      ok = tape[i].kind == JsonKind::number && Number(tape[i].text).to_count(kResentMax, limit) && limit > 0;
    } else if (key == "filter") {
      ok = tape[i].kind == JsonKind::object;
      for (std::uint32_t j = i + 1; ok && j < tape[i].end; j = tape[j].end)
        ok = filter.add(tape[j].key, tape[j].text);
    }
    if (!ok)
      return respond(http::error_response(400, "invalid_member",
                                          "The member " + std::string(key.substr(0, 64)) + " is not usable.",
                                          "Known: filter {source, reason, pointer, from, to, partition, "
                                          "offset, after, state}, fixes, dry_run, limit (1 to 500)."));
  }
  auto fixes = read_fixes(tape, find_member(tape, 0, "fixes"));
  if (!fixes.ok())
    return respond(
        http::error_response(400, "invalid_fix", fixes.error().message(), "See docs/guide/contracts.md."));
  if (!replay->dry_run && !marks_.has_room(limit))
    return respond(http::error_response(409, "too_many_marks", "No more items can be marked as replayed.",
                                        "Open some of the ignored items again."));
  replay->fixes = *std::move(fixes);
  replay->respond = std::move(respond);
  ports_.run_sql(fmt::format(R"(SELECT source, "partition", "offset", received_at, base64(raw) AS raw FROM )"
                             R"(conformed.quarantine{} ORDER BY "partition", "offset" LIMIT {})",
                             filter.where(marks_, QuarantineState::open), limit),
                 [this, replay, limit](http::Response answer) {
                   JsonDocument document;
                   if (answer.status != 200 || !document.own(answer.body).ok())
                     return replay->respond(std::move(answer));
                   const auto objects = rows_as_objects(document);
                   JsonDocument rows;
                   if (!objects || !rows.own(*objects).ok()) return replay->respond(std::move(answer));
                   take_items(replay, rows);
                   replay->more = replay->items.size() == limit;
                   replay->dry_run ? show(replay) : resend(replay);
                 });
}

void Quarantine::take_items(const std::shared_ptr<Replay>& replay, const JsonDocument& rows) const {
  const JsonTape& tape = rows.tape();
  for (std::uint32_t i = 1; i < tape.size(); i = tape[i].end) {
    Item item;
    item.source = text_of(tape, i, "source");
    item.place = place_of(tape, i);
    item.partition = std::to_string(item.place.partition);
    item.offset = std::to_string(item.place.offset);
    item.before = decode_base64(text_of(tape, i, "raw")).value_or("");
    const auto received = base::parse_iso_time(text_of(tape, i, "received_at"));
    auto after = apply_fixes(item.before, replay->fixes);
    JsonDocument document;
    std::optional<ReplayForm> form;
    if (after.ok() && document.read(*after).ok()) form = replay_form(document.tape());
    if (form) {
      item.form = *form;
      item.after =
          marked_for_replay(*std::move(after), *form,
                            {item.partition, item.offset, received.ok() ? *received : base::WallTime{}});
    } else {
      item.problem =
          after.ok() ? "it is in a form that its sender alone can send again" : after.error().message();
      ++replay->skipped;
    }
    replay->items.push_back(std::move(item));
  }
}

void Quarantine::show(const std::shared_ptr<Replay>& replay) const {
  const auto rules = registry_.rules();
  std::string out = R"({"dry_run":true,)" + replay->summary() + R"(,"items":[)";
  std::size_t shown = 0;
  for (const Item& item : replay->items) {
    if (shown == kShownMax) break;
    out += shown++ == 0 ? "{" : ",{";
    out += fmt::format(
        R"("partition":{},"offset":{},"source":{},"changed":{},"before":{},"after":{},"problem":{},"faults":{}}})",
        item.partition, item.offset, json_text(item.source), item.after != item.before ? "true" : "false",
        json_text(item.before), item.problem.empty() ? json_text(item.after) : "null",
        item.problem.empty() ? "null" : json_text(item.problem),
        item.problem.empty() ? item_faults_json(*rules, item.after, item.source) : "[]");
  }
  replay->respond(json_response(out + "]}"));
}

void Quarantine::resend(const std::shared_ptr<Replay>& replay) const {
  std::map<std::pair<std::string, ReplayForm>, Parcel> parcels;
  for (const Item& item : replay->items) {
    if (!item.problem.empty()) continue;
    Parcel& parcel = parcels[{item.source, item.form}];
    parcel.items.push_back(item.after);
    parcel.places.push_back(item.place);
  }
  replay->waiting = parcels.size() + 1;  // One is our own, so that nobody answers before all is sent.
  for (const auto& [to, parcel] : parcels) {
    ports_.resend(to.first, replay_path(to.second), replay_body(to.second, parcel.items),
                  [this, replay, parcel = parcel](http::Response answer) {
                    settle(replay, parcel, answer);
                    finish(replay);
                  });
  }
  finish(replay);
}

// The answer names the items that were not taken, by their place in the request.
void Quarantine::settle(const std::shared_ptr<Replay>& replay, const Parcel& parcel,
                        const http::Response& answer) const {
  const std::lock_guard lock(replay->mutex);
  JsonDocument document;
  if (answer.status != 200 || !document.own(answer.body).ok()) {
    replay->failure = answer;
    return;
  }
  const JsonTape& tape = document.tape();
  const auto number = [&](std::uint32_t object, std::string_view name) {
    const std::uint32_t node = find_member(tape, object, name);
    std::uint64_t value = 0;
    if (node != kNoNode && tape[node].kind == JsonKind::number)
      (void)Number(tape[node].text).to_count(1'000'000, value);
    return value;
  };
  replay->sent += parcel.items.size();
  replay->accepted += number(0, "accepted");
  replay->quarantined += number(0, "quarantined");
  std::set<std::uint64_t> turned_away;
  const std::uint32_t items = find_member(tape, 0, "items");
  for (std::uint32_t i = items + 1; items != kNoNode && i < tape[items].end; i = tape[i].end) {
    if (tape[i].kind != JsonKind::object) continue;
    const std::string_view verdict = text_of(tape, i, "verdict");
    // That is decided: nothing that is mended would let it in.
    if (verdict == "suppressed" || verdict == "consent_dropped") {
      ++replay->dropped;
    } else {
      turned_away.insert(number(i, "index"));
    }
  }
  for (std::size_t i = 0; i < parcel.places.size(); ++i) {
    if (!turned_away.contains(i)) replay->taken.push_back(parcel.places[i]);
  }
}

void Quarantine::finish(const std::shared_ptr<Replay>& replay) const {
  {
    const std::lock_guard lock(replay->mutex);
    if (--replay->waiting > 0) return;
  }
  if (!replay->taken.empty()) {
    const auto marked = marks_.set(replay->taken, QuarantineState::replayed);
    if (!marked.ok() && !replay->failure)
      replay->failure = http::error_response(503, "not_marked", marked.error().message(),
                                             "The items were taken; repeat it, they count once.");
  }
  if (replay->failure) return replay->respond(*std::move(replay->failure));
  replay->respond(json_response(R"({"dry_run":false,)" + replay->summary() + R"(,"items":[]})"));
}

}  // namespace millrace::contract
