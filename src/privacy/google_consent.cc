#include "privacy/google_consent.h"

#include <array>

namespace millrace::privacy {

namespace {

using event::Purpose;

enum class Setting : std::uint8_t { unset, denied, granted };

std::optional<Setting> setting_of(char letter) {
  switch (letter) {
    case 'l': return Setting::unset;
    case 'm':  // Denied after an update, without a default.
    case 'p':  // Denied by default.
    case 'q':  // Denied by default and by the update.
    case 'u':  // Granted by default, denied by the update.
      return Setting::denied;
    case 'n':
    case 'r':
    case 't':
    case 'v': return Setting::granted;
    default: return std::nullopt;
  }
}

std::optional<Setting> digit_of(char digit) {
  switch (digit) {
    case '0': return Setting::denied;
    case '1': return Setting::granted;
    case '-': return Setting::unset;
    default: return std::nullopt;
  }
}

void say(Statement& out, Purpose purpose, Setting setting) {
  if (setting != Setting::unset) out.say(purpose, setting == Setting::granted);
}

}  // namespace

std::optional<Statement> decode_gcs(std::string_view text) {
  if (text.size() != 4 || text.substr(0, 2) != "G1") return std::nullopt;
  const auto ads = digit_of(text[2]);
  const auto analytics = digit_of(text[3]);
  if (!ads || !analytics) return std::nullopt;
  Statement out;
  say(out, Purpose::marketing, *ads);
  say(out, Purpose::analytics, *analytics);
  if (*ads == Setting::denied || *analytics == Setting::denied) {
    out.say(Purpose::personalisation, false);
  } else if (*ads == Setting::granted && *analytics == Setting::granted) {
    out.say(Purpose::personalisation, true);
  }
  return out;
}

std::optional<Statement> decode_gcd(std::string_view text) {
  std::array<Setting, 4> settings{};
  std::size_t found = 0;
  if (text.size() < 2 || text.size() > 16 || text[0] != '1') return std::nullopt;
  for (const char c : text) {
    if (c >= '0' && c <= '9') continue;
    const auto setting = setting_of(c);
    if (!setting) return std::nullopt;
    // Google's tags write a fifth one since 2024, of which it is not known what it says.
    if (found < settings.size()) settings[found] = *setting;
    ++found;
  }
  if (found < settings.size()) return std::nullopt;
  const auto [ads, analytics, user_data, personalised] = settings;
  Statement out;
  say(out, Purpose::analytics, analytics);
  for (const Setting setting : {ads, user_data, personalised}) say(out, Purpose::marketing, setting);
  say(out, Purpose::personalisation, personalised);
  return out;
}

}  // namespace millrace::privacy
