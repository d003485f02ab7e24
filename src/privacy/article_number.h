#pragma once

#include <cstddef>
#include <string_view>

namespace millrace::privacy {

// Numbers of articles that a card could have as well: of 14 digits, as Diners Club's alone are.
constexpr std::size_t kArticleDigits = 14;

// The check digit of a GTIN: weights 1 and 3 from the right.
bool is_gtin(std::string_view digits);

// Whether kArticleDigits digits at [from, to) of a text are an article's by the JSON member that they are the value of (gtin, ean,
// sku, product_id, ...): in quotes if they are a GTIN too, as a number in any case; or by "gid://shopify/..." before them.
bool is_article(std::string_view text, std::size_t from, std::size_t to);

}  // namespace millrace::privacy
