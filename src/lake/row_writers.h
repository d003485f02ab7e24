#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "event/event.h"
#include "lake/table_rows.h"
#include "lake/tail.h"

namespace millrace::lake {

// What write_rows() calls, by table. `Column` is DuckColumn or FileColumn.
template <class Column>
void write_event_rows(std::span<const RowRef> rows, std::span<Column> columns, const SourceNames& sources);
template <class Column>
void write_raw_rows(std::span<const RowRef> rows, std::span<Column> columns, const SourceNames& sources);
template <class Column>
void write_quarantine_rows(std::span<const RowRef> rows, std::span<Column> columns,
                           const SourceNames& sources);
template <class Column>
void write_session_rows(std::span<const RowRef> rows, std::span<Column> columns);
template <class Column>
void write_order_rows(std::span<const RowRef> rows, std::span<Column> columns, const SourceNames& sources);
template <class Column>
void write_funnel_rows(std::span<const RowRef> rows, std::span<Column> columns);

// The name of a source; "" when it has none.
std::string_view source_name(const SourceNames& sources, std::uint16_t index);

// What raw.events says of a record. A payload that does not decode gives itself as raw bytes.
struct RawFields {
  base::WallTime received_at;
  std::uint16_t source = 0;
  std::int32_t visitor_key = 0;
  std::string_view raw;
  std::string_view message_id;  // Empty: none, or the raw bytes went with the visitor's ids.
};
RawFields raw_fields(std::string_view payload);

// The message id, unless raw.events's computed column finds it in `raw`: as the item's own "messageId", else as its "eid".
std::string_view assigned_id(std::string_view raw, std::string_view message_id);

// Upper half of the visitor's hash.
std::int32_t visitor_key_of(std::string_view visitor);

}  // namespace millrace::lake
