#include "contract/contract_api.h"

#include <fmt/format.h>

#include <utility>

#include "base/iso_time.h"
#include "collect/text_cut.h"
#include "contract/fault_text.h"
#include "contract/validator.h"

namespace millrace::contract {

namespace {

constexpr std::string_view kRulesFile = "contracts/quality.json";
constexpr std::size_t kBodyBytesMax = 1024 * 1024;

constexpr std::size_t kIdBytesShown = 64;

std::string text_json(std::string_view text) {
  std::string out;
  http::append_json_string(out, text);
  return out;
}

std::string time_json(base::WallTime time) {
  std::string out = "\"";
  base::append_iso_time(out, time);
  return out + "\"";
}

http::Response json_response(std::string body, int status = 200) {
  http::Response response;
  response.status = status;
  response.body = std::move(body);
  return response;
}

http::Response refused(const RegistryFault& fault) {
  int status = 400;
  if (fault.code == base::ErrorCode::not_found) status = 404;
  if (fault.code == base::ErrorCode::conflict || fault.code == base::ErrorCode::exhausted) status = 409;
  if (fault.code == base::ErrorCode::io || fault.code == base::ErrorCode::unavailable) status = 503;
  const std::string where = fault.pointer.empty() ? "" : " (at " + fault.pointer + ")";
  return http::error_response(status, fault.reason, fault.message + where, fault.hint);
}

http::Response bad_name(const base::Error& error) {
  return http::error_response(400, "invalid_name", error.message(),
                              "Such as shop/order_completed/jsonschema/1-0-0.");
}

base::Result<SchemaKey> key_of(const http::Request& request) {
  std::string path;
  for (const std::string& part : request.parameters) path += (path.empty() ? "" : "/") + part;
  return SchemaKey::parse(path);
}

std::optional<http::Response> unusable_body(const http::Request& request) {
  JsonDocument body;
  if (request.body.size() <= kBodyBytesMax && body.own(std::string(request.body)).ok()) return std::nullopt;
  return http::error_response(400, "invalid_json", "The body is not JSON, or too large.",
                              "Send it uncompressed, in UTF-8.");
}

}  // namespace

base::Status ContractApi::load() {
  auto text = disk::read_file(parts_.disk, kRulesFile);
  if (!text.ok() && text.error().code() == base::ErrorCode::not_found) return base::Ok{};
  if (!text.ok()) return std::move(text).error();
  TRY_ASSIGN(auto rules, parse_quality_rules(*text));
  parts_.quality.set(std::move(rules));
  return base::Ok{};
}

void ContractApi::answer(std::string_view operation, const http::Request& request, Respond respond) {
  if (operation == "list_quarantine") return parts_.quarantine.list(request, std::move(respond));
  if (operation == "get_quarantined") return parts_.quarantine.inspect(request, std::move(respond));
  if (operation == "mark_quarantined") return parts_.quarantine.set_state(request, std::move(respond));
  if (operation == "replay_quarantine") return parts_.quarantine.replay(request, std::move(respond));
  if (operation == "list_contracts") return respond(list());
  if (operation == "get_contract" || operation == "iglu_schema") return respond(get_schema(request));
  if (operation == "put_contract") return respond(put_schema(request));
  if (operation == "delete_contract") return respond(delete_schema(request));
  if (operation == "check_contract") return respond(check_schema(request));
  if (operation == "contract_modes") return respond(modes());
  if (operation == "set_contract_modes") return respond(put_modes(request));
  if (operation == "contract_violations") return respond(violations());
  if (operation == "contract_proposals") return respond(json_response(parts_.discovery.proposals_json()));
  if (operation == "accept_proposal") return respond(accept(request));
  if (operation == "ignore_proposal") return respond(ignore(request));
  if (operation == "contract_alerts") return respond(json_response(parts_.discovery.alerts_json()));
  if (operation == "quality_rules") return respond(rules());
  if (operation == "set_quality_rules") return respond(put_rules(request));
  respond(http::error_response(404, "not_found", "There is no such operation.", "See /openapi.json."));
}

http::Response ContractApi::list() const {
  const auto rules = parts_.registry.rules();
  std::string out = R"({"items":[)";
  std::string contract;
  const auto& contracts = rules->contracts();
  for (auto at = contracts.begin(); at != contracts.end();) {
    const SchemaKey first = at->first;
    const Contract& newest = [&]() -> const Contract& {
      const Contract* last = nullptr;
      contract.clear();
      for (; at != contracts.end() && at->first.vendor == first.vendor && at->first.name == first.name &&
             at->first.format == first.format;
           ++at) {
        contract += (contract.empty() ? "\"" : ",\"") + at->first.version.text() + "\"";
        last = at->second.get();
      }
      return *last;
    }();
    if (out.back() != '[') out += ',';
    const ContractTally& tally = *newest.tally;
    out += fmt::format(
        R"({{"vendor":"{}","name":"{}","format":"{}","versions":[{}],"newest":"{}","preloaded":{},"checked":{},"violated":{},"fields_dropped":{}}})",
        first.vendor, first.name, first.format, contract, newest.key.version.text(),
        newest.preloaded ? "true" : "false", tally.checked.load(), tally.violated.load(),
        tally.fields_dropped.load());
  }
  return json_response(out + "]}");
}

http::Response ContractApi::get_schema(const http::Request& request) const {
  const auto key = key_of(request);
  if (!key.ok()) return bad_name(key.error());
  const auto rules = parts_.registry.rules();
  const Contract* const contract = rules->find(*key);
  if (contract == nullptr)
    return http::error_response(404, "no_such_schema", "There is no such schema.",
                                "GET /v1/contracts lists them.");
  return json_response(contract->text);
}

http::Response ContractApi::put_schema(const http::Request& request) {
  const auto key = key_of(request);
  if (!key.ok()) return bad_name(key.error());
  if (auto wrong = unusable_body(request)) return *std::move(wrong);
  if (const auto fault = parts_.registry.put(*key, std::string(request.body))) return refused(*fault);
  return json_response(fmt::format(R"({{"stored":"{}"}})", key->path()));
}

http::Response ContractApi::delete_schema(const http::Request& request) {
  const auto key = key_of(request);
  if (!key.ok()) return bad_name(key.error());
  if (const auto fault = parts_.registry.remove(*key)) return refused(*fault);
  return json_response(fmt::format(R"({{"deleted":"{}"}})", key->path()));
}

// Holds a value to a contract without sending it: {"pointer","keyword","message"} for each thing that is wrong.
http::Response ContractApi::check_schema(const http::Request& request) const {
  const auto key = key_of(request);
  if (!key.ok()) return bad_name(key.error());
  const auto rules = parts_.registry.rules();
  const Contract* const contract = rules->find(*key);
  if (contract == nullptr)
    return http::error_response(404, "no_such_schema", "There is no such schema.",
                                "GET /v1/contracts lists them.");
  if (auto wrong = unusable_body(request)) return *std::move(wrong);
  JsonDocument value;
  INVARIANT(value.own(std::string(request.body)).ok());
  Validator validator;
  std::string out = R"({"faults":[)";
  for (const ValueFault& fault : validator.explain(contract->program, value.tape())) {
    if (out.back() != '[') out += ',';
    out += fmt::format(R"({{"pointer":{},"keyword":{},"schema_pointer":{},"message":{}}})",
                       text_json(fault.pointer), text_json(fault.keyword), text_json(fault.location),
                       text_json(fault.message));
  }
  return json_response(out + "]}");
}

http::Response ContractApi::modes() const {
  const auto rules = parts_.registry.rules();
  std::string out = R"({"rules":[)";
  for (const ModeRule& rule : rules->modes()) {
    if (out.back() != '[') out += ',';
    out += fmt::format(R"({{"source":{},"contract":{},"mode":"{}"}})", text_json(rule.source),
                       text_json(rule.contract), to_string(rule.mode));
  }
  return json_response(out + "]}");
}

http::Response ContractApi::put_modes(const http::Request& request) {
  constexpr std::string_view kHint =
      R"(Send {"rules":[{"source":"","contract":"order_completed","mode":"quarantine"}]}.)";
  JsonDocument body;
  const bool read = body.own(std::string(request.body)).ok();
  const std::uint32_t list = read ? find_member(body.tape(), 0, "rules") : kNoNode;
  if (list == kNoNode || body[list].kind != JsonKind::array)
    return http::error_response(400, "invalid_json", "The body has no list \"rules\".", kHint);
  std::vector<ModeRule> modes;
  for (std::uint32_t i = list + 1; i < body[list].end; i = body[i].end) {
    auto mode = parse_mode(text_of(body.tape(), i, "mode"));
    if (!mode.ok()) return http::error_response(400, "invalid_mode", mode.error().message(), kHint);
    modes.push_back({std::string(text_of(body.tape(), i, "source")),
                     std::string(text_of(body.tape(), i, "contract")), *mode});
  }
  if (const auto fault = parts_.registry.set_modes(std::move(modes))) return refused(*fault);
  return this->modes();
}

std::string ContractApi::cleansed(std::string_view text) const {
  return parts_.cleansed ? parts_.cleansed(text) : std::string(text);
}

// Cut only then: of half a card number nobody knows that it is one.
std::string ContractApi::message_id_json(std::string_view id) const {
  return text_json(collect::cut_text(cleansed(id), kIdBytesShown));
}

http::Response ContractApi::violations() const {
  const auto rules = parts_.registry.rules();
  std::string out = R"({"items":[)";
  const ContractTally* last = nullptr;
  for (const auto& [key, contract] : rules->contracts()) {
    if (contract->tally.get() == last) continue;
    last = contract->tally.get();
    for (const ContractTally::Sample& sample : last->samples()) {
      if (out.back() != '[') out += ',';
      out += fmt::format(
          R"({{"at":{},"contract":{},"version":"{}","source":{},"message_id":{},"pointer":{},"keyword":{},"message":{},"mode":"{}"}})",
          time_json(sample.at), text_json(key.contract()), sample.version, text_json(sample.source),
          message_id_json(sample.message_id), text_json(cleansed(sample.pointer)), text_json(sample.keyword),
          text_json(cleansed(sample.message)), to_string(sample.mode));
    }
  }
  return json_response(out + "]}");
}

http::Response ContractApi::accept(const http::Request& request) {
  if (!request.body.empty()) {
    if (auto wrong = unusable_body(request)) return *std::move(wrong);
  }
  SchemaKey key;
  if (const auto fault = parts_.discovery.accept(request.parameters[0], std::string(request.body), key))
    return refused(*fault);
  return json_response(fmt::format(R"({{"stored":"{}"}})", key.path()));
}

http::Response ContractApi::ignore(const http::Request& request) {
  if (const auto fault = parts_.discovery.ignore(request.parameters[0])) return refused(*fault);
  return json_response(fmt::format(R"({{"ignored":{}}})", text_json(request.parameters[0])));
}

http::Response ContractApi::rules() const {
  const auto tallies = parts_.quality.rules();
  std::string out = R"({"items":[)";
  for (const auto& tally : *tallies) {
    if (out.back() != '[') out += ',';
    const std::string rule = quality_rules_json({tally->rule});
    const auto begin = rule.find('[') + 1;
    out += rule.substr(begin, rule.rfind('}', rule.rfind(']')) - begin);
    out +=
        fmt::format(R"(,"checked":{},"broken":{},"samples":[)", tally->checked.load(), tally->broken.load());
    const std::lock_guard lock(tally->mutex);
    for (const auto& sample : tally->samples) {
      if (out.back() != '[') out += ',';
      out += fmt::format(R"({{"at":{},"source":{},"event":"{}","message_id":{},"detail":{}}})",
                         time_json(sample.at), text_json(parts_.registry.rules()->source_name(sample.source)),
                         sample.event, message_id_json(sample.message_id), text_json(sample.detail));
    }
    out += "]}";
  }
  return json_response(out + "]}");
}

http::Response ContractApi::put_rules(const http::Request& request) {
  auto rules = parse_quality_rules(request.body);
  if (!rules.ok())
    return http::error_response(400, "invalid_rule", rules.error().message(), "See docs/guide/contracts.md.");
  if (const auto written = disk::write_file_atomically(parts_.disk, kRulesFile, quality_rules_json(*rules));
      !written.ok())
    return http::error_response(503, "not_stored", written.error().message(),
                                "Look at the rules, then repeat it.");
  parts_.quality.set(*std::move(rules));
  return this->rules();
}

}  // namespace millrace::contract
