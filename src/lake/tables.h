#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "lake/table_spec.h"

namespace millrace::lake {

// The tables of the lake, in the order a commit goes through them. raw_events is last: its offsets say up to where
// every table has its rows.
enum class Table : std::uint8_t { sessions, orders, quarantine, funnel, events, raw_events };
constexpr std::size_t kTableCount = 6;
constexpr std::array<Table, kTableCount> kTables = {Table::sessions, Table::orders, Table::quarantine,
                                                    Table::funnel,   Table::events, Table::raw_events};
constexpr std::size_t index_of(Table table) { return static_cast<std::size_t>(table); }

// docs/formats/tables.md tells what the columns mean.
const TableSpec& spec_of(Table table);
// "raw.events"
std::string qualified_name(Table table);
// Position of a column in its spec; an INVARIANT when there is none.
std::size_t column_index(Table table, std::string_view name);

}  // namespace millrace::lake
