#include "app/setting_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "app/toml.h"

namespace millrace::app {

using base::Error;
using base::ErrorCode;

namespace {

Error invalid(std::string message) { return Error(ErrorCode::invalid_argument, std::move(message)); }

// Edit distance, for "did you mean".
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0u : 1u)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

base::Result<std::string> scalar_text(const toml::node& node, std::string_view name) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* integer = node.as_integer()) return std::to_string(integer->get());
  if (const auto* boolean = node.as_boolean()) return std::string(boolean->get() ? "true" : "false");
  return invalid(fmt::format("{}: expected text or a whole number", name));
}

}  // namespace

void SettingTable::add(std::string_view name, std::string& field, std::string_view doc) {
  add(name, field, {[](std::string_view) { return true; }, ""}, doc);
}

void SettingTable::add(std::string_view name, std::string& field, TextForm form, std::string_view doc) {
  auto assign = [&field, form, name = std::string(name)](std::string_view value) -> base::Status {
    if (!form.fits(value)) return invalid(fmt::format("{}: \"{}\" {}", name, value, form.otherwise));
    field = value;
    return base::Ok{};
  };
  entries_.push_back({std::string(name), "text", field, std::string(doc), std::move(assign)});
}

void SettingTable::add_integer(std::string_view name, std::int64_t initial, Range range, std::string_view doc,
                               std::function<void(std::int64_t)> assign) {
  auto parse = [name = std::string(name), range,
                assign = std::move(assign)](std::string_view text) -> base::Status {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) {
      return invalid(fmt::format("{}: \"{}\" is not a whole number", name, text));
    }
    if (value < range.min || value > range.max) {
      return invalid(fmt::format("{}: {} is not between {} and {}", name, value, range.min, range.max));
    }
    assign(value);
    return base::Ok{};
  };
  entries_.push_back({std::string(name), fmt::format("{} to {}", range.min, range.max),
                      std::to_string(initial), std::string(doc), std::move(parse)});
}

void SettingTable::add_word(std::string_view name, std::string_view initial, std::vector<std::string> words,
                            std::string_view doc, std::function<void(std::string_view)> assign) {
  const std::string list = fmt::format("{}", fmt::join(words, ", "));
  auto parse = [name = std::string(name), words = std::move(words), list,
                assign = std::move(assign)](std::string_view text) -> base::Status {
    if (std::find(words.begin(), words.end(), text) == words.end()) {
      return invalid(fmt::format("{}: \"{}\" is none of {}", name, text, list));
    }
    assign(text);
    return base::Ok{};
  };
  entries_.push_back({std::string(name), list, std::string(initial), std::string(doc), std::move(parse)});
}

void SettingTable::add_list(
    std::string_view name, std::vector<std::string> keys, std::string_view doc,
    std::function<base::Status(const std::vector<std::pair<std::string, std::string>>&)> append) {
  lists_.push_back({std::string(name), std::move(keys), std::string(doc), std::move(append)});
}

base::Status SettingTable::set(std::string_view name, std::string_view value) {
  for (const auto& entry : entries_) {
    if (entry.name == name) return entry.assign(value);
  }
  return unknown(name);
}

Error SettingTable::unknown(std::string_view name) const {
  std::string nearest;
  std::size_t best = 5;
  const auto consider = [&](const std::string& known, std::string shown) {
    if (const std::size_t d = distance(known, name); d < best) {
      best = d;
      nearest = std::move(shown);
    }
  };
  for (const auto& entry : entries_) consider(entry.name, entry.name);
  for (const auto& list : lists_) consider(list.name, "[[" + list.name + "]]");
  if (!nearest.empty()) return invalid(fmt::format("no setting \"{}\"; did you mean \"{}\"?", name, nearest));
  return invalid(fmt::format("no setting \"{}\"; `millrace settings` lists them", name));
}

base::Status SettingTable::load_toml(std::string_view text, std::string_view file_name) {
  const toml::parse_result parsed = toml::parse(text, file_name);
  if (!parsed) {
    const auto& error = parsed.error();
    return invalid(fmt::format("{}:{}: {}", file_name, error.source().begin.line,
                               std::string_view(error.description())));
  }
  const std::function<base::Status(const toml::table&, const std::string&)> walk =
      [&](const toml::table& table, const std::string& prefix) -> base::Status {
    for (const auto& [key, node] : table) {
      const std::string name =
          prefix.empty() ? std::string(key.str()) : prefix + "." + std::string(key.str());
      if (const auto* inner = node.as_table()) {
        TRY(walk(*inner, name));
        continue;
      }
      if (const auto* array = node.as_array()) {
        const auto list =
            std::find_if(lists_.begin(), lists_.end(), [&](const List& l) { return l.name == name; });
        if (list == lists_.end()) return unknown(name);
        for (const auto& element : *array) {
          const auto* row = element.as_table();
          if (!row) return invalid(fmt::format("{}: expected [[{}]] tables", name, name));
          std::vector<std::pair<std::string, std::string>> values;
          for (const auto& [inner_key, inner_node] : *row) {
            const std::string inner_name(inner_key.str());
            if (std::find(list->keys.begin(), list->keys.end(), inner_name) == list->keys.end()) {
              return invalid(fmt::format("{}: no key \"{}\"; it takes {}", name, inner_name,
                                         fmt::join(list->keys, ", ")));
            }
            TRY_ASSIGN(std::string value, scalar_text(inner_node, name + "." + inner_name));
            values.emplace_back(inner_name, std::move(value));
          }
          TRY(list->append(values));
        }
        continue;
      }
      TRY_ASSIGN(const std::string value, scalar_text(node, name));
      TRY(set(name, value));
    }
    return base::Ok{};
  };
  if (auto status = walk(parsed.table(), ""); !status.ok()) {
    return std::move(status).error().with_context(file_name);
  }
  return base::Ok{};
}

std::string SettingTable::reference() const {
  std::string page =
      "# Settings\n\nWritten by `millrace settings`; `./dev lint` checks that it is what the code says.\n\n"
      "A setting is given in a TOML file (`millrace serve --config FILE`: `http.port = 8080`, or under "
      "`[http]`) or as\n"
      "`--set NAME=VALUE`, which wins. An unknown name, or a value out of its range, ends the start with a "
      "message.\n\n"
      "| name | values | default | what it does |\n|---|---|---|---|\n";
  for (const auto& entry : entries_) {
    page += fmt::format("| `{}` | {} | {} | {} |\n", entry.name, entry.type,
                        entry.initial.empty() ? "(empty)" : "`" + entry.initial + "`", entry.doc);
  }
  for (const auto& list : lists_) {
    page += fmt::format("| `[[{}]]` | tables of {} | (none) | {} |\n", list.name, fmt::join(list.keys, ", "),
                        list.doc);
  }
  return page;
}

}  // namespace millrace::app
