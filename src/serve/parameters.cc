#include "serve/parameters.h"

#include <algorithm>
#include <charconv>

#include "base/iso_time.h"

namespace millrace::serve {

namespace {

std::optional<std::int64_t> parse_number(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::string joined(std::span<const std::string_view> names) {
  std::string list;
  for (const std::string_view name : names) {
    if (!list.empty()) list += ", ";
    list += name;
  }
  return list;
}

// Echoed in messages; what a client sends may be long.
std::string quoted(std::string_view text) {
  return "'" + std::string(text.substr(0, 64)) + (text.size() > 64 ? "..." : "") + "'";
}

}  // namespace

bool Parameters::read(std::string_view name, std::string_view& value) {
  known_.push_back(name);
  bool found = false;
  for (const auto& [key, text] : request_.query) {
    if (key != name) continue;
    if (found) {
      refuse("The parameter " + std::string(name) + " is given twice.", "Give it once.");
      return false;
    }
    found = true;
    value = text;
  }
  return found;
}

std::string_view Parameters::text(std::string_view name, std::size_t bytes_max) {
  std::string_view value;
  if (!read(name, value)) return {};
  if (value.size() > bytes_max) {
    refuse("The parameter " + std::string(name) + " is too long.",
           "At most " + std::to_string(bytes_max) + " bytes.");
    return {};
  }
  return value;
}

std::int64_t Parameters::number(std::string_view name, std::int64_t preset, std::int64_t min,
                                std::int64_t max) {
  std::string_view value;
  if (!read(name, value)) return preset;
  const auto number = parse_number(value);
  if (number && *number >= min && *number <= max) return *number;
  refuse("The parameter " + std::string(name) + " cannot be " + quoted(value) + ".",
         "Give a whole number from " + std::to_string(min) + " to " + std::to_string(max) + ".");
  return preset;
}

std::optional<base::WallTime> Parameters::time(std::string_view name) {
  std::string_view value;
  if (!read(name, value)) return std::nullopt;
  if (const auto time = base::parse_iso_time(value); time.ok()) return *time;
  constexpr std::int64_t kLimitMs = 253'402'300'800'000;  // Year 10000.
  if (const auto ms = parse_number(value); ms && *ms >= 0 && *ms < kLimitMs) return base::WallTime{*ms};
  refuse("The parameter " + std::string(name) + " cannot be " + quoted(value) + ".",
         "Give an ISO 8601 time such as 2026-11-21T10:00:00Z, or milliseconds since 1970.");
  return std::nullopt;
}

std::size_t Parameters::choice(std::string_view name, std::span<const std::string_view> names,
                               std::size_t preset) {
  std::string_view value;
  if (!read(name, value)) return preset;
  const auto found = std::find(names.begin(), names.end(), value);
  if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
  refuse("The parameter " + std::string(name) + " cannot be " + quoted(value) + ".",
         "One of: " + joined(names) + ".");
  return preset;
}

std::uint32_t Parameters::choices(std::string_view name, std::span<const std::string_view> names) {
  std::string_view rest;
  std::uint32_t chosen = 0;
  if (!read(name, rest)) return chosen;
  while (!rest.empty()) {
    const std::size_t comma = rest.find(',');
    const std::string_view value = rest.substr(0, comma);
    rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 1);
    const auto found = std::find(names.begin(), names.end(), value);
    if (found == names.end()) {
      refuse("The parameter " + std::string(name) + " cannot contain " + quoted(value) + ".",
             "A comma-separated list of: " + joined(names) + ".");
      return 0;
    }
    chosen |= 1u << (found - names.begin());
  }
  return chosen;
}

void Parameters::refuse(std::string_view message, std::string_view hint) {
  if (!message_.empty()) return;
  message_ = message;
  hint_ = hint;
}

std::optional<http::Response> Parameters::refusal() {
  for (const auto& [name, value] : request_.query) {
    if (std::find(known_.begin(), known_.end(), name) != known_.end()) continue;
    refuse("There is no parameter " + quoted(name) + " here.",
           known_.empty() ? "This path takes none." : "Known: " + joined(known_) + ".");
  }
  if (message_.empty()) return std::nullopt;
  return http::error_response(400, "invalid_parameter", message_, hint_);
}

}  // namespace millrace::serve
