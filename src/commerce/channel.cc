#include "commerce/channel.h"

#include <algorithm>
#include <optional>

#include "commerce/referrer_table.h"

namespace millrace::commerce {

namespace {

using event::Channel;
using event::Text;

// In lower case; longer names than the buffer are none of ours.
std::string_view lower(std::string_view text, char (&buffer)[256]) {
  if (text.size() > sizeof(buffer)) return {};
  std::transform(text.begin(), text.end(), buffer,
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return {buffer, text.size()};
}

std::optional<Channel> campaign_channel(const event::Event& first) {
  char buffer[256];
  const auto medium = lower(first[Text::campaign_medium], buffer);
  const auto by_medium = medium.empty() ? std::nullopt : medium_channel(medium);
  const auto click_id = first[Text::click_id];
  if (!click_id.empty()) {
    const Channel by_click = click_id_channel(click_id);
    return by_click == Channel::paid || !by_medium ? by_click : *by_medium;
  }
  if (by_medium) return by_medium;
  const auto source = lower(first[Text::campaign_source], buffer);
  if (source.empty()) return std::nullopt;
  if (const auto by_source = source_channel(source)) return by_source;
  // A campaign that nobody named in our tables still led here from somewhere.
  return Channel::referral;
}

}  // namespace

std::string_view host_of(std::string_view url, char (&buffer)[256]) {
  const auto scheme = url.find("//");
  if (scheme == std::string_view::npos) return {};
  url.remove_prefix(scheme + 2);
  url = url.substr(0, url.find_first_of("/?#"));
  if (const auto at = url.rfind('@'); at != std::string_view::npos) url.remove_prefix(at + 1);
  url = url.substr(0, url.find(':'));
  if (url.size() > 253) return {};
  auto host = lower(url, buffer);
  if (host.starts_with("www.")) host.remove_prefix(4);
  return host;
}

Channel classify_channel(const event::Event& first) {
  if (const auto channel = campaign_channel(first)) return *channel;
  const auto referrer = first[Text::page_referrer];
  if (referrer.empty()) return Channel::direct;
  char referrer_buffer[256];
  char page_buffer[256];
  const auto from = host_of(referrer, referrer_buffer);
  if (from.empty() || from == host_of(first[Text::page_url], page_buffer)) return Channel::direct;
  return referrer_channel(from).value_or(Channel::referral);
}

}  // namespace millrace::commerce
