#pragma once

#include <span>

#include "collect/vocabulary.h"

namespace millrace::collect {

constexpr auto kEnvelope = to(Target::Kind::envelope);
constexpr auto kLines = to(Target::Kind::lines);
constexpr auto kOneLine = to(Target::Kind::one_line);
constexpr auto kCurrency = to(Target::Kind::currency);
constexpr auto kCountry = to(Target::Kind::country);

// A dialect's part of the mapping table.
struct Rows {
  std::span<const EventNameRow> names;
  std::span<const FieldRow> fields;
};
Rows segment_rows();
Rows snowplow_rows();
Rows ga4_protocol_rows();
Rows ga4_tag_rows();
Rows shopify_rows();

}  // namespace millrace::collect
