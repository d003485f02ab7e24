#include "privacy/article_number.h"

#include <algorithm>
#include <array>

#include "privacy/personal_forms.h"

namespace millrace::privacy {

namespace {

// Letters and digits alone, in lower case.
constexpr auto kArticleNames = std::to_array<std::string_view>({"gtin",
                                                                "gtin14",
                                                                "itf14",
                                                                "ean",
                                                                "ean14",
                                                                "upc",
                                                                "barcode",
                                                                "sku",
                                                                "productid",
                                                                "productsku",
                                                                "variantid",
                                                                "variantsku",
                                                                "productvariantid",
                                                                "inventoryitemid",
                                                                "itemid",
                                                                "itemsku",
                                                                "articleid",
                                                                "articlenumber",
                                                                "contentid",
                                                                "merchandiseid"});
constexpr std::size_t kNameBytesMax = 32;
constexpr std::string_view kGlobalId = "gid://shopify/";

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// The name, in quotes, that ends right before `end`; empty when there is none as short as those above.
std::string_view name_before(std::string_view text, std::size_t end) {
  if (end == 0 || text[end - 1] != '"') return {};
  const std::size_t last = end - 1;
  std::size_t first = last;
  while (first > 0 && last - first < kNameBytesMax && text[first - 1] != '"') --first;
  if (first == 0 || text[first - 1] != '"' || (first > 1 && text[first - 2] == '\\')) return {};
  return text.substr(first, last - first);
}

bool names_article(std::string_view name) {
  std::array<char, kNameBytesMax> letters{};
  std::size_t size = 0;
  for (const char c : name) {
    if (c == '_' || c == '-' || c == ' ') continue;
    letters[size++] = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  }
  const std::string_view plain(letters.data(), size);
  return std::find(kArticleNames.begin(), kArticleNames.end(), plain) != kArticleNames.end();
}

// "gid://shopify/ProductVariant/"
bool follows_global_id(std::string_view text, std::size_t from) {
  if (from == 0 || text[from - 1] != '/') return false;
  std::size_t type = from - 1;
  while (type > 0 && from - type < kNameBytesMax && is_letter(text[type - 1])) --type;
  return type + 1 < from && type >= kGlobalId.size() &&
         text.substr(type - kGlobalId.size(), kGlobalId.size()) == kGlobalId;
}

}  // namespace

bool is_gtin(std::string_view digits) {
  int sum = 0, weight = 1;
  for (auto c = digits.rbegin(); c != digits.rend(); ++c, weight = 4 - weight) sum += (*c - '0') * weight;
  return sum % 10 == 0;
}

bool is_article(std::string_view text, std::size_t from, std::size_t to) {
  const std::string_view digits = text.substr(from, to - from);
  if (digits.size() != kArticleDigits || from == 0) return false;
  if (!std::all_of(digits.begin(), digits.end(), is_digit)) return false;
  const char after = to < text.size() ? text[to] : ' ';
  if (follows_global_id(text, from)) return !is_digit(after);
  const bool quoted = text[from - 1] == '"';
  std::size_t at = quoted ? from - 1 : from;
  while (at > 0 && is_blank(text[at - 1])) --at;
  if (at == 0 || text[at - 1] != ':') return false;
  --at;
  while (at > 0 && is_blank(text[at - 1])) --at;
  if (!names_article(name_before(text, at))) return false;
  if (quoted) return after == '"' && is_gtin(digits);
  return after == ',' || after == '}' || is_blank(after);
}

}  // namespace millrace::privacy
