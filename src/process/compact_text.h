#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>

namespace millrace::process {

// Immutable text of which up to 38 bytes, a UUID among them, lie in the object itself: comparing it with another touches no
// other memory.
class CompactText {
 public:
  CompactText() = default;
  explicit CompactText(std::string_view text) { *this = text; }

  CompactText& operator=(std::string_view text) {
    long_.reset();
    if (text.size() <= kInlineMax) {
      size_ = static_cast<std::uint8_t>(text.size());
      std::memcpy(inline_, text.data(), text.size());
    } else {
      size_ = kLong;
      long_ = std::make_unique<char[]>(text.size());
      std::memcpy(long_.get(), text.data(), text.size());
      const auto size = static_cast<std::uint32_t>(text.size());
      std::memcpy(inline_, &size, sizeof size);
    }
    return *this;
  }

  operator std::string_view() const {  // NOLINT: it is a text.
    if (size_ != kLong) return {inline_, size_};
    std::uint32_t size = 0;
    std::memcpy(&size, inline_, sizeof size);
    return {long_.get(), size};
  }
  friend bool operator==(const CompactText& a, std::string_view b) { return std::string_view(a) == b; }

 private:
  static constexpr std::size_t kInlineMax = 38;
  static constexpr std::uint8_t kLong = 0xff;

  std::unique_ptr<char[]> long_;
  std::uint8_t size_ = 0;
  char inline_[kInlineMax + 1] = {};
};

}  // namespace millrace::process
