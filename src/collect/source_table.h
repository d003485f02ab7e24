#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"

namespace millrace::collect {

struct SourceSettings {
  std::uint16_t index = 0;  // Persisted in every record: never given to another source.
  std::string name;
  std::string write_key;
  std::string secret;  // When not empty, the client must send it too.
  bool enabled = true;
};

// Source `index` takes every write key that no other source has, and requests without one: the embedded default.
struct OpenSource {
  bool enabled = false;
  std::uint16_t index = 0;
  std::string name = "default";
};

// Who may send. Immutable; shared by all threads.
class SourceTable {
 public:
  // invalid_argument when two sources share a write key, a name or an index.
  static base::Result<SourceTable> make(std::vector<SourceSettings> sources, OpenSource open);

  enum class Admission : std::uint8_t { admitted, unknown, disabled };
  struct Answer {
    Admission admission = Admission::unknown;
    std::uint16_t source = 0;
  };
  Answer admit(std::string_view write_key, std::string_view secret) const;
  // The source of that write key, whatever it must show besides; null when there is none. The open source has no key.
  const SourceSettings* find(std::string_view write_key) const;
  // "" for an index that no source has.
  std::string_view name(std::uint16_t index) const;
  const std::vector<SourceSettings>& sources() const { return sources_; }  // The open one included.

 private:
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  std::vector<SourceSettings> sources_;
  std::unordered_map<std::string, std::size_t, TextHash, std::equal_to<>> by_key_;
  OpenSource open_;
};

}  // namespace millrace::collect
