#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace millrace::privacy {

struct Spelling {
  std::size_t from;
  std::size_t to;
};

// Where `value` stands in `text` next, from `from` on, as a whole word: as it is, or with the escapes of JSON, URLs and HTML in it.
std::optional<Spelling> find_spelling(std::string_view text, std::string_view value, std::size_t from = 0);

}  // namespace millrace::privacy
