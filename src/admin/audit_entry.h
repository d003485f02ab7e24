#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace millrace::admin {

// One administrative act. Holds no token, key or person's id.
struct AuditEntry {
  base::WallTime at;
  std::string act;                   // "token.create"
  std::string target;                // What it was done to.
  std::string outcome;               // "done", "refused", "failed".
  int status = 0;                    // Of the answer; 0: nobody asked by HTTP.
  std::string token_id, name, role;  // Who; empty: not known.
  std::string address;               // Where from; empty: the server itself or its command line.
  std::string detail;
};

// "done", "refused" or "failed".
std::string_view outcome_of(int status);

// A line with its end: the CRC-32C of the JSON, eight digits, a blank, the JSON. Long texts are cut.
std::string audit_line(const AuditEntry& entry);
// The JSON of a line without its end; empty when the line is torn or damaged.
std::string_view audit_json(std::string_view line);
std::optional<base::WallTime> audit_time(std::string_view json);

}  // namespace millrace::admin
