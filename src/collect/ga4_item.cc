#include "collect/ga4_item.h"

#include <array>

#include "http/http.h"

namespace millrace::collect {

namespace {

constexpr std::string_view kGroups[] = {"ep", "epn", "up", "upn"};

void append_member(std::string& json, std::string_view name, std::string_view value) {
  if (json.back() != '{') json += ',';
  http::append_json_string(json, name);
  json += ':';
  http::append_json_string(json, value);
}

// "pr12", but not "pre" or "pr": an item and its place.
bool is_item(std::string_view name) {
  if (name.size() < 3 || name.size() > 5 || !name.starts_with("pr")) return false;
  return name.find_first_not_of("0123456789", 2) == std::string_view::npos;
}

// Which of kGroups "epn.value" is of; their count when it is of none.
std::size_t group_of(std::string_view name) {
  const std::size_t dot = name.find('.');
  std::size_t group = 0;
  while (group < std::size(kGroups) &&
         (dot == std::string_view::npos || name.substr(0, dot) != kGroups[group])) {
    ++group;
  }
  return group;
}

bool is_custom(std::string_view part, char letter) {
  return part.size() >= 2 && part[0] == letter && part[1] >= '0' && part[1] <= '9';
}

// "idSKU~nmShoe~pr9.5~k0size~v043"
void append_item(std::string& json, std::string_view coded) {
  if (json.back() != '[') json += ',';
  json += '{';
  std::array<std::string_view, 10> names{};
  while (!coded.empty()) {
    const std::size_t end = coded.find('~');
    const std::string_view part = coded.substr(0, end);
    coded = end == std::string_view::npos ? std::string_view{} : coded.substr(end + 1);
    if (part.size() < 2) continue;
    if (is_custom(part, 'k')) {
      names[static_cast<std::size_t>(part[1] - '0')] = part.substr(2);
    } else if (is_custom(part, 'v') && !names[static_cast<std::size_t>(part[1] - '0')].empty()) {
      append_member(json, names[static_cast<std::size_t>(part[1] - '0')], part.substr(2));
    } else {
      append_member(json, part.substr(0, 2), part.substr(2));
    }
  }
  json += '}';
}

}  // namespace

void append_hit_parameters(std::string_view query, HitParameters& parameters) {
  while (!query.empty()) {
    const std::size_t end = query.find('&');
    const std::string_view field = query.substr(0, end);
    query = end == std::string_view::npos ? std::string_view{} : query.substr(end + 1);
    if (field.empty()) continue;
    const std::size_t equals = field.find('=');
    auto& [name, value] = parameters.emplace_back();
    const auto decode = [](std::string_view text, std::string& into) {
      if (http::percent_decode(text, http::Plus::space, into)) return;
      into = text;
    };
    decode(field.substr(0, equals), name);
    if (equals != std::string_view::npos) decode(field.substr(equals + 1), value);
  }
}

void write_hit(const HitParameters& parameters, std::string& json) {
  json = '{';
  std::array<std::string, std::size(kGroups)> groups;
  std::string items = "[";
  for (const auto& [name, value] : parameters) {
    if (is_item(name)) {
      append_item(items, value);
    } else if (const std::size_t group = group_of(name); group < std::size(kGroups)) {
      if (groups[group].empty()) groups[group] = '{';
      append_member(groups[group], std::string_view(name).substr(kGroups[group].size() + 1), value);
    } else {
      append_member(json, name, value);
    }
  }
  const auto append_group = [&json](std::string_view name, std::string_view text, char close) {
    if (json.size() > 1) json += ',';
    json += '"';
    json += name;
    json += "\":";
    json += text;
    json += close;
  };
  for (std::size_t i = 0; i < std::size(kGroups); ++i) {
    if (!groups[i].empty()) append_group(kGroups[i], groups[i], '}');
  }
  if (items.size() > 1) append_group("items", items, ']');
  json += '}';
}

}  // namespace millrace::collect
