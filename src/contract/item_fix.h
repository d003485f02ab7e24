#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "contract/json_document.h"

namespace millrace::contract {

// One repair of a quarantined item.
struct ItemFix {
  enum class Action : std::uint8_t {
    rename,  // The member at `pointer` is called `to`.
    cast,    // Its value becomes a `to`: string, number, integer or boolean. What does not read as one stays.
    set_default,  // It is `value` where it is missing or null.
    drop,
  };
  Action action = Action::drop;
  std::string pointer;  // RFC 6901, into the item.
  std::string to;
  std::string value;  // JSON.
};

// A list of {"action": "rename" | "cast" | "default" | "drop", "pointer", "to", "value"} on a tape.
base::Result<std::vector<ItemFix>> read_fixes(const JsonTape& tape, std::uint32_t list);

// The item after all fixes, in their order; those that have nothing to act on change nothing. invalid_argument when `item` is
// no JSON object.
base::Result<std::string> apply_fixes(std::string_view item, const std::vector<ItemFix>& fixes);

}  // namespace millrace::contract
