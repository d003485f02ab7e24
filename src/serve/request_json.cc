#include "serve/request_json.h"

#include <set>

namespace millrace::serve {

RequestJson::RequestJson(std::string_view body) {
  if (body.empty()) body = "{}";
  simdjson::dom::element element;
  if (parser_.parse(simdjson::padded_string(body)).get(element) != simdjson::SUCCESS) {
    message_ = "The body is not valid JSON.";
    hint_ = "Send one JSON object, uncompressed, in UTF-8.";
    return;
  }
  parsed_ = element.get(object_) == simdjson::SUCCESS;
  if (parsed_) return;
  message_ = "The body is not a JSON object.";
  hint_ = "Send one JSON object.";
}

RequestJson::RequestJson(simdjson::dom::element element, std::string where) : where_(std::move(where)) {
  parsed_ = element.get(object_) == simdjson::SUCCESS;
  if (parsed_) return;
  message_ = "An entry of " + where_ + " is not a JSON object.";
  hint_ = "Send a list of objects.";
}

void RequestJson::refuse(std::string_view name, std::string_view hint) {
  if (!message_.empty()) return;
  message_ = "The member " + (where_.empty() ? std::string(name) : where_ + "[]." + std::string(name)) +
             " is not usable.";
  hint_ = hint;
}

bool RequestJson::require(std::string_view name) {
  known_.append(known_.empty() ? "" : ", ").append(name);
  if (!parsed_) return false;
  if (object_[name].error() == simdjson::SUCCESS) return true;
  refuse(name, "It is missing.");
  return false;
}

bool RequestJson::has(std::string_view name) {
  if (parsed_ && object_[name].error() == simdjson::SUCCESS) return true;
  known_.append(known_.empty() ? "" : ", ").append(name);
  return false;
}

bool RequestJson::expect(std::string_view name, simdjson::error_code error, std::string_view type) {
  if (error == simdjson::SUCCESS) return true;
  refuse(name, "Give " + std::string(type) + ".");
  return false;
}

std::string RequestJson::text(std::string_view name, std::size_t bytes_max) {
  std::string_view value;
  if (!require(name) || !expect(name, object_[name].get(value), "text")) return {};
  if (value.empty() || value.size() > bytes_max) {
    refuse(name, "Give between 1 and " + std::to_string(bytes_max) + " bytes.");
    return {};
  }
  return std::string(value);
}

std::string RequestJson::text_or(std::string_view name, std::string_view preset, std::size_t bytes_max) {
  if (parsed_ && object_[name].error() == simdjson::SUCCESS) return text(name, bytes_max);
  known_.append(known_.empty() ? "" : ", ").append(name);
  return std::string(preset);
}

std::string RequestJson::any_text_or(std::string_view name, std::string_view preset, std::size_t bytes_max) {
  std::string_view value;
  if (!parsed_ || object_[name].get(value) != simdjson::SUCCESS || !value.empty())
    return text_or(name, preset, bytes_max);
  known_.append(known_.empty() ? "" : ", ").append(name);
  return {};
}

std::int64_t RequestJson::number(std::string_view name, std::int64_t min, std::int64_t max) {
  std::int64_t value = 0;
  if (!require(name) || !expect(name, object_[name].get(value), "a whole number")) return min;
  if (value < min || value > max) {
    refuse(name, "Give a whole number from " + std::to_string(min) + " to " + std::to_string(max) + ".");
    return min;
  }
  return value;
}

std::int64_t RequestJson::number_or(std::string_view name, std::int64_t preset, std::int64_t min,
                                    std::int64_t max) {
  if (parsed_ && object_[name].error() == simdjson::SUCCESS) return number(name, min, max);
  known_.append(known_.empty() ? "" : ", ").append(name);
  return preset;
}

void RequestJson::texts(std::string_view name, std::size_t entries_max, std::size_t bytes_max,
                        std::vector<std::string>& out, std::size_t entries_min) {
  simdjson::dom::array array;
  if (!require(name) || !expect(name, object_[name].get(array), "a list")) return;
  for (const simdjson::dom::element element : array) {
    std::string_view value;
    if (!expect(name, element.get(value), "a list of texts")) return;
    if (value.empty() || value.size() > bytes_max)
      return refuse(name, "Give texts of 1 to " + std::to_string(bytes_max) + " bytes.");
    out.emplace_back(value);
  }
  if (out.size() < entries_min || out.size() > entries_max) {
    refuse(name, "Give between " + std::to_string(entries_min) + " and " + std::to_string(entries_max) +
                     " entries.");
  }
}

void RequestJson::finish() {
  if (!parsed_ || !message_.empty()) return;
  std::set<std::string_view> seen;
  for (const auto& [name, value] : object_) {
    if (!seen.insert(name).second) refuse(name.substr(0, 64), "Give it once.");
    const std::string list = ", " + known_ + ",";
    if (list.find(", " + std::string(name) + ",") == std::string::npos)
      refuse(name.substr(0, 64), "Known members: " + known_ + ".");
  }
}

std::optional<http::Response> RequestJson::refusal() {
  finish();
  if (message_.empty()) return std::nullopt;
  return http::error_response(400, parsed_ ? "invalid_member" : "invalid_json", message_, hint_);
}

}  // namespace millrace::serve
