#include "collect/segment_pixel.h"

#include <algorithm>
#include <vector>

#include "collect/write_key.h"

namespace millrace::collect {

namespace {

// A member of the item by its path of up to three names.
struct Field {
  std::vector<std::string_view> path;
  std::string_view value;
};

std::vector<std::string_view> split_path(std::string_view name) {
  std::vector<std::string_view> path;
  while (path.size() < 2) {
    const std::size_t dot = name.find('.');
    if (dot == std::string_view::npos) break;
    path.push_back(name.substr(0, dot));
    name.remove_prefix(dot + 1);
  }
  path.push_back(name);
  return path;
}

// Writes the fields [from, to), which agree in their first `depth` names, as an object.
void append_object(const std::vector<Field>& fields, std::size_t from, std::size_t to, std::size_t depth,
                   std::string& json) {
  json += '{';
  for (std::size_t i = from; i < to;) {
    if (i > from) json += ',';
    http::append_json_string(json, fields[i].path[depth]);
    json += ':';
    std::size_t next = i + 1;
    if (fields[i].path.size() == depth + 1) {
      http::append_json_string(json, fields[i].value);
    } else {
      while (next < to && fields[next].path.size() > depth + 1 &&
             fields[next].path[depth] == fields[i].path[depth])
        ++next;
      append_object(fields, i, next, depth + 1, json);
    }
    i = next;
  }
  json += '}';
}

}  // namespace

bool pixel_item(const http::Request& request, std::string& json) {
  json.clear();
  if (const auto data = request.query_value("data"); !data.empty()) return decode_base64(data, json);
  std::vector<Field> fields;
  const auto fill = [&](std::string_view name, std::string_view value) {
    if (!value.empty() && request.query_value(name).empty()) fields.push_back({split_path(name), value});
  };
  for (const auto& [name, value] : request.query) {
    if (name != "writeKey") fields.push_back({split_path(name), value});
  }
  fill("context.userAgent", request.header("user-agent"));
  fill("context.page.url", request.header("referer"));
  std::stable_sort(fields.begin(), fields.end(),
                   [](const Field& a, const Field& b) { return a.path < b.path; });
  append_object(fields, 0, fields.size(), 0, json);
  return true;
}

}  // namespace millrace::collect
