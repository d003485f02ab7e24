#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "privacy/personal_scan.h"

namespace millrace::privacy {

// For tests: what a scan finds, as "email ada@example.com".
inline std::vector<std::string> found_in(std::string_view text, PersonalSet kinds = kAllPersonal) {
  PersonalScan scan;
  std::vector<PersonalSpan> spans;
  scan.find(text, kinds, spans);
  std::vector<std::string> out;
  for (const auto& span : spans) {
    out.push_back(std::string(to_string(span.kind)) + " " +
                  std::string(text.substr(span.from, span.to - span.from)));
  }
  return out;
}
inline std::vector<std::string> one(std::string text) { return {std::move(text)}; }

// Up to 300 characters of which values and the escapes around them are made; on the heap to the byte, for the sanitizer to see.
inline std::vector<char> hostile_text(base::SeededRandom& random) {
  constexpr std::string_view kLetters = "0123456789 -+.%20@:abcfDE\\u\"{},\xc2\xa0";
  std::vector<char> exact(random.next() % 300);
  for (auto& c : exact) c = kLetters[random.next() % kLetters.size()];
  return exact;
}

}  // namespace millrace::privacy
