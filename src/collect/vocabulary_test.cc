#include "collect/vocabulary.h"

#include <doctest/doctest.h>

#include <fstream>
#include <set>
#include <sstream>
#include <string>

using namespace millrace::collect;
using millrace::event::EventType;

namespace {

std::string documented() {
  std::ifstream file(MILLRACE_SOURCE_DIR "/docs/guide/vocabulary.md");
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// What the tables in docs/guide/vocabulary.md must be, line by line.
std::string tables() {
  std::string out;
  for (const Table table : kTables) {
    out += "| " + std::string(to_string(table)) + ": event | also | canonical |\n|---|---|---|\n";
    for (const EventNameRow& row : event_name_rows(table)) {
      out += "| " + std::string(row.name) + " | " + std::string(row.alias) +
             (row.alias.empty() ? "| " : " | ") + "`" + std::string(millrace::event::to_string(row.type)) +
             "` |\n";
    }
    out += "\n| " + std::string(to_string(table)) + ": path | for | becomes |\n|---|---|---|\n";
    for (const FieldRow& row : field_rows(table)) {
      out += "| `" + std::string(row.path) + "` | " + std::string(to_string(row.scope)) + " | " +
             to_string(row.target) + " |\n";
    }
    out += "\n";
  }
  return out;
}

}  // namespace

TEST_CASE("docs/guide/vocabulary.md has the tables of the code") {
  const std::string text = documented();
  REQUIRE_FALSE(text.empty());
  std::stringstream lines(tables());
  std::size_t rows = 0;
  std::string line;
  while (std::getline(lines, line)) {
    if (line.empty()) continue;
    CAPTURE(line);
    CHECK(text.find(line + "\n") != std::string::npos);
    rows += line.starts_with("| ") ? 1 : 0;
  }
  std::size_t documented_rows = 0;
  std::stringstream document(text);
  while (std::getline(document, line)) documented_rows += line.starts_with("| ") ? 1 : 0;
  CHECK(documented_rows == rows);
}

TEST_CASE("an event is known by any spelling of its names") {
  const Vocabulary vocabulary;
  for (const EventNameRow& row : event_name_rows()) {
    CHECK(vocabulary.event_type(row.name) == row.type);
    if (!row.alias.empty()) CHECK(vocabulary.event_type(row.alias) == row.type);
    CHECK(vocabulary.event_type(millrace::event::to_string(row.type)) == row.type);
  }
  for (const std::string_view spelling :
       {"order completed", "ORDER COMPLETED", "OrderCompleted", "order_completed", "order-completed",
        "  Order  Completed ", "completedOrder"}) {
    CAPTURE(spelling);
    CHECK(vocabulary.event_type(spelling) == EventType::order_completed);
  }
  for (const std::string_view unknown :
       {"", " ", "Order", "Order Completed!", "Signed Up", "Orders Completed"}) {
    CAPTURE(unknown);
    CHECK(vocabulary.event_type(unknown) == EventType::other);
  }
  CHECK(vocabulary.event_type(std::string(100'000, 'a')) == EventType::other);
}

TEST_CASE("every row of the field table is found by its path, for the events it is for") {
  const Vocabulary vocabulary;
  std::set<std::string_view> paths;
  std::uint16_t rank = 0;
  for (const FieldRow& row : field_rows()) {
    paths.insert(row.path);
    Vocabulary::Section section = Vocabulary::kRoot;
    std::string_view rest = row.path;
    const Vocabulary::Entry* entry = nullptr;
    while (!rest.empty()) {
      const std::size_t end = rest.find_first_of(".[");
      entry = vocabulary.find(section, rest.substr(0, end));
      REQUIRE(entry != nullptr);
      rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end);
      if (!rest.empty()) section = entry->opens;
      if (rest.starts_with("[]")) {
        entry = vocabulary.find(section, "[]");
        REQUIRE(entry != nullptr);
        section = entry->opens;
        rest.remove_prefix(2);
      }
      if (rest.starts_with(".")) rest.remove_prefix(1);
    }
    bool found = false;
    for (std::size_t type = 0; type < millrace::event::kEventTypeCount; ++type) {
      const auto* chosen = vocabulary.row_for(*entry, static_cast<EventType>(type));
      found |= chosen != nullptr && chosen->rank == rank;
    }
    CAPTURE(row.path);
    CHECK(found);
    ++rank;
  }
  CHECK(vocabulary.find(Vocabulary::kRoot, "unknown") == nullptr);
  CHECK(vocabulary.find(Vocabulary::kRoot, "") == nullptr);
  CHECK(vocabulary.find(Vocabulary::kRoot, std::string(100'000, 'k')) == nullptr);
}
