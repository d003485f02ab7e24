#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "collect/webhook_mapping.h"

namespace millrace::app {

// Reads a mapping file (TOML, docs/guide/webhooks.md). Whatever it does not know is refused.
base::Result<collect::MappingSettings> parse_mapping(std::string_view text, std::string_view file_name);
base::Result<collect::MappingSettings> read_mapping(const std::string& path);
// The same as what webhooks are read by.
base::Result<std::shared_ptr<const collect::WebhookMapping>> compile_mapping(std::string_view text,
                                                                             std::string_view file_name);

}  // namespace millrace::app
