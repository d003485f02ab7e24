// Whatever stands where a single value should: amounts, times, numbers, patterns, formats, networks, regions, tokens, user agents. The first
// byte chooses what the rest is.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/iso_time.h"
#include "base/result.h"
#include "collect/client_time.h"
#include "collect/inflate.h"
#include "commerce/channel.h"
#include "commerce/device.h"
#include "contract/format_check.h"
#include "contract/number.h"
#include "contract/pattern.h"
#include "contract/subject.h"
#include "event/money.h"
#include "privacy/consent_rules.h"
#include "privacy/networks.h"
#include "privacy/vault.h"
#include "privacy/vault_log.h"

namespace {

using namespace millrace;

constexpr std::int64_t kYear0Ms = -62'167'219'200'000;
constexpr std::int64_t kYear10000Ms = 253'402'300'800'000;

void read_amount(const std::string& text) {
  (void)event::parse_currency(text);
  const auto parsed = event::parse_money(text);
  if (!parsed.ok()) return;
  const auto again = event::parse_money(event::to_string(parsed->money));
  INVARIANT(again.ok() && again->money == parsed->money && again->loss == event::MoneyLoss::none);
}

void read_time(const std::string& text) {
  const auto parsed = base::parse_iso_time(text);
  // The time zone may take it out of the years that are written with four digits.
  if (parsed.ok() && parsed->ms >= kYear0Ms && parsed->ms < kYear10000Ms) {
    std::string written;
    base::append_iso_time(written, *parsed);
    const auto again = base::parse_iso_time(written);
    INVARIANT(again.ok() && *again == *parsed);
  }
  for (const auto kind : {collect::JsonKind::string, collect::JsonKind::number}) {
    event::Event event;
    event.received_at = {1'750'000'000'000};
    const auto time = collect::parse_client_time(kind, text);
    collect::set_event_time({time, time}, collect::TimeTrust::corrected, event);
  }
}

// "NUMBER NUMBER"
void compare_numbers(const std::string& text) {
  const std::string first = text.substr(0, text.find(' '));
  const std::string second = text.substr(std::min(first.size() + 1, text.size()));
  if (!collect::is_json_number(first) || !collect::is_json_number(second)) return;
  const contract::Number a(first), b(second);
  INVARIANT((compare(a, b) < 0) == (compare(b, a) > 0));
  if (b.is_divisor()) (void)a.is_multiple_of(b);
  std::uint64_t count = 0;
  if (a.to_count(1000, count)) INVARIANT(compare(a, contract::Number::of(count)) == 0);
}

// "PATTERN NUL TEXT"
void match(const std::string& text) {
  const std::size_t cut = text.find('\0');
  const auto pattern = contract::Pattern::compile(text.substr(0, cut));
  if (pattern.ok()) (void)pattern->matches(cut == std::string::npos ? "abc" : text.substr(cut + 1));
}

void check_formats(const std::string& text) {
  for (int format = 0; format <= static_cast<int>(contract::Format::json_pointer); ++format)
    (void)contract::fits_format(static_cast<contract::Format>(format), text);
}

void read_privacy(const std::string& text) {
  (void)privacy::Address::parse(text);
  (void)privacy::Networks::parse(text).ok();
  (void)privacy::VaultRules::parse(text).ok();
  std::vector<std::string> countries;
  (void)privacy::parse_region(text, countries);
  if (const auto token = privacy::TokenId::parse(text))
    INVARIANT(privacy::TokenId::parse(token->text()) == token);
}

void classify(const std::string& text) {
  event::Event event;
  event.raw = text;
  for (auto& field : event.texts) field = event.raw;
  (void)commerce::classify_channel(event);
  (void)commerce::classify_device(event);
  (void)commerce::classify_country(event);
}

void open_packed(const std::string& text) {
  static collect::Inflater inflater;
  static std::string out;
  constexpr std::size_t kBytesMax = 64 * 1024;
  if (inflater.inflate(text, kBytesMax, out) == collect::Inflater::Outcome::done)
    INVARIANT(out.size() <= kBytesMax);
  (void)contract::decode_base64(text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  // On the heap without a byte to spare, so that a read past the end is found.
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  static constexpr void (*kReaders[])(const std::string&) = {
      read_amount, read_time, compare_numbers, match, check_formats, read_privacy, classify, open_packed};
  kReaders[data[0] % std::size(kReaders)](text);
  return 0;
}
