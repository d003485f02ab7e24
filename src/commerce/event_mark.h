#pragma once

#include <compare>
#include <cstdint>

#include "base/bytes.h"

namespace millrace::commerce {

// Where an event stands in its visitor's history: by event time, equal times by arrival.
struct EventMark {
  std::int64_t at_ms = 0;
  std::uint64_t offset = 0;
  auto operator<=>(const EventMark&) const = default;
};

inline void write_mark(EventMark mark, base::ByteWriter& writer) {
  writer.zigzag(mark.at_ms);
  writer.varint(mark.offset);
}
inline EventMark read_mark(base::ByteReader& reader) {
  EventMark mark;
  mark.at_ms = reader.zigzag();
  mark.offset = reader.varint();
  return mark;
}

}  // namespace millrace::commerce
