#pragma once

#include <bitset>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace re2 {
class RE2;
}

namespace millrace::contract {

// A regular expression of ECMA-262 (with the u flag), as far as RE2 can run it in linear time: no look-around, no
// back-references. Any thread.
class Pattern {
 public:
  static constexpr std::size_t kBytesMax = 2048;

  // invalid_argument names what is not supported.
  static base::Result<Pattern> compile(std::string_view expression);
  Pattern(Pattern&&) noexcept;
  Pattern& operator=(Pattern&&) noexcept;
  ~Pattern();

  // Anywhere in the text.
  bool matches(std::string_view text) const;

 private:
  // "^[a-z]{2,5}$" and the like, which need no automaton: between min and max characters of one set of ASCII.
  struct Run {
    std::bitset<128> set;
    std::size_t min = 0;
    std::size_t max = 0;
  };
  static std::optional<Run> parse_run(std::string_view expression);

  explicit Pattern(std::unique_ptr<re2::RE2> program);
  std::unique_ptr<re2::RE2> program_;
  std::optional<Run> run_;
};

// The same expression as RE2 writes it; invalid_argument for syntax that means something else there.
base::Result<std::string> translate_pattern(std::string_view expression);

}  // namespace millrace::contract
