#pragma once

#include <cstddef>
#include <string_view>

namespace millrace::privacy {

// The forms of personal values, at a place of a text. Those that look for an end return the place given when
// there is none.

inline bool is_digit(char c) { return c >= '0' && c <= '9'; }
inline bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
inline bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

// Value of "%2D" at `at`; -1 when it is none.
int percent_code(std::string_view text, std::size_t at);

// Whether what stands right before `at` is the end of an escape and not of a word: \n and \u00e9 of JSON, %3D, %253D.
bool is_behind_escape(std::string_view text, std::size_t at);
// Where digits begin that are not those of a percent escape before them: behind "20" in "%20192.0.2.7".
std::size_t behind_percent_escape(std::string_view text, std::size_t at);

// Where the local part that ends before the '@' at `at` begins; `at` when there is none.
std::size_t email_begin(std::string_view text, std::size_t at);
// Where the domain that begins at `from` ends.
std::size_t email_end(std::string_view text, std::size_t from);
// Of the number whose plus sign is at `plus`.
std::size_t phone_end(std::string_view text, std::size_t plus, std::size_t plus_size);
std::size_t iban_end(std::string_view text, std::size_t from);

bool is_ipv4(std::string_view text);
bool is_ipv6(std::string_view text);
// A version is no address: "Chrome/120.0.0.0", "version":"1.2.3.4".
bool may_begin_address(std::string_view text, std::size_t from);
bool may_end_address(std::string_view text, std::size_t to);

// Part of a UUID, also where that follows a dash, or of a hash of 24, 32, 40 or 64 hexadecimal digits; with letters among them.
bool inside_hexadecimal(std::string_view text, std::size_t from, std::size_t to);

// By issuer, length and Luhn digit (ISO/IEC 7812).
bool is_card(std::string_view digits);
bool is_luhn(std::string_view digits);

}  // namespace millrace::privacy
