#include "contract/uri.h"

#include <cstddef>

namespace millrace::contract {

namespace {

constexpr auto kNone = std::string_view::npos;

// The parts of RFC 3986 section 3, delimiters included in scheme ("a:"), authority ("//a"), query ("?a"), fragment ("#a").
struct Parts {
  std::string_view scheme, authority, path, query, fragment;
};

bool is_scheme(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool other = (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
    if (!letter && (i == 0 || !other)) return false;
  }
  return !text.empty();
}

Parts split(std::string_view uri) {
  Parts parts;
  if (const auto mark = uri.find('#'); mark != kNone) {
    parts.fragment = uri.substr(mark);
    uri = uri.substr(0, mark);
  }
  if (const auto mark = uri.find('?'); mark != kNone) {
    parts.query = uri.substr(mark);
    uri = uri.substr(0, mark);
  }
  const auto colon = uri.find(':');
  if (colon != kNone && is_scheme(uri.substr(0, colon))) {
    parts.scheme = uri.substr(0, colon + 1);
    uri.remove_prefix(colon + 1);
  }
  if (uri.starts_with("//")) {
    parts.authority = uri.substr(0, uri.find('/', 2));
    uri.remove_prefix(parts.authority.size());
  }
  parts.path = uri;
  return parts;
}

std::string remove_dot_segments(std::string_view path) {
  std::string out;
  while (!path.empty()) {
    if (path.starts_with("../")) {
      path.remove_prefix(3);
    } else if (path.starts_with("./")) {
      path.remove_prefix(2);
    } else if (path.starts_with("/./")) {
      path.remove_prefix(2);
    } else if (path == "/.") {
      path = "/";
    } else if (path.starts_with("/../") || path == "/..") {
      path = path == "/.." ? std::string_view("/") : path.substr(3);
      const auto last = out.rfind('/');
      out.resize(last == std::string::npos ? 0 : last);
    } else if (path == "." || path == "..") {
      path = {};
    } else {
      const auto next = path.find('/', 1);
      out += path.substr(0, next);
      path.remove_prefix(next == kNone ? path.size() : next);
    }
  }
  return out;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::string resolve_uri(std::string_view base, std::string_view reference) {
  const Parts from = split(base);
  const Parts to = split(reference);
  std::string out;
  if (!to.scheme.empty()) {
    out.append(to.scheme).append(to.authority);
    // Paths without a slash (urn:, iglu:) have no segments to remove.
    if (to.path.starts_with('/')) {
      out += remove_dot_segments(to.path);
    } else {
      out += to.path;
    }
    return out.append(to.query).append(to.fragment);
  }
  out = from.scheme;
  if (!to.authority.empty()) {
    return out.append(to.authority).append(remove_dot_segments(to.path)).append(to.query).append(to.fragment);
  }
  out += from.authority;
  if (to.path.empty()) {
    out.append(from.path).append(to.query.empty() ? from.query : to.query);
  } else if (to.path.starts_with('/')) {
    out.append(remove_dot_segments(to.path)).append(to.query);
  } else {
    std::string merged;
    const auto last = from.path.rfind('/');
    if (from.path.empty() && !from.authority.empty()) {
      merged = "/";
    } else if (last != kNone) {
      merged = from.path.substr(0, last + 1);
    }
    merged += to.path;
    out.append(remove_dot_segments(merged)).append(to.query);
  }
  return out.append(to.fragment);
}

SplitUri split_fragment(std::string_view uri) {
  const auto mark = uri.find('#');
  SplitUri split;
  split.document = uri.substr(0, mark);
  if (mark == kNone) return split;
  const std::string_view text = uri.substr(mark + 1);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
    if (low >= 0) {
      split.fragment += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      split.fragment += text[i];
    }
  }
  return split;
}

}  // namespace millrace::contract
