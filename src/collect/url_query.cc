#include "collect/url_query.h"

#include <simdjson.h>

#include <algorithm>
#include <iterator>

namespace millrace::collect {

namespace {

constexpr std::string_view kClickParameters[] = {
    "gclid",  "gbraid", "wbraid",    "dclid", "fbclid", "msclkid",
    "ttclid", "twclid", "li_fat_id", "yclid", "epik",   "srsltid",
};

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::string_view path_of_url(std::string_view url) {
  url = url.substr(0, std::min(url.find('?'), url.find('#')));
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return url;
  const std::size_t slash = url.find('/', scheme + 3);
  return slash == std::string_view::npos ? std::string_view("/") : url.substr(slash);
}

bool is_click_parameter(std::string_view name) {
  return std::find(std::begin(kClickParameters), std::end(kClickParameters), name) !=
         std::end(kClickParameters);
}

std::string_view decode_query_value(std::string_view value, char* place) {
  char* out = place;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const int high = value[i] == '%' && i + 2 < value.size() ? hex_digit(value[i + 1]) : -1;
    const int low = high >= 0 ? hex_digit(value[i + 2]) : -1;
    if (low >= 0) {
      *out++ = static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      *out++ = value[i] == '+' ? ' ' : value[i];
    }
  }
  const std::string_view decoded(place, static_cast<std::size_t>(out - place));
  const bool is_text = decoded.find('\0') == std::string_view::npos && simdjson::validate_utf8(decoded);
  return is_text ? decoded : value;
}

}  // namespace millrace::collect
