#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::parquet {

// Gives each distinct text a number, in the order they come, and is at once the dictionary page of a column: each text after
// its length in four bytes.
class TextDictionary {
 public:
  std::uint32_t add(std::string_view text);

  std::size_t size() const { return ends_.size(); }
  std::string_view operator[](std::uint32_t index) const {
    const std::size_t begin = (index == 0 ? 0 : ends_[index - 1]) + sizeof(std::uint32_t);
    return {bytes_.data() + begin, ends_[index] - begin};
  }
  std::string_view page() const { return bytes_; }
  // Keeps its memory.
  void clear();

 private:
  struct Slot {
    std::uint32_t hash = 0;
    std::uint32_t number = 0;  // Index and one; 0: free.
  };
  void grow();

  std::string bytes_;
  std::vector<std::size_t> ends_;
  std::vector<Slot> slots_;  // A power of two, at most half full; probed linearly.
  std::uint32_t last_ = 0;   // What was found last: sorted rows repeat themselves.
};

}  // namespace millrace::parquet
