#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace millrace::app {

// Every setting by its dotted name, bound to the field it fills. The table reads a TOML file and --set NAME=VALUE, refuses what
// it does not know or what is out of range, and writes the reference page: so none of the three can disagree.
class SettingTable {
 public:
  struct Range {
    std::int64_t min;
    std::int64_t max;
  };

  // What a text must look like, and that as the end of a sentence: "is no name of a cookie".
  struct TextForm {
    bool (*fits)(std::string_view text);
    std::string_view otherwise;
  };

  void add(std::string_view name, std::string& field, std::string_view doc);
  // Takes nothing but a text of that form.
  void add(std::string_view name, std::string& field, TextForm form, std::string_view doc);
  void add_path(std::string_view name, std::string& field, std::string_view doc) { add(name, field, doc); }
  template <class Integer>
  void add(std::string_view name, Integer& field, Range range, std::string_view doc) {
    add_integer(name, static_cast<std::int64_t>(field), range, doc,
                [&field](std::int64_t value) { field = static_cast<Integer>(value); });
  }
  // A field that takes one of a few words.
  template <class Enum>
  void add(std::string_view name, Enum& field, std::vector<std::pair<std::string, Enum>> words,
           std::string_view doc) {
    std::vector<std::string> names;
    std::string initial;
    for (const auto& [word, value] : words) {
      names.push_back(word);
      if (value == field) initial = word;
    }
    add_word(name, initial, names, doc, [&field, words](std::string_view chosen) {
      for (const auto& [word, value] : words) {
        if (word == chosen) field = value;
      }
    });
  }
  // A list of tables ([[name]]), read by its owner.
  void add_list(std::string_view name, std::vector<std::string> keys, std::string_view doc,
                std::function<base::Status(const std::vector<std::pair<std::string, std::string>>&)> append);

  base::Status load_toml(std::string_view text, std::string_view file_name);
  base::Status set(std::string_view name, std::string_view value);

  // The reference page, in Markdown.
  std::string reference() const;

 private:
  struct Entry {
    std::string name;
    std::string type;
    std::string initial;
    std::string doc;
    std::function<base::Status(std::string_view)> assign;
  };
  struct List {
    std::string name;
    std::vector<std::string> keys;
    std::string doc;
    std::function<base::Status(const std::vector<std::pair<std::string, std::string>>&)> append;
  };

  void add_integer(std::string_view name, std::int64_t initial, Range range, std::string_view doc,
                   std::function<void(std::int64_t)> assign);
  void add_word(std::string_view name, std::string_view initial, std::vector<std::string> words,
                std::string_view doc, std::function<void(std::string_view)> assign);
  base::Error unknown(std::string_view name) const;

  std::vector<Entry> entries_;
  std::vector<List> lists_;
};

}  // namespace millrace::app
