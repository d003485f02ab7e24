#include "commerce/device.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

namespace millrace::commerce {

namespace {

using event::Device;
using event::Text;

constexpr char fold(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool equals(std::string_view text, std::string_view lower) {
  return text.size() == lower.size() &&
         std::equal(text.begin(), text.end(), lower.begin(), [](char a, char b) { return fold(a) == b; });
}
bool equals_any(std::string_view text, std::span<const std::string_view> names) {
  return std::any_of(names.begin(), names.end(), [&](auto name) { return equals(text, name); });
}

// What a user agent may contain, in lower case, and what that makes it. The strongest wins: a phone's robot is a robot.
enum Sign : std::uint8_t { desktop = 1, android = 2, phone = 4, tablet = 8, screen = 16, robot = 32 };
struct Mark {
  std::string_view text;
  Sign sign;
};
// In order of their first letter.
constexpr std::array kMarks = std::to_array<Mark>({
    {"adsbot", robot},         {"android", android},     {"appletv", screen},
    {"archiver", robot},       {"bingpreview", robot},   {"blackberry", phone},
    {"bot)", robot},           {"bot/", robot},          {"bot;", robot},
    {"bravia", screen},        {"chatgpt", robot},       {"crawl", robot},
    {"cros ", desktop},        {"curl/", robot},         {"facebookexternalhit", robot},
    {"go-http-client", robot}, {"googlebot", robot},     {"googletv", screen},
    {"gptbot", robot},         {"hbbtv", screen},        {"headless", robot},
    {"ipad", tablet},          {"iphone", phone},        {"ipod", phone},
    {"kindle", tablet},        {"lighthouse", robot},    {"linux", desktop},
    {"macintosh", desktop},    {"mediapartners", robot}, {"mobi", phone},
    {"monitoring", robot},     {"nexus 10", tablet},     {"nexus 7", tablet},
    {"nintendo", screen},      {"opera mini", phone},    {"phantomjs", robot},
    {"pingdom", robot},        {"playbook", tablet},     {"playstation", screen},
    {"python-", robot},        {"robot", robot},         {"roku", screen},
    {"scrapy", robot},         {"selenium", robot},      {"silk/", tablet},
    {"slurp", robot},          {"smart-tv", screen},     {"smarttv", screen},
    {"spider", robot},         {"tablet", tablet},       {"tizen", screen},
    {"uptime", robot},         {"web0s", screen},        {"wget/", robot},
    {"win64", desktop},        {"windows nt", desktop},  {"windows phone", phone},
    {"x11", desktop},          {"xbox", screen},
});

// First mark of each letter; kMarks[kFirst[c]] up to kMarks[kFirst[c + 1]] begin with it.
constexpr auto kFirst = [] {
  std::array<std::uint8_t, 257> first{};
  std::size_t at = 0;
  for (std::size_t c = 0; c < 257; ++c) {
    while (at < kMarks.size() && static_cast<unsigned char>(kMarks[at].text[0]) < c) ++at;
    first[c] = static_cast<std::uint8_t>(at);
  }
  return first;
}();
static_assert(std::is_sorted(kMarks.begin(), kMarks.end(),
                             [](const Mark& a, const Mark& b) { return a.text[0] < b.text[0]; }));

// Whether some mark begins with these two letters; case and what is no letter fold together, which costs a look at most.
constexpr std::size_t pair_of(char a, char b) {
  return (static_cast<std::size_t>(a) & 31) << 5 | (static_cast<std::size_t>(b) & 31);
}
constexpr auto kPairs = [] {
  std::array<bool, 1024> pairs{};
  for (const Mark& mark : kMarks) pairs[pair_of(mark.text[0], mark.text[1])] = true;
  return pairs;
}();

bool begins(std::string_view text, std::string_view lower) {
  if (text.size() < lower.size()) return false;
  for (std::size_t i = 1; i < lower.size(); ++i) {
    if (fold(text[i]) != lower[i]) return false;
  }
  return true;
}

// One pass over the text for all marks.
unsigned signs_of(std::string_view agent) {
  unsigned signs = 0;
  for (std::size_t at = 0; at + 1 < agent.size(); ++at) {
    if (!kPairs[pair_of(agent[at], agent[at + 1])]) continue;
    const auto letter = static_cast<unsigned char>(fold(agent[at]));
    for (std::size_t i = kFirst[letter]; i < kFirst[letter + 1u]; ++i) {
      if (begins(agent.substr(at), kMarks[i].text)) signs |= kMarks[i].sign;
    }
  }
  return signs;
}

constexpr std::string_view kSaysPhone[] = {"mobile",  "phone",  "smartphone",   "ios",
                                           "android", "iphone", "feature phone"};
constexpr std::string_view kSaysTablet[] = {"tablet", "ipad", "phablet"};
constexpr std::string_view kSaysDesktop[] = {"desktop", "web", "browser", "computer",
                                             "laptop",  "pc",  "mac",     "windows"};
constexpr std::string_view kSaysRobot[] = {"bot", "robot", "crawler", "spider"};

Device by_signs(unsigned signs) {
  if (signs & robot) return Device::bot;
  if (signs & screen) return Device::other;
  if (signs & tablet) return Device::tablet;
  if (signs & phone) return Device::mobile;
  // Android without "Mobile" is how tablets call themselves.
  if (signs & android) return Device::tablet;
  if (signs & desktop) return Device::desktop;
  return Device::other;
}

}  // namespace

Device classify_device(const event::Event& event) {
  const auto agent = event[Text::user_agent];
  const unsigned signs = signs_of(agent);
  if (signs & robot) return Device::bot;
  const auto said = event[Text::device_type];
  if (!said.empty()) {
    if (equals_any(said, kSaysPhone)) return Device::mobile;
    if (equals_any(said, kSaysDesktop)) return Device::desktop;
    if (equals_any(said, kSaysTablet)) return Device::tablet;
    if (equals_any(said, kSaysRobot)) return Device::bot;
    if (agent.empty()) return Device::other;
  }
  return agent.empty() ? Device::unknown : by_signs(signs);
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
