#pragma once

#include <string>
#include <string_view>

namespace millrace::contract {

// `reference` as RFC 3986 section 5.2 resolves it against `base`; its fragment stays.
std::string resolve_uri(std::string_view base, std::string_view reference);

// Both parts of a URI; the fragment without its '#' and percent-decoded.
struct SplitUri {
  std::string_view document;
  std::string fragment;
};
SplitUri split_fragment(std::string_view uri);

}  // namespace millrace::contract
