#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "event/event.h"

namespace millrace::privacy {

// Replaces parts of a text, and moves the views of an event that lie in it. A view that holds some of what is
// replaced holds the whole of what stands for it. For one thread, reused; what it made holds until the next
// begin().
class Rewrite {
 public:
  void begin(std::string_view text);
  // Of parts that overlap, the one that begins first counts.
  void replace(std::size_t from, std::size_t to, std::string_view with);
  // As above; `with` is a string of JSON, and views of what it replaces hold it without its quotes.
  void replace_quoted(std::size_t from, std::size_t to, std::string_view with);
  bool empty() const { return edits_.empty(); }

  std::string_view apply();
  // The event's raw bytes are the text: they and the views into them become those of the new one.
  void apply(event::Event& event);

 private:
  struct Edit {
    std::uint32_t from = 0, to = 0;            // In the old text.
    std::uint32_t with_from = 0, with_to = 0;  // In replacements_.
    std::uint32_t new_from = 0, new_to = 0;    // In the new text, without quotes.
    bool quoted = false;
  };
  void add(std::size_t from, std::size_t to, std::string_view with, bool quoted);
  void move(std::string_view& view) const;
  std::size_t moved(std::size_t position, bool end) const;

  std::string_view old_;
  std::string replacements_;
  std::vector<Edit> edits_;
  std::string new_;
};

// Replaces the \u escapes of printable characters by the characters: what a scan must not overlook.
void unescape(std::string_view json, Rewrite& rewrite);

}  // namespace millrace::privacy
