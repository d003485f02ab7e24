#include "contract/format_check.h"

#include <array>
#include <cstddef>

namespace millrace::contract {

namespace {

constexpr std::array<std::string_view, 11> kNames = {"date-time", "date",     "time",        "duration",
                                                     "email",     "ipv4",     "ipv6",        "uuid",
                                                     "uri",       "hostname", "json-pointer"};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

// `count` digits from the front of `text`, or -1.
int take_number(std::string_view& text, std::size_t count) {
  if (text.size() < count) return -1;
  int value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (!is_digit(text[i])) return -1;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(count);
  return value;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

bool take_date(std::string_view& text) {
  static constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const int year = take_number(text, 4);
  if (year < 0 || !take(text, '-')) return false;
  const int month = take_number(text, 2);
  if (month < 1 || month > 12 || !take(text, '-')) return false;
  const int day = take_number(text, 2);
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return day >= 1 && day <= kDays[month - 1] + (month == 2 && leap ? 1 : 0);
}

// RFC 3339 full-time. A leap second is the last of a day in UTC.
bool take_time(std::string_view& text) {
  const int hour = take_number(text, 2);
  if (hour < 0 || hour > 23 || !take(text, ':')) return false;
  const int minute = take_number(text, 2);
  if (minute < 0 || minute > 59 || !take(text, ':')) return false;
  const int second = take_number(text, 2);
  if (second < 0 || second > 60) return false;
  if (take(text, '.')) {
    if (take_number(text, 1) < 0) return false;
    while (take_number(text, 1) >= 0) {
    }
  }
  int offset = 0;
  if (!take(text, 'Z') && !take(text, 'z')) {
    const int sign = take(text, '+') ? 1 : take(text, '-') ? -1 : 0;
    const int hours = sign == 0 ? -1 : take_number(text, 2);
    if (hours < 0 || hours > 23 || !take(text, ':')) return false;
    const int minutes = take_number(text, 2);
    if (minutes < 0 || minutes > 59) return false;
    offset = sign * (hours * 60 + minutes);
  }
  return second < 60 || (hour * 60 + minute - offset + 2 * 1440) % 1440 == 1439;
}

bool is_date_time(std::string_view text) {
  return take_date(text) && (take(text, 'T') || take(text, 't')) && take_time(text) && text.empty();
}

// A run of "<digits><unit>" in the order of `units`; returns how many, -1 when something else comes.
int take_units(std::string_view& text, std::string_view units, bool gapless) {
  int count = 0;
  while (!text.empty() && is_digit(text.front())) {
    while (take_number(text, 1) >= 0) {
    }
    if (text.empty()) return -1;
    const std::size_t at = units.find(text.front());
    if (at == std::string_view::npos || (gapless && count > 0 && at != 0)) return -1;
    units.remove_prefix(at + 1);
    text.remove_prefix(1);
    ++count;
  }
  return count;
}

// RFC 3339 appendix A.
bool is_duration(std::string_view text) {
  if (!take(text, 'P')) return false;
  if (text.ends_with('W')) return take_units(text, "W", true) == 1 && text.empty();
  const int days = take_units(text, "YMD", true);
  if (days < 0) return false;
  if (text.empty()) return days > 0;
  return take(text, 'T') && take_units(text, "HMS", true) > 0 && text.empty();
}

bool is_ipv4(std::string_view text) {
  for (int part = 0; part < 4; ++part) {
    if (part > 0 && !take(text, '.')) return false;
    std::size_t digits = 0;
    int value = 0;
    while (digits < text.size() && digits < 4 && is_digit(text[digits]))
      value = value * 10 + (text[digits++] - '0');
    if (digits == 0 || digits > 3 || value > 255 || (digits > 1 && text.front() == '0')) return false;
    text.remove_prefix(digits);
  }
  return text.empty();
}

bool is_ipv6(std::string_view text) {
  int groups = 0;
  bool gap = false;
  if (text.starts_with("::")) {
    gap = true;
    text.remove_prefix(2);
    if (text.empty()) return true;
  }
  while (true) {
    std::size_t digits = 0;
    while (digits < text.size() && is_hex(text[digits])) ++digits;
    if (digits < text.size() && text[digits] == '.') {
      groups += 2;
      return is_ipv4(text) && (gap ? groups < 8 : groups == 8);
    }
    if (digits == 0 || digits > 4) return false;
    ++groups;
    text.remove_prefix(digits);
    if (text.empty()) return gap ? groups < 8 : groups == 8;
    if (!take(text, ':')) return false;
    if (take(text, ':')) {
      if (gap) return false;
      gap = true;
      if (text.empty()) return groups < 8;
    }
  }
}

bool is_uuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !is_hex(text[i])) return false;
  }
  return true;
}

bool is_hostname(std::string_view text) {
  if (text.empty() || text.size() > 253) return false;
  std::size_t label = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '.') {
      if (label == 0 || text[i - 1] == '-') return false;
      label = 0;
      continue;
    }
    if (!is_letter(c) && !is_digit(c) && !(c == '-' && label > 0)) return false;
    if (++label > 63) return false;
    // A-labels beyond "xn--" need tables of IDNA that we do not carry.
    if (label == 4 && c == '-' && text[i - 1] == '-' && !(text[i - 3] == 'x' || text[i - 3] == 'X'))
      return false;
  }
  return label > 0 && text.back() != '-';
}

// RFC 5321: a dot-atom or quoted local part, then a host name or an address literal.
bool is_email(std::string_view text) {
  const std::size_t at = text.rfind('@');
  if (at == std::string_view::npos || at == 0 || at > 64) return false;
  const std::string_view local = text.substr(0, at);
  std::string_view domain = text.substr(at + 1);
  if (local.front() == '"') {
    if (local.size() < 2 || local.back() != '"') return false;
    for (std::size_t i = 1; i + 1 < local.size(); ++i) {
      if (local[i] == '\\' && ++i + 1 >= local.size()) return false;
      if (local[i] == '"' && local[i - 1] != '\\') return false;
    }
  } else {
    constexpr std::string_view kAtoms = "!#$%&'*+-/=?^_`{|}~";
    char before = '.';
    for (const char c : local) {
      const bool atom = is_letter(c) || is_digit(c) || kAtoms.find(c) != std::string_view::npos;
      if (!atom && !(c == '.' && before != '.')) return false;
      before = c;
    }
    if (before == '.') return false;
  }
  if (domain.starts_with('[') && domain.ends_with(']')) {
    domain = domain.substr(1, domain.size() - 2);
    if (domain.starts_with("IPv6:")) return is_ipv6(domain.substr(5));
    return is_ipv4(domain);
  }
  return is_hostname(domain);
}

bool is_uri_text(std::string_view text) {
  constexpr std::string_view kAllowed = "-._~:/?@!$&'()*+,;=%";
  bool fragment = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '#' && !fragment) {
      fragment = true;
    } else if (c == '%') {
      if (i + 2 >= text.size() || !is_hex(text[i + 1]) || !is_hex(text[i + 2])) return false;
    } else if (!is_letter(c) && !is_digit(c) && kAllowed.find(c) == std::string_view::npos) {
      return false;
    }
  }
  return true;
}

bool is_authority(std::string_view text) {
  if (const auto at = text.find('@'); at != std::string_view::npos) {
    if (text.substr(0, at).find_first_of("[]") != std::string_view::npos) return false;
    text.remove_prefix(at + 1);
  }
  if (text.starts_with('[')) {
    const auto close = text.find(']');
    if (close == std::string_view::npos || !is_ipv6(text.substr(1, close - 1))) return false;
    text.remove_prefix(close + 1);
    if (text.empty()) return true;
    if (text.front() != ':') return false;
  }
  const auto colon = text.find(':');
  if (text.find_first_of("[]@") != std::string_view::npos) return false;
  if (colon == std::string_view::npos) return true;
  for (const char c : text.substr(colon + 1)) {
    if (!is_digit(c)) return false;
  }
  return true;
}

bool is_uri(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0 || !is_letter(text.front())) return false;
  for (const char c : text.substr(0, colon)) {
    if (!is_letter(c) && !is_digit(c) && c != '+' && c != '-' && c != '.') return false;
  }
  text.remove_prefix(colon + 1);
  if (text.starts_with("//")) {
    const auto end = text.find_first_of("/?#", 2);
    if (!is_authority(text.substr(2, end == std::string_view::npos ? end : end - 2))) return false;
    std::string_view authority = text.substr(2, end == std::string_view::npos ? end : end - 2);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end);
    if (authority.find('[') == std::string_view::npos && !is_uri_text(authority)) return false;
  }
  return is_uri_text(text);
}

bool is_json_pointer(std::string_view text) {
  if (text.empty()) return true;
  if (text.front() != '/') return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '~' && (i + 1 == text.size() || (text[i + 1] != '0' && text[i + 1] != '1'))) return false;
  }
  return true;
}

}  // namespace

std::optional<Format> parse_format(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) return static_cast<Format>(i);
  }
  return std::nullopt;
}

std::string_view to_string(Format format) { return kNames[static_cast<std::size_t>(format)]; }

bool fits_format(Format format, std::string_view text) {
  switch (format) {
    case Format::date_time: return is_date_time(text);
    case Format::date: return take_date(text) && text.empty();
    case Format::time: return take_time(text) && text.empty();
    case Format::duration: return is_duration(text);
    case Format::email: return is_email(text);
    case Format::ipv4: return is_ipv4(text);
    case Format::ipv6: return is_ipv6(text);
    case Format::uuid: return is_uuid(text);
    case Format::uri: return is_uri(text);
    case Format::hostname: return is_hostname(text);
    case Format::json_pointer: return is_json_pointer(text);
  }
  return false;
}

}  // namespace millrace::contract
