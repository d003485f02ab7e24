#pragma once

#include <cstddef>
#include <string_view>

namespace millrace::collect {

// The text when it has at most so many bytes, else its beginning: not cut inside a character, nor inside a number,
// which is left out whole. Most of a card number would be as good as all of it, and no longer known for one.
std::string_view cut_text(std::string_view text, std::size_t bytes_max);

}  // namespace millrace::collect
