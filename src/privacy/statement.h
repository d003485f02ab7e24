#pragma once

#include <cstdint>

#include "event/event.h"

namespace millrace::privacy {

// What one signal says of each purpose. A signal may leave purposes open.
struct Statement {
  std::uint8_t granted = 0;  // Bits of event::Purpose.
  std::uint8_t denied = 0;

  void say(event::Purpose purpose, bool grants) {
    (grants ? granted : denied) |= event::Purposes::bit(purpose);
  }
  // Of several signals, a denial counts.
  void add(const Statement& other) {
    granted |= other.granted;
    denied |= other.denied;
  }
  bool empty() const { return (granted | denied) == 0; }
  bool operator==(const Statement&) const = default;
};

}  // namespace millrace::privacy
