#include "app/webhook_mapping_file.h"

#include <fmt/format.h>

#include "app/toml.h"
#include "tools/file_text.h"

namespace millrace::app {

namespace {

using collect::MappingSettings;

base::Error wrong(std::string message) { return {base::ErrorCode::invalid_argument, std::move(message)}; }

base::Status read_text(const toml::node& node, std::string_view name, std::string& into) {
  const auto* text = node.as_string();
  if (text == nullptr) return wrong(fmt::format("{}: expected text", name));
  into = text->get();
  return base::Ok{};
}

base::Status read_pairs(const toml::node& node, std::string_view name, MappingSettings::Pairs& into) {
  const auto* table = node.as_table();
  if (table == nullptr) return wrong(fmt::format("{}: expected a table", name));
  for (const auto& [key, value] : *table) {
    std::string text;
    TRY(read_text(value, fmt::format("{}.{}", name, key.str()), text));
    into.emplace_back(std::string(key.str()), std::move(text));
  }
  return base::Ok{};
}

base::Status read_signature(const toml::node& node, MappingSettings& into) {
  MappingSettings::Pairs pairs;
  TRY(read_pairs(node, "signature", pairs));
  for (auto& [key, value] : pairs) {
    if (key == "header") {
      into.signature_header = value;
    } else if (key == "prefix") {
      into.signature_prefix = value;
    } else if (key == "coding" && (value == "hex" || value == "base64")) {
      into.signature_coding =
          value == "hex" ? collect::SignatureCoding::hex : collect::SignatureCoding::base64;
    } else {
      return wrong(fmt::format("signature.{}: there is header, prefix, and coding (hex or base64)", key));
    }
  }
  return base::Ok{};
}

base::Status read_lines(const toml::node& node, MappingSettings& into) {
  TRY(read_pairs(node, "lines", into.line_fields));
  for (auto at = into.line_fields.begin(); at != into.line_fields.end(); ++at) {
    if (at->first != "array") continue;
    into.lines = at->second;
    into.line_fields.erase(at);
    break;
  }
  return base::Ok{};
}

}  // namespace

base::Result<MappingSettings> parse_mapping(std::string_view text, std::string_view file_name) {
  const toml::parse_result parsed = toml::parse(text, file_name);
  if (!parsed) {
    const auto& error = parsed.error();
    return wrong(fmt::format("{}:{}: {}", file_name, error.source().begin.line,
                             std::string_view(error.description())));
  }
  MappingSettings mapping;
  for (const auto& [key, node] : parsed.table()) {
    const std::string_view name = key.str();
    base::Status read = wrong(fmt::format("there is no \"{}\" in a mapping", name));
    if (name == "items") read = read_text(node, name, mapping.items);
    if (name == "event") read = read_text(node, name, mapping.event);
    if (name == "group") read = read_text(node, name, mapping.group);
    if (name == "time") read = read_text(node, name, mapping.time);
    if (name == "events") read = read_pairs(node, name, mapping.events);
    if (name == "fields") read = read_pairs(node, name, mapping.fields);
    if (name == "lines") read = read_lines(node, mapping);
    if (name == "signature") read = read_signature(node, mapping);
    if (!read.ok()) return std::move(read).error().with_context(std::string(file_name));
  }
  return mapping;
}

base::Result<std::shared_ptr<const collect::WebhookMapping>> compile_mapping(std::string_view text,
                                                                             std::string_view file_name) {
  TRY_ASSIGN(auto settings, parse_mapping(text, file_name));
  auto mapping = collect::WebhookMapping::make(std::move(settings));
  if (!mapping.ok()) return std::move(mapping).error().with_context(std::string(file_name));
  return std::shared_ptr<const collect::WebhookMapping>(*std::move(mapping));
}

base::Result<MappingSettings> read_mapping(const std::string& path) {
  TRY_ASSIGN(const std::string text, tools::read_text(path));
  return parse_mapping(text, path);
}

}  // namespace millrace::app
