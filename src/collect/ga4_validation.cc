#include "collect/ga4_validation.h"

#include <algorithm>
#include <iterator>

#include "collect/json_tape.h"

namespace millrace::collect {

namespace {

constexpr std::uint32_t kEventsMax = 25;
constexpr std::uint32_t kParametersMax = 25;
constexpr std::uint32_t kItemsMax = 200;
constexpr std::size_t kNameMax = 40;
constexpr std::size_t kValueMax = 100;
constexpr std::size_t kPropertyNameMax = 24;
constexpr std::size_t kPropertyValueMax = 36;

constexpr std::string_view kReservedEvents[] = {"ad_activeview",
                                                "ad_click",
                                                "ad_exposure",
                                                "ad_query",
                                                "ad_reward",
                                                "adunit_exposure",
                                                "app_clear_data",
                                                "app_exception",
                                                "app_install",
                                                "app_remove",
                                                "app_store_refund",
                                                "app_update",
                                                "app_upgrade",
                                                "dynamic_link_app_open",
                                                "dynamic_link_app_update",
                                                "dynamic_link_first_open",
                                                "error",
                                                "firebase_campaign",
                                                "firebase_in_app_message_action",
                                                "firebase_in_app_message_dismiss",
                                                "firebase_in_app_message_impression",
                                                "first_open",
                                                "first_visit",
                                                "in_app_purchase",
                                                "notification_dismiss",
                                                "notification_foreground",
                                                "notification_open",
                                                "notification_receive",
                                                "notification_send",
                                                "os_update",
                                                "session_start",
                                                "user_engagement"};
constexpr std::string_view kReservedPrefixes[] = {"_", "firebase_", "ga_", "google_", "gtag."};
constexpr std::string_view kNeedsOrder[] = {"purchase", "refund"};

template <class Range>
bool contains(const Range& names, std::string_view name) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool is_name(std::string_view name, std::size_t bytes_max) {
  if (name.empty() || name.size() > bytes_max || !is_letter(name[0])) return false;
  return std::all_of(name.begin(), name.end(),
                     [](char c) { return is_letter(c) || (c >= '0' && c <= '9') || c == '_'; });
}

std::size_t value_max(std::string_view parameter) {
  if (parameter == "page_location") return 1000;
  if (parameter == "page_referrer") return 420;
  if (parameter == "page_title") return 300;
  return kValueMax;
}

class Findings {
 public:
  void add(std::string_view path, std::string_view code, std::string_view description) {
    json_ += json_.empty() ? R"({"fieldPath":)" : R"(,{"fieldPath":)";
    http::append_json_string(json_, path);
    json_ += R"(,"description":)";
    http::append_json_string(json_, description);
    json_ += R"(,"validationCode":)";
    http::append_json_string(json_, code);
    json_ += '}';
  }
  std::string json() const { return R"({"validationMessages":[)" + json_ + "]}"; }

 private:
  std::string json_;
};

std::uint32_t count_members(const JsonTape& tape, std::uint32_t container) {
  std::uint32_t count = 0;
  for (std::uint32_t i = container + 1; i < tape[container].end; i = tape[i].end) ++count;
  return count;
}

void check_name(std::string_view name, std::string_view what, std::string_view path, std::size_t bytes_max,
                Findings& findings) {
  const std::string quoted = std::string(what) + " [" + std::string(name) + "]";
  for (const std::string_view prefix : kReservedPrefixes) {
    if (name.starts_with(prefix))
      return findings.add(path, "NAME_RESERVED", quoted + " has a reserved prefix.");
  }
  if (!is_name(name, bytes_max)) {
    findings.add(path, "NAME_INVALID",
                 quoted + " must begin with a letter, hold letters, digits and underscores, and be at most " +
                     std::to_string(bytes_max) + " characters long.");
  }
}

void check_parameters(const JsonTape& tape, std::uint32_t parameters, Findings& findings) {
  if (tape[parameters].kind != JsonKind::object) {
    return findings.add("events.params", "VALUE_INVALID", "\"params\" must be an object.");
  }
  if (count_members(tape, parameters) > kParametersMax) {
    findings.add("events.params", "EXCEEDED_MAX_ENTITIES", "An event has at most 25 parameters.");
  }
  for (std::uint32_t i = parameters + 1; i < tape[parameters].end; i = tape[i].end) {
    const std::string path = "events.params." + std::string(tape[i].key);
    check_name(tape[i].key, "Parameter", path, kNameMax, findings);
    if (tape[i].kind == JsonKind::string && tape[i].text.size() > value_max(tape[i].key)) {
      findings.add(path, "VALUE_INVALID", "The value is too long.");
    }
    if (tape[i].key == "items") {
      if (tape[i].kind != JsonKind::array) findings.add(path, "VALUE_INVALID", "\"items\" must be an array.");
      if (count_members(tape, i) > kItemsMax) {
        findings.add(path, "EXCEEDED_MAX_ENTITIES", "An event has at most 200 items.");
      }
    }
  }
  if (member_of(tape, parameters, "value") != 0 && member_of(tape, parameters, "currency") == 0) {
    findings.add("events.params.currency", "VALUE_REQUIRED", "A value needs its currency.");
  }
}

void check_event(const JsonTape& tape, std::uint32_t event, Findings& findings) {
  const std::uint32_t name = member_of(tape, event, "name");
  if (name == 0 || tape[name].kind != JsonKind::string || tape[name].text.empty()) {
    return findings.add("events.name", "VALUE_REQUIRED", "An event needs a name.");
  }
  if (contains(kReservedEvents, tape[name].text)) {
    findings.add("events.name", "NAME_RESERVED",
                 "Event at index has name [" + std::string(tape[name].text) + "] which is reserved.");
  } else {
    check_name(tape[name].text, "Event name", "events.name", kNameMax, findings);
  }
  const std::uint32_t parameters = member_of(tape, event, "params");
  if (parameters != 0) check_parameters(tape, parameters, findings);
  const bool has_order = parameters != 0 && member_of(tape, parameters, "transaction_id") != 0;
  if (contains(kNeedsOrder, tape[name].text) && !has_order) {
    findings.add("events.params.transaction_id", "VALUE_REQUIRED", "This event needs a transaction_id.");
  }
}

void check_user_properties(const JsonTape& tape, std::uint32_t properties, Findings& findings) {
  if (count_members(tape, properties) > kParametersMax) {
    findings.add("user_properties", "EXCEEDED_MAX_ENTITIES", "A request has at most 25 user properties.");
  }
  for (std::uint32_t i = properties + 1; i < tape[properties].end; i = tape[i].end) {
    const std::string path = "user_properties." + std::string(tape[i].key);
    check_name(tape[i].key, "User property", path, kPropertyNameMax, findings);
    const std::uint32_t value = member_of(tape, i, "value");
    if (value == 0) {
      findings.add(path, "VALUE_REQUIRED", "A user property is an object with a \"value\".");
    } else if (tape[value].kind == JsonKind::string && tape[value].text.size() > kPropertyValueMax) {
      findings.add(path, "VALUE_INVALID", "The value is too long.");
    }
  }
}

}  // namespace

std::string ga4_validation(const http::Request& request) {
  Findings findings;
  JsonIndex index;
  JsonTape tape;
  if (request.query_value("measurement_id").empty() && request.query_value("firebase_app_id").empty()) {
    findings.add("measurement_id", "VALUE_REQUIRED",
                 "The query needs a measurement_id or a firebase_app_id.");
  }
  if (index.scan(request.body) != JsonFault::none || tape.build(index, 0) != TapeFault::none ||
      tape.end_token() != index.size() || tape[0].kind != JsonKind::object) {
    findings.add("", "VALUE_INVALID", "The body is not a JSON object.");
    return findings.json();
  }
  if (root_text(tape, "client_id").empty() && root_text(tape, "app_instance_id").empty()) {
    findings.add("client_id", "VALUE_REQUIRED", "Measurement requires a client_id or an app_instance_id.");
  }
  const std::uint32_t events = member_of(tape, 0, "events");
  if (events == 0 || tape[events].kind != JsonKind::array || tape[events].end == events + 1) {
    findings.add("events", "VALUE_REQUIRED", "Measurement requires one or more events.");
  } else {
    if (count_members(tape, events) > kEventsMax) {
      findings.add("events", "EXCEEDED_MAX_ENTITIES", "A request has at most 25 events.");
    }
    for (std::uint32_t i = events + 1; i < tape[events].end; i = tape[i].end) check_event(tape, i, findings);
  }
  if (const std::uint32_t properties = member_of(tape, 0, "user_properties"); properties != 0) {
    check_user_properties(tape, properties, findings);
  }
  return findings.json();
}

}  // namespace millrace::collect
