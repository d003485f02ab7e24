#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "lake/table_spec.h"

namespace millrace::lake {

// Iceberg's single-value serialisation of a column's bounds.

// Of a value as Parquet has it; nullopt for types that are given no bounds.
std::optional<std::string> number_bound(ColumnType type, std::int64_t value);

enum class Bound : std::uint8_t { lower, upper };
// Cut to 16 code points; an upper bound is raised to stay above what was cut, nullopt when it cannot be.
std::optional<std::string> text_bound(std::string_view text, Bound bound);

}  // namespace millrace::lake
