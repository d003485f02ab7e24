#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "http/http.h"

namespace millrace::serve {

// Reads a request's query strictly: a value out of range, given twice or of an unknown name is refused, never
// ignored. Readers return their default after the first thing that is wrong; ask refusal() after the last of
// them.
class Parameters {
 public:
  explicit Parameters(const http::Request& request) : request_(request) {}

  // Empty when absent.
  std::string_view text(std::string_view name, std::size_t bytes_max = 512);
  std::int64_t number(std::string_view name, std::int64_t preset, std::int64_t min, std::int64_t max);
  // ISO 8601, or milliseconds since 1970.
  std::optional<base::WallTime> time(std::string_view name);
  // Position of the value among `names`; `preset` when absent.
  std::size_t choice(std::string_view name, std::span<const std::string_view> names, std::size_t preset);
  // The same for a comma-separated list: a bit per name.
  std::uint32_t choices(std::string_view name, std::span<const std::string_view> names);
  // For a rule between values: what is wrong, and what to do about it.
  void refuse(std::string_view message, std::string_view hint);

  // 400 when anything was wrong, unknown names included.
  std::optional<http::Response> refusal();
  // The same for a request that takes none.
  static std::optional<http::Response> refuse_any(const http::Request& request) {
    return Parameters(request).refusal();
  }

 private:
  bool read(std::string_view name, std::string_view& value);

  const http::Request& request_;
  std::vector<std::string_view> known_;
  std::string message_;
  std::string hint_;
};

}  // namespace millrace::serve
