#include "contract/quarantine.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <utility>

#include "contract/quarantine_query.h"
#include "contract/replay_request.h"
#include "contract/subject.h"
#include "contract/validator.h"

namespace millrace::contract {

namespace {

std::string columns() {
  return fmt::format(
      R"(received_at, source, reason, pointer, detail, octet_length(raw) AS bytes, "partition", "offset", {} AS repeated)",
      QuarantineMarks::repeats());
}

http::Response bad_request(std::string_view message, std::string_view hint) {
  return http::error_response(400, "invalid_parameter", message, hint);
}

http::Response unmarked(const base::Error& error) {
  if (error.code() == base::ErrorCode::exhausted)
    return http::error_response(409, "too_many_marks", error.message(),
                                "Open some of the ignored items again.");
  return http::error_response(503, "not_stored", error.message(), "Repeat it.");
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
  const auto form = item[0].kind == JsonKind::object ? replay_form(item.tape()) : std::nullopt;
  const bool is_call = !form || *form == ReplayForm::call;  // The mapping of other forms is their dialect's.
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
  const auto fault = is_call ? mapper.map(item.tape(), nothing_shared, *call, event) : std::nullopt;
  if (fault) {
    add(fault->pointer, fault->reason, fault->detail);
    return out + "]";
  }
  event.source = UINT16_MAX;
  for (std::uint16_t i = 0; i < 1000; ++i) {
    if (!source.empty() && rules.source_name(i) == source) event.source = i;
  }
  SubjectFinder finder;
  Validator validator;
  for (const Subject& subject :
       finder.read(raw, is_call ? collect::ItemForm::call : collect::ItemForm::own)) {
    const Contract* const contract =
        subject.address.empty() ? rules.find(event) : rules.find(subject.address);
    if (contract == nullptr) {
      if (!subject.address.empty())
        add(subject.prefix, "schema", "The registry has no schema " + std::string(subject.address) + ".");
      continue;
    }
    for (const ValueFault& misfit : validator.explain(contract->program, *subject.tape, subject.node))
      add(std::string(subject.prefix) + misfit.pointer, misfit.keyword, misfit.message);
  }
  return out + "]";
}

void Quarantine::list(const http::Request& request, Respond respond) const {
  QuarantineFilter filter;
  int limit = 100;
  for (const auto& [name, value] : request.query) {
    const bool counts = name == "n" && is_whole_number(value) && value.size() < 4;
    if (counts) std::from_chars(value.data(), value.data() + value.size(), limit);
    if (counts ? limit < 1 || limit > kListedMax : !filter.add(name, value))
      return respond(
          bad_request("The parameter " + name.substr(0, 64) + " is not usable.",
                      "Known: n (1 to 500), source, reason, pointer, from, to, partition, after, state."));
  }
  ports_.run_sql(
      fmt::format(
          R"(SELECT {} FROM conformed.quarantine{} ORDER BY received_at DESC, "offset" DESC LIMIT {})",
          columns(), filter.where(marks_, std::nullopt), limit),
      [this, respond = std::move(respond)](http::Response answer) {
        JsonDocument document;
        if (answer.status != 200 || !document.own(answer.body).ok()) return respond(std::move(answer));
        const auto items = rows_as_objects(document);
        JsonDocument rows;
        if (!items || !rows.own(*items).ok()) return respond(std::move(answer));
        std::string body = R"({"items":[)";
        for (std::uint32_t i = 1; i < rows.tape().size(); i = rows[i].end) {
          if (body.back() != '[') body += ',';
          append_with_state(body, rows, i);
          body += '}';
        }
        respond(json_response(body + "]}"));
      });
}

// The row as an object that is still open at its end.
void Quarantine::append_with_state(std::string& out, const JsonDocument& rows, std::uint32_t row) const {
  out += rows[row].raw.substr(0, rows[row].raw.size() - 1);
  auto state = marks_.state(place_of(rows.tape(), row));
  const std::uint32_t repeated = find_member(rows.tape(), row, "repeated");
  if (state == QuarantineState::open && repeated != kNoNode && rows[repeated].text == "true")
    state = QuarantineState::repeated;
  out += fmt::format(R"(,"state":"{}")", to_string(state));
}

void Quarantine::inspect(const http::Request& request, Respond respond) const {
  QuarantineFilter filter;
  if (!filter.add("partition", request.parameters[0]) || !filter.add("offset", request.parameters[1]))
    return respond(bad_request("Partition and offset are whole numbers.", "Take them from the list."));
  ports_.run_sql(
      fmt::format("SELECT {}, base64(raw) AS raw FROM conformed.quarantine{} LIMIT 1", columns(),
                  filter.where(marks_, std::nullopt)),
      [this, respond = std::move(respond)](http::Response answer) {
        JsonDocument document;
        if (answer.status != 200 || !document.own(answer.body).ok()) return respond(std::move(answer));
        const auto items = rows_as_objects(document);
        JsonDocument rows;
        if (!items || !rows.own(*items).ok() || rows.tape().size() < 2)
          return respond(http::error_response(404, "not_found", "There is no such item in quarantine.",
                                              "GET /v1/quarantine lists them."));
        const auto raw = decode_base64(text_of(rows.tape(), 1, "raw"));
        std::string body;
        append_with_state(body, rows, 1);
        // As text it is for reading; base64 has every byte.
        body += R"(,"text":)" + json_text(raw.value_or("")) + R"(,"faults_now":)" +
                item_faults_json(*registry_.rules(), raw.value_or(""), text_of(rows.tape(), 1, "source")) +
                "}";
        respond(json_response(std::move(body)));
      });
}

void Quarantine::set_state(const http::Request& request, Respond respond) const {
  JsonDocument body;
  const bool read = body.own(std::string(request.body)).ok();
  const auto state = parse_quarantine_state(read ? text_of(body.tape(), 0, "state") : std::string_view{});
  if (state != QuarantineState::open && state != QuarantineState::ignored)
    return respond(http::error_response(400, "invalid_state", "The body names no state that can be set.",
                                        R"(Send {"state":"ignored"} or {"state":"open"}.)"));
  QuarantineFilter filter;
  if (!filter.add("partition", request.parameters[0]) || !filter.add("offset", request.parameters[1]))
    return respond(bad_request("Partition and offset are whole numbers.", "Take them from the list."));
  ports_.run_sql(
      fmt::format(R"(SELECT "partition", "offset" FROM conformed.quarantine{} LIMIT 1)",
                  filter.where(marks_, std::nullopt)),
      [this, state = *state, respond = std::move(respond)](http::Response answer) {
        JsonDocument document;
        if (answer.status != 200 || !document.own(answer.body).ok()) return respond(std::move(answer));
        const auto items = rows_as_objects(document);
        JsonDocument rows;
        if (!items || !rows.own(*items).ok() || rows.tape().size() < 2)
          return respond(http::error_response(404, "not_found", "There is no such item in quarantine.",
                                              "GET /v1/quarantine lists them."));
        const QuarantinePlace place = place_of(rows.tape(), 1);
        if (const auto set = marks_.set(std::span(&place, 1), state); !set.ok())
          return respond(unmarked(set.error()));
        respond(json_response(fmt::format(R"({{"state":"{}"}})", to_string(state))));
      });
}

}  // namespace millrace::contract
