#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "privacy/byte_classes.h"

namespace millrace::privacy {

// Kinds of personal values that can be told from their form.
enum class Personal : std::uint8_t { card = 0, email = 1, phone = 2, iban = 3, ip = 4 };
constexpr std::size_t kPersonalKinds = 5;
std::string_view to_string(Personal kind);

using PersonalSet = std::uint8_t;  // Bits of Personal.
constexpr PersonalSet bit(Personal kind) {
  return static_cast<PersonalSet>(1u << static_cast<unsigned>(kind));
}
constexpr PersonalSet kAllPersonal = (1u << kPersonalKinds) - 1;

struct PersonalSpan {
  std::uint32_t from = 0;
  std::uint32_t to = 0;
  Personal kind = Personal::card;
  bool operator==(const PersonalSpan&) const = default;
};

// Finds personal values in text: JSON, URLs (percent-encoded @ and separators too) or plain. One pass
// classifies the bytes, 64 at a time; only places that can be the start of something are looked at closer.
//
// Card: 13 to 19 digits of any script with a known issuer's beginning and a right Luhn digit, in groups apart by
// blanks, dashes, underscores, plus signs, or by dots, slashes and line ends if grouped as on a card; escaped as
// JSON, URLs or HTML do (privacy/glyph.h); as a number with an exponent; with zeros before it; in a row of more digits
// than a number of 64 bits has; in base64. Not inside a UUID, a hash in hexadecimal or a token, nor behind a number's
// decimal point. Email: a local part, @, a domain that ends in letters. Phone: + and 8 to 15 digits that no letter or
// digit precedes. IBAN: by country, its length and mod 97. IP: four octets, or IPv6; not what a letter, digit, dot or
// slash precedes (versions), unless that is "//".
class PersonalScan {
 public:
  // Replaces `found` by what there is, in order and apart from each other.
  void find(std::string_view text, PersonalSet kinds, std::vector<PersonalSpan>& found);

 private:
  void classify(std::string_view text);
  // Escaped characters that may be of a card are as such in all their bytes, so that a run goes over them.
  void classify_escapes();
  void look_for_cards(std::size_t block);
  void look_for_coded(std::size_t block);
  void look_for_ipv4();
  void look_for_ipv6();
  void look_for_ibans(const ByteClasses& now, const ByteClasses& next, std::uint64_t word_before,
                      std::size_t at);
  void look_for_emails_and_phones(std::size_t block, PersonalSet kinds);

  void check_card_run(std::size_t from);
  void check_group(std::size_t from, std::size_t to, std::size_t size);
  void check_exponent(std::size_t from);
  void check_coded(std::size_t start);
  void check_ipv4(std::size_t from);
  void check_ipv6(std::size_t colon);
  void check_iban(std::size_t from);
  void check_email(std::size_t at, std::size_t at_size);
  void check_phone(std::size_t plus, std::size_t plus_size);
  void add(std::size_t from, std::size_t to, Personal kind) {
    found_->push_back({static_cast<std::uint32_t>(from), static_cast<std::uint32_t>(to), kind});
  }

  std::string_view text_;
  std::vector<ByteClasses> blocks_;  // The first count_ are the text's, and an empty one is behind them.
  std::size_t count_ = 0;
  std::vector<PersonalSpan>* found_ = nullptr;
  std::size_t card_done_ = 0, coded_done_ = 0, ipv4_done_ = 0, ipv6_done_ = 0;
  // Looked for when there are digits that may be of one.
  std::optional<bool> has_tokens_;
  std::string digits_, decoded_;
  std::unique_ptr<PersonalScan> nested_;  // For what was in base64.
  std::vector<PersonalSpan> nested_found_;
};

// A value as its token is made from it, so that the same one written differently has the same token: digits
// alone, letters in one case, no blanks. `written` as found, percent-encoded or not.
void normalise(Personal kind, std::string_view written, std::string& out);

}  // namespace millrace::privacy
