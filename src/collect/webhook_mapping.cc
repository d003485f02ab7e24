#include "collect/webhook_mapping.h"

namespace millrace::collect {

namespace {

base::Error wrong(std::string message) { return {base::ErrorCode::invalid_argument, std::move(message)}; }

// "a.b" of "/a/b", as the mapping table writes paths.
base::Result<std::string> path_of(std::string_view pointer) {
  const std::string shown(pointer);
  if (pointer.size() < 2 || pointer[0] != '/')
    return wrong("\"" + shown + "\" is no JSON pointer such as /order/id");
  std::string path;
  for (const char c : pointer.substr(1)) {
    if (c == '.' || c == '~' || c == '[' || c == ']') {
      return wrong("\"" + shown + "\": names with any of . ~ [ ] cannot be mapped");
    }
    path += c == '/' ? '.' : c;
  }
  if (path.front() == '.' || path.back() == '.' || path.find("..") != std::string::npos) {
    return wrong("\"" + shown + "\" has an empty step");
  }
  return path;
}

}  // namespace

base::Status WebhookMapping::add_row(std::string_view pointer, std::string_view prefix, Target target) {
  TRY_ASSIGN(auto path, path_of(pointer));
  paths_.push_back(std::string(prefix) + path);
  rows_.push_back({paths_.back(), Scope::any, target});
  return base::Ok{};
}

base::Status WebhookMapping::add_names() {
  const Vocabulary known;
  for (const auto& [theirs, canonical] : settings_.events) {
    const auto type = known.event_type(canonical);
    if (type == event::EventType::other && canonical != "other") {
      return wrong("events: \"" + canonical + "\" is no canonical event");
    }
    names_.emplace_back(theirs, type);
  }
  return base::Ok{};
}

base::Result<std::unique_ptr<WebhookMapping>> WebhookMapping::make(MappingSettings settings) {
  std::unique_ptr<WebhookMapping> mapping(new WebhookMapping(std::move(settings)));
  const MappingSettings& from = mapping->settings_;
  for (const auto& [field, pointer] : from.fields) {
    const auto target = parse_target(field);
    if (!target) return wrong("fields: there is no field \"" + field + "\"");
    TRY(mapping->add_row(pointer, "", *target));
  }
  if (!from.group.empty()) return wrong("group is for files of rows");
  if (from.lines.empty() && !from.line_fields.empty()) {
    return wrong("lines.array: the pointer to the array of products is missing");
  }
  if (!from.lines.empty()) {
    TRY_ASSIGN(const auto array, path_of(from.lines));
    TRY(mapping->add_row(from.lines, "", {Target::Kind::lines, 0}));
    for (const auto& [field, pointer] : from.line_fields) {
      const auto target = parse_line_target(field);
      if (!target) return wrong("lines: a line has no field \"" + field + "\"");
      TRY(mapping->add_row(pointer, array + "[].", *target));
    }
  }
  if (!from.time.empty()) TRY(mapping->add_row(from.time, "", {Target::Kind::envelope, 0}));
  if (!from.event.empty()) TRY(mapping->add_row(from.event, "", to(event::Text::event_name)));
  if (!from.items.empty()) {
    TRY_ASSIGN(const auto checked, path_of(from.items));
    (void)checked;
  }
  TRY(mapping->add_names());
  mapping->vocabulary_ = std::make_unique<Vocabulary>(mapping->rows_, event_name_rows());
  return mapping;
}

event::EventType WebhookMapping::event_type(std::string_view name) const {
  for (const auto& [theirs, type] : names_) {
    if (theirs == name) return type;
  }
  return vocabulary_->event_type(name);
}

}  // namespace millrace::collect
