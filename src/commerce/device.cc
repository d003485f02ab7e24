#include "commerce/device.h"

#include <algorithm>
#include <span>

namespace millrace::commerce {

namespace {

using event::Device;
using event::Text;

constexpr char fold(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// Whether `text` contains one of the needles, which are in lower case.
bool contains_any(std::string_view text, std::span<const std::string_view> needles) {
  for (const auto needle : needles) {
    const auto found = std::search(text.begin(), text.end(), needle.begin(), needle.end(),
                                   [](char a, char b) { return fold(a) == b; });
    if (found != text.end()) return true;
  }
  return false;
}

bool equals(std::string_view text, std::string_view lower) {
  return text.size() == lower.size() &&
         std::equal(text.begin(), text.end(), lower.begin(), [](char a, char b) { return fold(a) == b; });
}
bool equals_any(std::string_view text, std::span<const std::string_view> names) {
  return std::any_of(names.begin(), names.end(), [&](auto name) { return equals(text, name); });
}

constexpr std::string_view kRobots[] = {
    "bot/",      "bot;",         "bot)",          "robot",       "spider",      "crawl",           "slurp",
    "headless",  "googlebot",    "bingpreview",   "facebookexternalhit", "lighthouse", "pingdom",   "uptime",
    "curl/",     "wget/",        "python-",       "go-http-client", "okhttp-bot", "scrapy",         "phantomjs",
    "selenium",  "mediapartners", "adsbot",       "archiver",    "monitoring",  "chatgpt",         "gptbot",
};
constexpr std::string_view kTablets[] = {"ipad", "tablet", "kindle", "silk/", "playbook", "nexus 7", "nexus 10"};
constexpr std::string_view kPhones[] = {"iphone", "ipod", "mobi", "windows phone", "blackberry", "opera mini"};
constexpr std::string_view kAndroid[] = {"android"};
constexpr std::string_view kScreens[] = {"smart-tv", "smarttv", "appletv", "googletv", "hbbtv", "roku",
                                         "playstation", "xbox", "nintendo", "bravia", "web0s", "tizen"};
constexpr std::string_view kDesktops[] = {"windows nt", "macintosh", "x11", "linux", "cros ", "win64"};

constexpr std::string_view kSaysPhone[] = {"mobile", "phone", "smartphone", "ios", "android", "iphone", "feature phone"};
constexpr std::string_view kSaysTablet[] = {"tablet", "ipad", "phablet"};
constexpr std::string_view kSaysDesktop[] = {"desktop", "web", "browser", "computer", "laptop", "pc", "mac", "windows"};
constexpr std::string_view kSaysRobot[] = {"bot", "robot", "crawler", "spider"};

Device by_user_agent(std::string_view agent) {
  if (agent.empty()) return Device::unknown;
  if (contains_any(agent, kScreens)) return Device::other;
  if (contains_any(agent, kTablets)) return Device::tablet;
  if (contains_any(agent, kPhones)) return Device::mobile;
  // Android without "Mobile" is how tablets call themselves.
  if (contains_any(agent, kAndroid)) return Device::tablet;
  if (contains_any(agent, kDesktops)) return Device::desktop;
  return Device::other;
}

}  // namespace

Device classify_device(const event::Event& event) {
  const auto agent = event[Text::user_agent];
  if (!agent.empty() && contains_any(agent, kRobots)) return Device::bot;
  const auto said = event[Text::device_type];
  if (!said.empty()) {
    if (equals_any(said, kSaysPhone)) return Device::mobile;
    if (equals_any(said, kSaysDesktop)) return Device::desktop;
    if (equals_any(said, kSaysTablet)) return Device::tablet;
    if (equals_any(said, kSaysRobot)) return Device::bot;
    if (agent.empty()) return Device::other;
  }
  return by_user_agent(agent);
}

std::array<char, 2> classify_country(const event::Event& event) {
  const auto letter = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); };
  const auto upper = [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; };
  const auto said = event[Text::country];
  if (said.size() == 2 && letter(said[0]) && letter(said[1])) return {upper(said[0]), upper(said[1])};
  // Language, script and region are separated by '-' or '_'; the region is the two-letter part that is not first.
  const auto locale = event[Text::locale].substr(0, event[Text::locale].find('.'));
  for (std::size_t at = locale.find_first_of("-_"); at != std::string_view::npos;) {
    const std::size_t next = locale.find_first_of("-_", at + 1);
    const auto part = locale.substr(at + 1, next == std::string_view::npos ? next : next - at - 1);
    if (part.size() == 2 && letter(part[0]) && letter(part[1])) return {upper(part[0]), upper(part[1])};
    at = next;
  }
  return {};
}

}  // namespace millrace::commerce
