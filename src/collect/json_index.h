#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace simdjson::internal {
class dom_parser_implementation;
}

namespace millrace::collect {

enum class JsonFault : std::uint8_t {
  none,
  empty,
  unclosed_string,
  too_long,
};

// Where the tokens of a JSON text start: brackets, colons, commas, the opening quotes of strings, the first characters of
// numbers and literals. simdjson's first stage finds them with the widest vectors the machine has, whatever we were
// compiled for; what lies between the tokens is JsonTape's to check, so that one bad item costs that item alone.
class JsonIndex {
 public:
  JsonIndex();
  ~JsonIndex();

  // `text` must outlive the use of this. Bytes that are not UTF-8 and raw control characters in strings do not stop the
  // scan; suspect() then asks for a closer look at every item.
  JsonFault scan(std::string_view text);

  std::string_view text() const { return text_; }
  bool suspect() const { return suspect_; }
  // Whether any string of it may have an escape.
  bool has_escapes() const { return has_escapes_; }
  std::uint32_t size() const { return size_; }
  // Position of token `i`; text().size() for i == size().
  std::uint32_t position(std::uint32_t i) const { return positions_[i]; }
  const std::uint32_t* positions() const { return positions_; }
  char character(std::uint32_t i) const { return i < size_ ? text_[positions_[i]] : '\0'; }
  // From the start of token `i` to the start of the next, without the blanks between.
  std::string_view token(std::uint32_t i) const {
    std::size_t end = i + 1 < size_ ? positions_[i + 1] : text_.size();
    const std::size_t begin = positions_[i];
    while (end > begin && is_blank(text_[end - 1])) --end;
    return text_.substr(begin, end - begin);
  }
  // The text of the tokens from `first` up to `end`, without the blanks behind it.
  std::string_view text_of(std::uint32_t first, std::uint32_t end) const;
  // Index after the value that starts at token `i`, by counting brackets; size() when they do not close.
  std::uint32_t skip(std::uint32_t i) const;

 private:
  static bool is_blank(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

  std::unique_ptr<simdjson::internal::dom_parser_implementation> scanner_;
  std::string cleaned_;  // A copy without control characters, for texts that have some.
  std::string_view text_;
  const std::uint32_t* positions_ = nullptr;
  std::uint32_t size_ = 0;
  bool suspect_ = false;
  bool has_escapes_ = false;
};

}  // namespace millrace::collect
