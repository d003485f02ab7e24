#pragma once

// toml++, for whatever a person writes: what its grammar does not have is an error to be told, in any build. Its own assertions are of
// the text, not of the program (3.3 has one that `[=` breaks), and the error is found right after them.
#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#define TOML_ASSERT(condition) static_assert(true)
#include <toml++/toml.h>
