#include "contract/quarantine.h"

#include <fmt/format.h>

#include <atomic>
#include <charconv>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "base/iso_time.h"
#include "contract/fault_text.h"
#include "contract/subject.h"
#include "contract/validator.h"

namespace millrace::contract {

namespace {

constexpr std::string_view kColumns =
    R"(received_at, source, reason, pointer, detail, octet_length(raw) AS bytes, "partition", "offset")";

std::string sql_text(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') out += '\'';
    out += c;
  }
  return out + "'";
}

http::Response bad_request(std::string_view message, std::string_view hint) {
  return http::error_response(400, "invalid_parameter", message, hint);
}

bool is_number(std::string_view text) {
  if (text.empty() || text.size() > 18) return false;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
  }
  return true;
}

// One condition of a WHERE; false when the filter has no such name or the value does not fit it.
bool add_condition(std::string_view name, std::string_view value, std::string& where) {
  std::string condition;
  if (name == "source" || name == "reason" || name == "pointer") {
    if (value.size() > 512) return false;
    condition = std::string(name) + " = " + sql_text(value);
  } else if (name == "from" || name == "to") {
    const auto time = base::parse_iso_time(value);
    if (!time.ok()) return false;
    std::string iso;
    base::append_iso_time(iso, *time);
    condition = fmt::format("received_at {} TIMESTAMPTZ '{}'", name == "from" ? ">=" : "<", iso);
  } else if (name == "partition" || name == "offset") {
    if (!is_number(value)) return false;
    condition = fmt::format("\"{}\" = {}", name, value);
  } else if (name == "after") {  // "partition/offset"
    const auto slash = value.find('/');
    if (slash == std::string_view::npos || !is_number(value.substr(0, slash)) ||
        !is_number(value.substr(slash + 1)))
      return false;
    condition = fmt::format(R"(("partition" > {0} OR ("partition" = {0} AND "offset" > {1})))",
                            value.substr(0, slash), value.substr(slash + 1));
  } else {
    return false;
  }
  where += where.empty() ? " WHERE " : " AND ";
  where += condition;
  return true;
}

// The rows of an SQL answer as objects: [{"source":...}]. Empty when it is none.
std::optional<std::string> rows_as_objects(const JsonDocument& answer) {
  const JsonTape& tape = answer.tape();
  const std::uint32_t columns = find_member(tape, 0, "columns");
  const std::uint32_t rows = find_member(tape, 0, "rows");
  if (columns == kNoNode || rows == kNoNode) return std::nullopt;
  std::vector<std::string_view> names;
  for (std::uint32_t i = columns + 1; i < tape[columns].end; i = tape[i].end)
    names.push_back(text_of(tape, i, "name"));
  std::string out = "[";
  for (std::uint32_t row = rows + 1; row < tape[rows].end; row = tape[row].end) {
    out += row == rows + 1 ? "{" : ",{";
    std::size_t column = 0;
    for (std::uint32_t i = row + 1; i < tape[row].end && column < names.size(); i = tape[i].end, ++column) {
      if (column > 0) out += ',';
      append_quoted(out, names[column]);
      out += ':';
      out += tape[i].raw;
    }
    out += '}';
  }
  return out + "]";
}

http::Response json_response(std::string body) {
  http::Response response;
  response.body = std::move(body);
  return response;
}

std::string json_text(std::string_view text) {
  std::string out;
  http::append_json_string(out, text);
  return out;
}

// An item without an id of its own gets one from its place, the same each time.
std::string with_message_id(std::string text, std::string_view partition, std::string_view offset) {
  ItemFix fix;
  fix.action = ItemFix::Action::set_default;
  fix.pointer = "/messageId";
  fix.value = fmt::format("\"quarantine-{}-{}\"", partition, offset);
  auto named = apply_fixes(text, {fix});
  return named.ok() ? *std::move(named) : std::move(text);
}

}  // namespace

std::string item_faults_json(const ContractRules& rules, std::string_view raw, std::string_view source) {
  std::string out = "[";
  const auto add = [&out](std::string_view pointer, std::string_view keyword, std::string_view message) {
    if (out.size() > 1) out += ',';
    out += R"({"pointer":)" + json_text(pointer) + R"(,"keyword":)" + json_text(keyword) + R"(,"message":)" +
           json_text(message) + "}";
  };
  JsonDocument item;
  if (const auto read = item.own(std::string(raw)); !read.ok()) {
    add("", "json", read.error().message());
    return out + "]";
  }
  const std::string_view type = text_of(item.tape(), 0, "type");
  const auto call = type.empty() ? std::optional(collect::Call::track) : collect::parse_call(type);
  const collect::Vocabulary vocabulary;
  collect::EventMapper mapper(vocabulary);
  event::Event event;
  JsonTape nothing_shared;
  if (item[0].kind != JsonKind::object || !call) {
    add("/type", "type", "The item is no call of the Segment API.");
    return out + "]";
  }
  if (const auto fault = mapper.map(item.tape(), nothing_shared, *call, event)) {
    add(fault->pointer, fault->reason, fault->detail);
    return out + "]";
  }
  event.source = UINT16_MAX;
  for (std::uint16_t i = 0; i < 1000; ++i) {
    if (!source.empty() && rules.source_name(i) == source) event.source = i;
  }
  SubjectFinder finder;
  Validator validator;
  for (const Subject& subject : finder.read(raw)) {
    const Contract* const contract = subject.key ? rules.find(*subject.key) : rules.find(event);
    if (contract == nullptr) {
      if (subject.key)
        add(subject.prefix, "schema", "The registry has no schema " + subject.key->path() + ".");
      continue;
    }
    for (const ValueFault& fault : validator.explain(contract->program, *subject.tape, subject.node))
      add(subject.prefix + fault.pointer, fault.keyword, fault.message);
  }
  return out + "]";
}

void Quarantine::list(const http::Request& request, Respond respond) const {
  std::string where;
  int limit = 100;
  for (const auto& [name, value] : request.query) {
    const bool counts = name == "n" && is_number(value) && value.size() < 4;
    if (counts) std::from_chars(value.data(), value.data() + value.size(), limit);
    if (counts ? limit < 1 || limit > kListedMax : !add_condition(name, value, where))
      return respond(
          bad_request("The parameter " + name.substr(0, 64) + " is not usable.",
                      "Known: n (1 to 500), source, reason, pointer, from, to, partition, after."));
  }
  ports_.run_sql(
      fmt::format(
          R"(SELECT {} FROM conformed.quarantine{} ORDER BY received_at DESC, "offset" DESC LIMIT {})",
          kColumns, where, limit),
      [respond = std::move(respond)](http::Response answer) {
        JsonDocument document;
        if (answer.status != 200 || !document.own(answer.body).ok()) return respond(std::move(answer));
        auto items = rows_as_objects(document);
        if (!items) return respond(std::move(answer));
        respond(json_response(R"({"items":)" + *std::move(items) + "}"));
      });
}

void Quarantine::inspect(const http::Request& request, Respond respond) const {
  std::string where;
  if (!add_condition("partition", request.parameters[0], where) ||
      !add_condition("offset", request.parameters[1], where))
    return respond(bad_request("Partition and offset are whole numbers.", "Take them from the list."));
  ports_.run_sql(
      fmt::format("SELECT {}, base64(raw) AS raw FROM conformed.quarantine{} LIMIT 1", kColumns, where),
      [this, respond = std::move(respond)](http::Response answer) {
        JsonDocument document;
        if (answer.status != 200 || !document.own(answer.body).ok()) return respond(std::move(answer));
        const auto items = rows_as_objects(document);
        JsonDocument rows;
        if (!items || !rows.own(*items).ok() || rows.tape().size() < 2)
          return respond(http::error_response(404, "not_found", "There is no such item in quarantine.",
                                              "GET /v1/quarantine lists them."));
        const auto raw = decode_base64(text_of(rows.tape(), 1, "raw"));
        std::string body(rows[1].raw.substr(0, rows[1].raw.size() - 1));
        // As text it is for reading; base64 has every byte.
        body += R"(,"text":)" + json_text(raw.value_or("")) + R"(,"faults_now":)" +
                item_faults_json(*registry_.rules(), raw.value_or(""), text_of(rows.tape(), 1, "source")) +
                "}";
        respond(json_response(std::move(body)));
      });
}

struct Quarantine::Item {
  std::string source, partition, offset, before, after, problem;
};

struct Quarantine::Replay {
  std::vector<ItemFix> fixes;
  bool dry_run = true;
  Respond respond;
  std::vector<Item> items;
  bool more = false;
  std::mutex mutex;  // Guards what follows.
  std::size_t waiting = 0;
  std::uint64_t sent = 0, accepted = 0, quarantined = 0, skipped = 0;
  std::optional<http::Response> failure;

  std::string summary() const {
    std::string out =
        fmt::format(R"("matched":{},"more":{},"sent":{},"accepted":{},"quarantined":{},"not_repairable":{})",
                    items.size(), more ? "true" : "false", sent, accepted, quarantined, skipped);
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
  std::string where;
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
        ok = add_condition(tape[j].key, tape[j].text, where);
    }
    if (!ok)
      return respond(http::error_response(400, "invalid_member",
                                          "The member " + std::string(key.substr(0, 64)) + " is not usable.",
                                          "Known: filter {source, reason, pointer, from, to, partition, "
                                          "offset, after}, fixes, dry_run, limit (1 to 500)."));
  }
  auto fixes = read_fixes(tape, find_member(tape, 0, "fixes"));
  if (!fixes.ok())
    return respond(
        http::error_response(400, "invalid_fix", fixes.error().message(), "See docs/guide/contracts.md."));
  replay->fixes = *std::move(fixes);
  replay->respond = std::move(respond);
  ports_.run_sql(
      fmt::format(R"(SELECT source, "partition", "offset", base64(raw) AS raw FROM conformed.quarantine{} )"
                  R"(ORDER BY "partition", "offset" LIMIT {})",
                  where, limit),
      [this, replay, limit](http::Response answer) {
        JsonDocument document;
        if (answer.status != 200 || !document.own(answer.body).ok())
          return replay->respond(std::move(answer));
        const auto objects = rows_as_objects(document);
        JsonDocument rows;
        if (!objects || !rows.own(*objects).ok()) return replay->respond(std::move(answer));
        for (std::uint32_t i = 1; i < rows.tape().size(); i = rows[i].end) {
          Item item;
          item.source = text_of(rows.tape(), i, "source");
          item.partition = rows[find_member(rows.tape(), i, "partition")].text;
          item.offset = rows[find_member(rows.tape(), i, "offset")].text;
          item.before = decode_base64(text_of(rows.tape(), i, "raw")).value_or("");
          auto after = apply_fixes(item.before, replay->fixes);
          if (after.ok()) {
            item.after = with_message_id(*std::move(after), item.partition, item.offset);
          } else {
            item.problem = after.error().message();
            ++replay->skipped;
          }
          replay->items.push_back(std::move(item));
        }
        replay->more = replay->items.size() == limit;
        replay->dry_run ? show(replay) : resend(replay);
      });
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
  std::map<std::string, std::string> batches;
  std::map<std::string, std::uint64_t> counts;
  for (const Item& item : replay->items) {
    if (!item.problem.empty()) continue;
    std::string& batch = batches[item.source];
    batch += (batch.empty() ? "" : ",") + item.after;
    ++counts[item.source];
  }
  replay->waiting = batches.size() + 1;  // One is our own, so that nobody answers before all is sent.
  const auto settle = [replay](std::uint64_t count, const http::Response* answer) {
    const std::lock_guard lock(replay->mutex);
    JsonDocument document;
    if (answer != nullptr && answer->status == 200 && document.own(answer->body).ok()) {
      const auto number = [&](std::string_view name) {
        const std::uint32_t node = find_member(document.tape(), 0, name);
        std::uint64_t value = 0;
        if (node != kNoNode && document[node].kind == JsonKind::number)
          (void)Number(document[node].text).to_count(1'000'000, value);
        return value;
      };
      replay->sent += count;
      replay->accepted += number("accepted");
      replay->quarantined += number("quarantined");
    } else if (answer != nullptr) {
      replay->failure = *answer;
    }
    if (--replay->waiting > 0) return;
    if (replay->failure) return replay->respond(*std::move(replay->failure));
    replay->respond(json_response(R"({"dry_run":false,)" + replay->summary() + R"(,"items":[]})"));
  };
  for (auto& [source, batch] : batches) {
    ports_.resend(source, R"({"batch":[)" + std::move(batch) + "]}",
                  [settle, count = counts[source]](http::Response answer) { settle(count, &answer); });
  }
  settle(0, nullptr);
}

}  // namespace millrace::contract
