#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "lake/duck.h"

namespace millrace::query {

// Who asks: some tables are not for everybody who may ask in SQL.
enum class Asker : std::uint8_t { analyst, admin };

// Rows as JSON objects, one after the other. One thread at a time.
class SideRows {
 public:
  virtual ~SideRows() = default;
  // False at the end.
  virtual base::Result<bool> next(std::string& json) = 0;
};

// A table beside the lake's: its rows lie somewhere else and are read when a statement asks for them, in no order. They are
// no part of the moment that a statement sees of the lake.
struct SideTable {
  struct Column {
    std::string name;    // None of SQL's own words.
    std::string type;    // What its text is cast to; what does not fit is NULL.
    std::string member;  // Of the object; a plain word.
  };
  std::string schema, name;  // Plain words.
  std::vector<Column> columns;
  Asker asker = Asker::admin;                                     // The least that may read it.
  std::function<base::Result<std::unique_ptr<SideRows>>()> open;  // Any thread.
};

// In what DuckDB says when rows could not be read, before the reason.
constexpr std::string_view kSideFault = "rows cannot be read: ";

// Makes it known to the connection's database, under its name; once.
base::Status add_side_table(lake::DuckConnection& connection, const SideTable& table);

}  // namespace millrace::query
