#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace millrace::lake {

enum class Created : std::uint8_t { yes, exists_already };

// Immutable objects by name. Requires of its implementations that read() and list() show every finished
// write, and a linearizable create(): when two writers race for one name, exactly one is told `yes`. Table
// commits rest on that alone, so a store without it must not implement this interface. An `io` error means
// the outcome is unknown: look before doing it again.
class ObjectStore {
 public:
  virtual ~ObjectStore() = default;
  virtual base::Result<Created> create(std::string_view name, std::string_view bytes) = 0;
  virtual base::Result<std::string> read(std::string_view name) const = 0;
  // Names that begin with `prefix`, sorted.
  virtual base::Result<std::vector<std::string>> list(std::string_view prefix) const = 0;
  // Writes or overwrites one of the few objects that may change: exports for readers outside, such as
  // version-hint.text. A reader sees the old bytes or the new ones, whole. Of racing callers the last wins.
  virtual base::Status replace(std::string_view name, std::string_view bytes) = 0;
  virtual base::Status remove(std::string_view name) = 0;  // ok when already absent.
  // Where readers outside find the object: "file:///..." or "s3://...".
  virtual std::string location(std::string_view name) const = 0;
};

}  // namespace millrace::lake
