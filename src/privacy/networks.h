#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace millrace::privacy {

// An address as IPv6 writes it; one of IPv4 is ::ffff:a.b.c.d.
struct Address {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  auto operator<=>(const Address&) const = default;

  static std::optional<Address> parse(std::string_view text);
};

// Networks with their exceptions: of those that an address lies in the longest prefix decides. Immutable; any thread.
class Networks {
 public:
  // One network a line, "203.0.113.0/24" or "2001:db8::/32", an exception with ! before it, what follows a blank or # is
  // a note. invalid_argument names the first line that is neither.
  static base::Result<Networks> parse(std::string_view text);

  bool has(const Address& address) const;
  bool has(std::string_view address) const;
  std::size_t size() const { return networks_; }

 private:
  struct Network {
    Address from, to;  // Its last address.
    int prefix = 0;
    bool inside = true;
  };
  struct Change {
    Address from;
    bool inside = false;
  };
  void build(std::vector<Network> networks);

  std::vector<Change> changes_;  // By address; each holds up to the next.
  std::size_t networks_ = 0;
};

}  // namespace millrace::privacy
