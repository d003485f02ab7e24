#include "lake/tables.h"

#include "base/result.h"

namespace millrace::lake {

namespace {

using enum parquet::Type;

// Ids are Iceberg field ids: a column that goes leaves a hole, a new one takes the next number, wherever it stands.
TableSpec raw_events_spec() {
  return {
      "raw",
      "events",
      "Every event as it arrived, whatever became of it.",
      {
          {1, "received_at", timestamptz, false, "When the server had it."},
          {2, "source", string, false, "Name of the write key it came with."},
          {3, "verdict", string, false, "accepted, duplicate, bot or quarantined."},
          {4, "visitor_key", int32, false,
           "Upper half of the visitor's hash: brings a visitor's events together."},
          {5, "raw", binary, false, "The item's bytes as they arrived."},
          {6, "partition", int32, false, "Journal partition."},
          {7, "offset", int64, false, "Position in it; with partition, the event's identity."},
          {8, "assigned_id", string, false,
           "The id that de-duplication uses, where the raw bytes do not hold it as messageId or eid."},
      },
      {{1, 1000, "day", Transform::day}},
      {4, 7},
  };
}

std::vector<Column> event_columns() {
  return {
      {1, "event_time", timestamptz, false, "When it happened: client time, corrected and clamped."},
      {2, "event_type", string, false, "Canonical name; `other` when there is none."},
      {3, "event_name", string, false, "As the client wrote it."},
      {4, "visitor_id", string, false, "Anonymous id, else user id."},
      {5, "user_id", string, false, ""},
      {6, "session_id", string, false, "16 hex digits; joins conformed.sessions."},
      {7, "source", string, false, "Name of the write key it came with."},
      // 8 was received_at, which raw.events has: a tenth of this table's bytes.
      {9, "page_url", string, false, ""},
      {10, "page_path", string, false, ""},
      {11, "page_title", string, false, ""},
      {12, "page_referrer", string, false, ""},
      {13, "campaign_source", string, false, ""},
      {14, "campaign_medium", string, false, ""},
      {15, "campaign_name", string, false, ""},
      {16, "campaign_term", string, false, ""},
      {17, "campaign_content", string, false, ""},
      {18, "click_id", string, false, "Name of the advertiser's click parameter."},
      {19, "device_type", string, false, "As the client wrote it."},
      {20, "country", string, false, "As the client wrote it, upper case."},
      {21, "locale", string, false, ""},
      {22, "product_id", string, false, "Of the first product."},
      {23, "product_name", string, false, ""},
      {24, "product_category", string, false, ""},
      {25, "product_brand", string, false, ""},
      {26, "product_variant", string, false, ""},
      {27, "price", decimal18_6, false, "Unit price of the first product."},
      {28, "quantity", int64, false, "Of the first product."},
      {29, "product_count", int32, false, "Products in the event."},
      {30, "products", string, false, "JSON array of all products, when there is more than one."},
      {31, "order_id", string, false, ""},
      {32, "checkout_id", string, false, ""},
      {33, "cart_id", string, false, ""},
      {34, "coupon", string, false, ""},
      {35, "currency", string, false, "ISO 4217."},
      {36, "revenue", decimal18_6, false, ""},
      {37, "total", decimal18_6, false, ""},
      {38, "subtotal", decimal18_6, false, ""},
      {39, "tax", decimal18_6, false, ""},
      {40, "shipping", decimal18_6, false, ""},
      {41, "discount", decimal18_6, false, ""},
      {42, "value", decimal18_6, false, ""},
      {43, "query", string, false, "What was searched for."},
      {44, "category", string, false, "Of the list or page."},
      {45, "list_id", string, false, ""},
      {46, "promotion_id", string, false, ""},
      {47, "payment_method", string, false, ""},
      {48, "shipping_method", string, false, ""},
      {49, "step", string, false, "Of the checkout."},
      {50, "library", string, false, "Name of the client library."},
      {51, "flags", int32, false, "Bits: why a value is not as the client sent it."},
      {52, "extra", string, false, "JSON object with everything no other column holds."},
      {53, "partition", int32, false, "Journal partition."},
      {54, "offset", int64, false, "Position in it; with partition, joins raw.events."},
      {55, "verdict", string, false, "accepted, or bot: then no figure counts it."},
      {56, "purposes", string, false, "What was granted, if something decided: necessary,analytics,..."},
      {57, "bot_score", int32, false, "0 to 100."},
      {58, "bot_reasons", string, false, "user_agent,rate,..."},
  };
}

TableSpec sessions_spec() {
  return {
      "conformed",
      "sessions",
      "Closed sessions. A correction is a row with the same session_id and a higher version.",
      {
          {1, "session_id", string, false, "16 hex digits."},
          {2, "version", int32, false, "1 when first closed; the highest one counts."},
          {3, "retracted", boolean, false,
           "A late event joined this session to another, which has its events."},
          {4, "visitor_id", string, false, ""},
          {5, "user_id", string, false, ""},
          {6, "started_at", timestamptz, false, ""},
          {7, "ended_at", timestamptz, false, "Time of the last event."},
          {8, "events", int32, false, ""},
          {9, "page_views", int32, false, ""},
          {10, "product_views", int32, false, ""},
          {11, "cart_adds", int32, false, ""},
          {12, "orders", int32, false, ""},
          {13, "revenue", decimal18_6, false, ""},
          {14, "currency", string, false, ""},
          {15, "channel", string, false, "Of the first touch."},
          {16, "device", string, false, ""},
          {17, "level", string, false, "Furthest step of the funnel."},
          {18, "campaign_source", string, false, ""},
          {19, "campaign_medium", string, false, ""},
          {20, "campaign_name", string, false, ""},
          {21, "country", string, false, ""},
          {22, "category", string, false, ""},
          {23, "entry_page", string, false, ""},
          {24, "exit_page", string, false, ""},
          {25, "partition", int32, false, "Journal partition."},
          {26, "offset", int64, false, "Of the record that closed it."},
      },
      {{6, 1000, "day", Transform::day}},
      {4, 6},
  };
}

TableSpec orders_spec() {
  return {
      "conformed",
      "orders",
      "Orders. A later change is a row with the same order_id and a higher version.",
      {
          {1, "order_id", string, false, ""},
          {2, "version", int32, false, "The highest one counts."},
          {3, "status", string, false, "completed, updated, refunded or cancelled."},
          {4, "source", string, false, "Name of the write key it came with."},
          {5, "visitor_id", string, false, ""},
          {6, "user_id", string, false, ""},
          {7, "session_id", string, false, "16 hex digits."},
          {8, "ordered_at", timestamptz, false, ""},
          {9, "currency", string, false, ""},
          {10, "revenue", decimal18_6, false, "As the client gave it, like the next five."},
          {11, "total", decimal18_6, false, ""},
          {12, "subtotal", decimal18_6, false, ""},
          {13, "tax", decimal18_6, false, ""},
          {14, "shipping", decimal18_6, false, ""},
          {15, "discount", decimal18_6, false, ""},
          {16, "items_net", decimal18_6, false, "Sum of price * quantity over the lines."},
          {17, "order_net", decimal18_6, false, "items_net less discount; docs/guide/orders.md."},
          {18, "order_gross", decimal18_6, false, "What the customer paid."},
          {19, "reconciles", boolean, false, "The client's amounts agree with its lines."},
          {20, "coupon", string, false, ""},
          {21, "channel", string, false, ""},
          {22, "device", string, false, ""},
          {23, "country", string, false, ""},
          {24, "line_count", int32, false, ""},
          {25, "lines", string, false, "JSON array of {product_id, name, category, quantity, price}."},
          {26, "partition", int32, false, "Journal partition."},
          {27, "offset", int64, false, "Of the record it came from."},
      },
      {{8, 1000, "day", Transform::day}},
      {5, 8},
  };
}

TableSpec quarantine_spec() {
  return {
      "conformed",
      "quarantine",
      "Items that could not become events, and records that an operator refused.",
      {
          {1, "received_at", timestamptz, false, ""},
          {2, "source", string, false, "Name of the write key it came with."},
          {3, "reason", string, false, "Stable code."},
          {4, "pointer", string, false, "RFC 6901 pointer to the offending value; empty: the whole item."},
          {5, "detail", string, false, "One sentence for a person."},
          {6, "raw", binary, false, "The item's bytes as they arrived."},
          {7, "partition", int32, false, "Journal partition."},
          {8, "offset", int64, false, ""},
      },
      {{1, 1000, "day", Transform::day}},
      {7, 8},
  };
}

TableSpec funnel_spec() {
  return {
      "curated",
      "funnel",
      "Sessions that reached each step at least, by the minute they started in.",
      {
          {1, "minute", timestamptz, false, ""},
          {2, "channel", string, false, ""},
          {3, "device", string, false, ""},
          {4, "category", string, false, "Empty when none was seen."},
          {5, "landing", int64, false, ""},
          {6, "browse", int64, false, ""},
          {7, "product_view", int64, false, ""},
          {8, "add_to_cart", int64, false, ""},
          {9, "checkout", int64, false, ""},
          {10, "payment", int64, false, ""},
          {11, "purchase", int64, false, ""},
          {12, "shard", int32, false, "Journal partition that counted them: sum over it."},
      },
      {{1, 1000, "day", Transform::day}},
      {1, 2, 3, 4, 12},
  };
}

}  // namespace

const TableSpec& spec_of(Table table) {
  static const std::array<TableSpec, kTableCount> specs = {
      sessions_spec(),
      orders_spec(),
      quarantine_spec(),
      funnel_spec(),
      TableSpec{"conformed",
                "events",
                "Events, in the canonical vocabulary. Figures count those with verdict accepted.",
                event_columns(),
                {{1, 1000, "day", Transform::day}},
                {4, 1}},
      raw_events_spec(),
  };
  return specs[index_of(table)];
}

std::string qualified_name(Table table) { return spec_of(table).name_space + "." + spec_of(table).name; }

std::size_t column_index(Table table, std::string_view name) {
  const auto& columns = spec_of(table).columns;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].name == name) return i;
  }
  INVARIANT(false && "no such column");
}

}  // namespace millrace::lake
