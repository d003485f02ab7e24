#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/data_directory.h"
#include "app/settings.h"
#include "base/result.h"
#include "commerce/source_ranks.h"

namespace millrace::app {

// What a source is believed, beside others that tell of the same order. One that is made while the server runs has it from before
// its first event on, and keeps it, whatever becomes of its write key.
struct SourcePrecedence {
  std::string source;
  std::int64_t precedence = 0;
};

// None when the data directory has not seen the source yet.
base::Result<std::optional<std::int64_t>> fixed_precedence(const std::string& data_directory,
                                                           std::string_view source);
// Remembers those of sources that the directory has not seen yet, and of no others. Durable when it returns.
base::Status fix_precedences(DataDirectory& directory, const std::vector<SourcePrecedence>& made);

// Ranks every source: by its entry in the settings where it has one, else by what is remembered.
base::Status set_ranks(const Settings& settings, DataDirectory& directory, commerce::SourceRanks& ranks);

}  // namespace millrace::app
