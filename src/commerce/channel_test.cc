#include "commerce/channel.h"

#include <doctest/doctest.h>

#include "commerce/device.h"

using namespace millrace;
using namespace millrace::commerce;
using event::Channel;
using event::Device;
using event::Text;

namespace {

Channel channel(std::initializer_list<std::pair<Text, std::string_view>> texts) {
  event::Event event;
  event[Text::page_url] = "https://www.shop.example/landing";
  for (const auto& [field, text] : texts) event[field] = text;
  return classify_channel(event);
}

Device device(std::string_view agent, std::string_view type = {}) {
  event::Event event;
  event[Text::user_agent] = agent;
  event[Text::device_type] = type;
  return classify_device(event);
}

std::string country(std::string_view said, std::string_view locale) {
  event::Event event;
  event[Text::country] = said;
  event[Text::locale] = locale;
  const auto letters = classify_country(event);
  return letters[0] == 0 ? std::string() : std::string(letters.data(), letters.size());
}

}  // namespace

TEST_CASE("a click parameter or a medium decides the channel before the referrer") {
  const std::pair<Text, std::string_view> google = {Text::page_referrer, "https://www.google.com/"};
  CHECK(channel({google}) == Channel::organic);
  CHECK(channel({google, {Text::click_id, "gclid"}}) == Channel::paid);
  CHECK(channel({google, {Text::campaign_medium, "CPC"}}) == Channel::paid);
  CHECK(channel({google, {Text::campaign_medium, "paid_social"}}) == Channel::paid);
  CHECK(channel({google, {Text::campaign_medium, "email"}}) == Channel::email);
  CHECK(channel({{Text::campaign_medium, "social"}}) == Channel::social);
  CHECK(channel({{Text::campaign_medium, "referral"}}) == Channel::referral);
  CHECK(channel({{Text::campaign_medium, "organic"}}) == Channel::organic);
  CHECK(channel({{Text::campaign_source, "newsletter"}}) == Channel::email);
  CHECK(channel({{Text::campaign_source, "facebook"}}) == Channel::social);
  CHECK(channel({{Text::campaign_source, "partner-shop"}}) == Channel::referral);
}

TEST_CASE("the click parameter of a social network says paid only together with a paid medium") {
  CHECK(channel({{Text::click_id, "fbclid"}}) == Channel::social);
  CHECK(channel({{Text::click_id, "fbclid"}, {Text::campaign_medium, "cpc"}}) == Channel::paid);
  CHECK(channel({{Text::click_id, "msclkid"}, {Text::campaign_medium, "email"}}) == Channel::paid);
}

TEST_CASE("the referrer's host decides where nothing else does") {
  const auto from = [](std::string_view url) { return channel({{Text::page_referrer, url}}); };
  CHECK(from("") == Channel::direct);
  CHECK(from("https://news.google.co.uk/search?q=x") == Channel::organic);
  CHECK(from("https://mail.google.com/mail/u/0") == Channel::email);
  CHECK(from("https://l.facebook.com/") == Channel::social);
  CHECK(from("https://t.co/abc") == Channel::social);
  CHECK(from("https://outlook.live.com/") == Channel::email);
  CHECK(from("https://duckduckgo.com") == Channel::organic);
  CHECK(from("https://blog.example.org/best-shoes") == Channel::referral);
  CHECK(from("https://notgoogle.example/") == Channel::referral);
  CHECK(from("http://user@WWW.Bing.com:80/x") == Channel::organic);
  CHECK(from("not a url") == Channel::direct);
}

TEST_CASE("the shop's own pages are no referrers") {
  CHECK(channel({{Text::page_referrer, "https://shop.example/other"}}) == Channel::direct);
  CHECK(channel({{Text::page_referrer, "https://blog.shop.example/"}}) == Channel::referral);
}

TEST_CASE("a device is what the client says, else what the user agent looks like") {
  CHECK(device("") == Device::unknown);
  CHECK(device("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/126 Safari/537.36") ==
        Device::desktop);
  CHECK(device("Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Mobile/15E148 Safari/604.1") ==
        Device::mobile);
  CHECK(device("Mozilla/5.0 (Linux; Android 14; Pixel 8) Chrome/126.0 Mobile Safari/537.36") ==
        Device::mobile);
  CHECK(device("Mozilla/5.0 (Linux; Android 13; SM-X900) Chrome/126.0 Safari/537.36") == Device::tablet);
  CHECK(device("Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) Mobile/15E148") == Device::tablet);
  CHECK(device("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)") == Device::bot);
  CHECK(device("Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X) Mobile (compatible; Googlebot/2.1)", "mobile") ==
        Device::bot);
  CHECK(device("Mozilla/5.0 (Web0S; Linux/SmartTV) Chrome/79") == Device::other);
  CHECK(device("something", "Tablet") == Device::tablet);
  CHECK(device("", "desktop") == Device::desktop);
  CHECK(device("", "fridge") == Device::other);
}

TEST_CASE("a country is the client's, else the region of its locale") {
  CHECK(country("de", "en-US") == "DE");
  CHECK(country("", "en-GB") == "GB");
  CHECK(country("", "zh-Hant-TW") == "TW");
  CHECK(country("", "pt_BR.UTF-8") == "BR");
  CHECK(country("", "en") == "");
  CHECK(country("Germany", "") == "");
}
