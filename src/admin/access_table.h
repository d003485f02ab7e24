#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "admin/role.h"
#include "http/http.h"

namespace millrace::admin {

enum class Access : std::uint8_t {
  open,       // For shops' pages and for whoever signs in.
  write_key,  // For whoever shows a write key that may send; an operator needs none.
  health,     // Open, or a viewer's, by setting.
  metrics,    // The same.
  viewer,
  analyst,
  operator_,
  admin,
};

// What the audit log has of a change.
enum class Recorded : std::uint8_t {
  path,
  pattern,        // The path names a person.
  path_if_known,  // A path, and only when somebody is known to have asked: a shop's own systems do it all day.
};

struct AccessRow {
  http::Method method;
  std::string_view pattern;  // As the route was added.
  Access access;
  std::string_view act = {};  // Its name in the audit log; empty: it is not in there, or writes there itself.
  Recorded recorded = Recorded::path;
};

// Of every route that is neither collection nor a file of the dashboard. A route that is missing here is an admin's.
std::span<const AccessRow> access_table();
// Null when it is missing.
const AccessRow* find_access(http::Method method, std::string_view pattern);

// The role that `access` takes; none for what is open.
Role role_for(Access access);

}  // namespace millrace::admin
