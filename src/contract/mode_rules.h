#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "contract/contract_rules.h"

namespace millrace::contract {

// {"format":1,"rules":[{"source","contract","mode"}]}, and back: docs/formats/contracts.md. A file of another format, or with
// anything else where a name is to stand, is corrupt: taken for empty, a name would stand for all.
base::Result<std::vector<ModeRule>> parse_mode_rules(std::string_view json);
std::string mode_rules_json(const std::vector<ModeRule>& rules);

}  // namespace millrace::contract
