#pragma once

#include <string_view>

namespace millrace::collect {

// "/shoes" of "https://shop.example/shoes?x=1#top"; "/" when a host stands alone, the text itself up to '?' or '#' when it
// is no absolute URL.
std::string_view path_of_url(std::string_view url);

// The advertisers' click parameters.
bool is_click_parameter(std::string_view name);

// Percent-decodes into `place`, which has value.size() bytes. Broken escapes stay as they are, and so does text that would
// not be UTF-8 decoded.
std::string_view decode_query_value(std::string_view value, char* place);

// Calls visit(name, value) for every field of the URL's query, undecoded.
template <class Visit>
void for_each_query_field(std::string_view url, Visit visit) {
  const std::size_t mark = url.find('?');
  if (mark == std::string_view::npos) return;
  std::string_view rest = url.substr(mark + 1);
  rest = rest.substr(0, rest.find('#'));
  while (!rest.empty()) {
    const std::size_t end = rest.find('&');
    const std::string_view field = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
    const std::size_t equals = field.find('=');
    if (equals != std::string_view::npos) visit(field.substr(0, equals), field.substr(equals + 1));
  }
}

}  // namespace millrace::collect
