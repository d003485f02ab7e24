#include <fmt/format.h>

#include "lake/duck_column.h"
#include "lake/file_column.h"
#include "lake/json_text.h"
#include "lake/row_writers.h"

namespace millrace::lake {

namespace {

template <class Column>
void write_currency(const event::Currency& currency, Column& column, std::size_t row) {
  column.copied_text(row, currency.text());
}

template <class Column>
void write_session(const event::SessionRow& s, std::uint32_t partition, Column& column, std::size_t row) {
  switch (column.column() + 1) {
    case 1: return column.hex(row, s.session_id);
    case 2: return column.int32(row, s.version);
    case 3: return column.boolean(row, s.retracted);
    case 4: return column.text(row, s.visitor_id);
    case 5: return column.text(row, s.user_id);
    case 6: return column.time(row, s.started_at);
    case 7: return column.time(row, s.ended_at);
    case 8: return column.int32(row, s.events);
    case 9: return column.int32(row, s.page_views);
    case 10: return column.int32(row, s.product_views);
    case 11: return column.int32(row, s.cart_adds);
    case 12: return column.int32(row, s.orders);
    case 13: return column.money(row, s.revenue);
    case 14: return write_currency(s.currency, column, row);
    case 15: return column.text(row, event::to_string(s.channel));
    case 16: return column.text(row, event::to_string(s.device));
    case 17: return column.text(row, event::to_string(s.level));
    case 18: return column.text(row, s.campaign_source);
    case 19: return column.text(row, s.campaign_medium);
    case 20: return column.text(row, s.campaign_name);
    case 21: return column.text(row, s.country);
    case 22: return column.text(row, s.category);
    case 23: return column.text(row, s.entry_page);
    case 24: return column.text(row, s.exit_page);
    case 25: return column.int32(row, partition);
    default: return column.int64(row, static_cast<std::int64_t>(s.offset));
  }
}

std::string lines_json(const event::OrderRow& order) {
  std::string out = "[";
  for (const auto& line : order.lines) {
    if (out.size() > 1) out += ',';
    out += "{\"product_id\":";
    append_json_string(out, line.product_id);
    out += ",\"name\":";
    append_json_string(out, line.name);
    out += ",\"category\":";
    append_json_string(out, line.category);
    out += fmt::format(",\"quantity\":{},\"price\":{}}}", line.quantity, event::to_string(line.price));
  }
  return out += ']';
}

template <class Column>
void write_order(const event::OrderRow& o, std::uint32_t partition, const SourceNames& sources,
                 Column& column, std::size_t row) {
  switch (column.column() + 1) {
    case 1: return column.text(row, o.order_id);
    case 2: return column.int32(row, o.version);
    case 3: return column.text(row, event::to_string(o.status));
    case 4: return column.text(row, source_name(sources, o.source));
    case 5: return column.text(row, o.visitor_id);
    case 6: return column.text(row, o.user_id);
    case 7: return column.hex(row, o.session_id);
    case 8: return column.time(row, o.ordered_at);
    case 9: return write_currency(o.currency, column, row);
    case 10: return column.money(row, o.revenue);
    case 11: return column.money(row, o.total);
    case 12: return column.money(row, o.subtotal);
    case 13: return column.money(row, o.tax);
    case 14: return column.money(row, o.shipping);
    case 15: return column.money(row, o.discount);
    case 16: return column.money(row, o.items_net);
    case 17: return column.money(row, o.order_net);
    case 18: return column.money(row, o.order_gross);
    case 19: return column.boolean(row, o.reconciles);
    case 20: return column.text(row, o.coupon);
    case 21: return column.text(row, event::to_string(o.channel));
    case 22: return column.text(row, event::to_string(o.device));
    case 23: return column.text(row, o.country);
    case 24: return column.int32(row, static_cast<std::int64_t>(o.lines.size()));
    case 25: return column.copied_text(row, lines_json(o));
    case 26: return column.int32(row, partition);
    default: return column.int64(row, static_cast<std::int64_t>(o.offset));
  }
}

}  // namespace

template <class Column>
void write_session_rows(std::span<const RowRef> rows, std::span<Column> columns) {
  for (std::size_t row = 0; row < rows.size(); ++row) {
    const RowGroup& group = *rows[row].segment->group;
    for (auto& column : columns) write_session(group.sessions[rows[row].row], group.partition, column, row);
  }
}

template <class Column>
void write_order_rows(std::span<const RowRef> rows, std::span<Column> columns, const SourceNames& sources) {
  for (std::size_t row = 0; row < rows.size(); ++row) {
    const RowGroup& group = *rows[row].segment->group;
    for (auto& column : columns)
      write_order(group.orders[rows[row].row], group.partition, sources, column, row);
  }
}

// The column after the last of the spec is the order in which cells came.
template <class Column>
void write_funnel_rows(std::span<const RowRef> rows, std::span<Column> columns) {
  constexpr std::size_t kFirstStep = 4;
  constexpr std::size_t kShard = kFirstStep + event::kFunnelStepCount;
  for (std::size_t row = 0; row < rows.size(); ++row) {
    const Segment& segment = *rows[row].segment;
    const event::FunnelCell& cell = segment.group->funnel[rows[row].row];
    for (auto& column : columns) {
      const std::size_t index = column.column();
      if (index == 0) {
        column.time(row, {cell.minute_ms});
      } else if (index == 1) {
        column.text(row, event::to_string(cell.channel));
      } else if (index == 2) {
        column.text(row, event::to_string(cell.device));
      } else if (index == 3) {
        column.binary(row, cell.category);
      } else if (index < kShard) {
        column.int64(row, cell.sessions[index - kFirstStep]);
      } else if (index == kShard) {
        column.int32(row, segment.group->partition);
      } else {
        column.int64(row, static_cast<std::int64_t>((segment.ordinal << 24) + rows[row].row));
      }
    }
  }
}

template void write_session_rows(std::span<const RowRef>, std::span<DuckColumn>);
template void write_session_rows(std::span<const RowRef>, std::span<FileColumn>);
template void write_order_rows(std::span<const RowRef>, std::span<DuckColumn>, const SourceNames&);
template void write_order_rows(std::span<const RowRef>, std::span<FileColumn>, const SourceNames&);
template void write_funnel_rows(std::span<const RowRef>, std::span<DuckColumn>);
template void write_funnel_rows(std::span<const RowRef>, std::span<FileColumn>);

}  // namespace millrace::lake
