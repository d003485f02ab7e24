#include "commerce/referrer_table.h"

#include <algorithm>
#include <array>

namespace millrace::commerce {

namespace {

using event::Channel;

struct Entry {
  std::string_view name;
  Channel channel;
};

// Sites under many country domains: the label before the public suffix.
constexpr std::array kBrands = std::to_array<Entry>({
    {"amazon", Channel::referral},
    {"baidu", Channel::organic},
    {"bing", Channel::organic},
    {"ebay", Channel::referral},
    {"facebook", Channel::social},
    {"google", Channel::organic},
    {"instagram", Channel::social},
    {"linkedin", Channel::social},
    {"pinterest", Channel::social},
    {"qwant", Channel::organic},
    {"tiktok", Channel::social},
    {"yahoo", Channel::organic},
    {"yandex", Channel::organic},
    {"youtube", Channel::social},
});

// Whole hosts; subdomains count as well.
constexpr std::array kHosts = std::to_array<Entry>({
    {"aol.com", Channel::organic},
    {"ask.com", Channel::organic},
    {"brave.com", Channel::organic},
    {"discord.com", Channel::social},
    {"duckduckgo.com", Channel::organic},
    {"ecosia.org", Channel::organic},
    {"fb.com", Channel::social},
    {"fb.me", Channel::social},
    {"gmx.net", Channel::email},
    {"ig.me", Channel::social},
    {"kagi.com", Channel::organic},
    {"line.me", Channel::social},
    {"live.com", Channel::email},
    {"lnkd.in", Channel::social},
    {"mail.google.com", Channel::email},
    {"mail.ru", Channel::email},
    {"mail.yahoo.com", Channel::email},
    {"mail.yandex.ru", Channel::email},
    {"mastodon.social", Channel::social},
    {"messenger.com", Channel::social},
    {"naver.com", Channel::organic},
    {"office.com", Channel::email},
    {"ok.ru", Channel::social},
    {"outlook.com", Channel::email},
    {"pin.it", Channel::social},
    {"proton.me", Channel::email},
    {"quora.com", Channel::social},
    {"reddit.com", Channel::social},
    {"search.yahoo.com", Channel::organic},
    {"seznam.cz", Channel::organic},
    {"snapchat.com", Channel::social},
    {"so.com", Channel::organic},
    {"sogou.com", Channel::organic},
    {"startpage.com", Channel::organic},
    {"swisscows.com", Channel::organic},
    {"t.co", Channel::social},
    {"t.me", Channel::social},
    {"telegram.org", Channel::social},
    {"threads.net", Channel::social},
    {"tumblr.com", Channel::social},
    {"twitter.com", Channel::social},
    {"vk.com", Channel::social},
    {"weibo.com", Channel::social},
    {"whatsapp.com", Channel::social},
    {"x.com", Channel::social},
    {"youtu.be", Channel::social},
    {"zoho.com", Channel::email},
});

constexpr std::array kSources = std::to_array<Entry>({
    {"adwords", Channel::paid},       {"crm", Channel::email},        {"discord", Channel::social},
    {"duckduckgo", Channel::organic}, {"ecosia", Channel::organic},   {"email", Channel::email},
    {"fb", Channel::social},          {"googleads", Channel::paid},   {"hubspot", Channel::email},
    {"ig", Channel::social},          {"klaviyo", Channel::email},    {"mailchimp", Channel::email},
    {"naver", Channel::organic},      {"newsletter", Channel::email}, {"reddit", Channel::social},
    {"snapchat", Channel::social},    {"telegram", Channel::social},  {"threads", Channel::social},
    {"twitter", Channel::social},     {"vk", Channel::social},        {"whatsapp", Channel::social},
});

constexpr std::array kMediums = std::to_array<Entry>({
    {"(none)", Channel::direct},
    {"affiliate", Channel::referral},
    {"affiliates", Channel::referral},
    {"banner", Channel::paid},
    {"cpa", Channel::paid},
    {"cpc", Channel::paid},
    {"cpm", Channel::paid},
    {"cpv", Channel::paid},
    {"crm", Channel::email},
    {"direct", Channel::direct},
    {"display", Channel::paid},
    {"e-mail", Channel::email},
    {"e_mail", Channel::email},
    {"email", Channel::email},
    {"interstitial", Channel::paid},
    {"link", Channel::referral},
    {"mail", Channel::email},
    {"newsletter", Channel::email},
    {"none", Channel::direct},
    {"organic", Channel::organic},
    {"organic_search", Channel::organic},
    {"organic_social", Channel::social},
    {"partner", Channel::referral},
    {"ppc", Channel::paid},
    {"referral", Channel::referral},
    {"remarketing", Channel::paid},
    {"retargeting", Channel::paid},
    {"search", Channel::organic},
    {"sem", Channel::paid},
    {"seo", Channel::organic},
    {"shopping", Channel::paid},
    {"sm", Channel::social},
    {"social", Channel::social},
    {"social-media", Channel::social},
    {"social-network", Channel::social},
    {"social_media", Channel::social},
    {"social_network", Channel::social},
});

constexpr std::array<std::string_view, 5> kUnpaidClickIds = {"fbclid", "igsh", "igshid", "mc_eid", "ysclid"};

template <std::size_t N>
constexpr bool sorted(const std::array<Entry, N>& table) {
  return std::is_sorted(table.begin(), table.end(),
                        [](const Entry& a, const Entry& b) { return a.name < b.name; });
}
static_assert(sorted(kBrands) && sorted(kHosts) && sorted(kSources) && sorted(kMediums));

template <std::size_t N>
std::optional<Channel> look_up(const std::array<Entry, N>& table, std::string_view name) {
  const auto found =
      std::lower_bound(table.begin(), table.end(), name,
                       [](const Entry& entry, std::string_view key) { return entry.name < key; });
  if (found == table.end() || found->name != name) return std::nullopt;
  return found->channel;
}

// "google" of "google.de", "news.google.co.uk"; empty when the host has no dot.
std::string_view brand_of(std::string_view host) {
  const auto top = host.rfind('.');
  if (top == std::string_view::npos || top == 0) return {};
  std::string_view rest = host.substr(0, top);
  auto dot = rest.rfind('.');
  std::string_view label = dot == std::string_view::npos ? rest : rest.substr(dot + 1);
  // Two-part suffixes: co.uk, com.br, com.tr.
  const bool second_level = label == "co" || label == "com" || label == "org" || label == "net";
  if (second_level && dot != std::string_view::npos) {
    rest = rest.substr(0, dot);
    dot = rest.rfind('.');
    label = dot == std::string_view::npos ? rest : rest.substr(dot + 1);
  }
  return label;
}

}  // namespace

std::optional<Channel> referrer_channel(std::string_view host) {
  for (std::string_view rest = host; !rest.empty();) {
    if (const auto channel = look_up(kHosts, rest)) return channel;
    const auto dot = rest.find('.');
    if (dot == std::string_view::npos) break;
    rest.remove_prefix(dot + 1);
  }
  return look_up(kBrands, brand_of(host));
}

std::optional<Channel> source_channel(std::string_view name) {
  if (const auto channel = look_up(kSources, name)) return channel;
  if (const auto channel = look_up(kBrands, name)) return channel;
  return name.find('.') == std::string_view::npos ? std::nullopt : referrer_channel(name);
}

std::optional<Channel> medium_channel(std::string_view medium) {
  if (const auto channel = look_up(kMediums, medium)) return channel;
  if (medium.starts_with("paid") || medium.ends_with("cpc")) return Channel::paid;
  return std::nullopt;
}

Channel click_id_channel(std::string_view parameter) {
  if (parameter == "mc_eid") return Channel::email;
  if (parameter == "ysclid") return Channel::organic;
  const bool unpaid =
      std::find(kUnpaidClickIds.begin(), kUnpaidClickIds.end(), parameter) != kUnpaidClickIds.end();
  return unpaid ? Channel::social : Channel::paid;
}

}  // namespace millrace::commerce
