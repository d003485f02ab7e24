#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace millrace::admin {

// What somebody may do; each may do what those before it may.
enum class Role : std::uint8_t {
  none,
  viewer,     // Figures.
  analyst,    // What came in, item by item, and SQL.
  operator_,  // Contracts, quarantine, suppressions, stock.
  admin,      // Tokens, write keys, the audit log.
};
constexpr std::array<std::string_view, 5> kRoleNames = {"none", "viewer", "analyst", "operator", "admin"};

constexpr std::string_view to_string(Role role) { return kRoleNames[static_cast<std::size_t>(role)]; }

// Of those that a token can have.
constexpr std::optional<Role> parse_role(std::string_view name) {
  for (std::size_t i = 1; i < kRoleNames.size(); ++i) {
    if (kRoleNames[i] == name) return static_cast<Role>(i);
  }
  return std::nullopt;
}

}  // namespace millrace::admin
