#include "collect/ga4_item.h"

#include <emmintrin.h>

#include <array>
#include <bit>
#include <cstring>

#include "http/http.h"

namespace millrace::collect {

namespace {

constexpr std::string_view kGroups[] = {"ep", "epn", "up", "upn"};

// Most members: short, of ASCII, without anything that JSON escapes. They are written first and then looked at as a whole. False: it is
// none of them.
bool append_plain_member(std::string& json, std::string_view name, std::string_view value) {
  constexpr std::size_t kMarks = 6;  // A comma, four quotes and a colon.
  char piece[128];
  if (name.size() + value.size() > sizeof piece - kMarks - sizeof(__m128i)) return false;
  char* end = piece;
  if (json.back() != '{') *end++ = ',';
  *end++ = '"';
  end += name.copy(end, name.size());
  std::memcpy(end, "\":\"", 3);
  end += 3;
  end += value.copy(end, value.size());
  *end++ = '"';
  const __m128i blanks = _mm_set1_epi8(' ');
  _mm_storeu_si128(reinterpret_cast<__m128i*>(end), blanks);
  __m128i strange = _mm_setzero_si128();
  int quotes = 0;
  for (const char* at = piece; at < end; at += sizeof(__m128i)) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    // Below a blank are, as signed numbers, the control characters and all that is not ASCII.
    const __m128i others =
        _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')), _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7f)));
    strange = _mm_or_si128(strange, _mm_or_si128(_mm_cmplt_epi8(bytes, blanks), others));
    quotes +=
        std::popcount(static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')))));
  }
  if (quotes != 4 || _mm_movemask_epi8(strange) != 0) return false;
  json.append(piece, static_cast<std::size_t>(end - piece));
  return true;
}

void append_member(std::string& json, std::string_view name, std::string_view value) {
  if (append_plain_member(json, name, value)) [[likely]]
    return;
  if (json.back() != '{') json += ',';
  http::append_json_string(json, name);
  json += ':';
  http::append_json_string(json, value);
}

// "pr12", but not "pre" or "pr": an item and its place.
bool is_item(std::string_view name) {
  if (name.size() < 3 || name.size() > 5 || !name.starts_with("pr")) return false;
  return name.find_first_not_of("0123456789", 2) == std::string_view::npos;
}

// Which of kGroups "epn.value" is of; their count when it is of none.
std::size_t group_of(std::string_view name) {
  const std::size_t dot = name.find('.');
  std::size_t group = 0;
  while (group < std::size(kGroups) &&
         (dot == std::string_view::npos || name.substr(0, dot) != kGroups[group])) {
    ++group;
  }
  return group;
}

constexpr std::size_t kCustomMax = 36;  // "k0" to "k9", then "kA" to "kZ".

// Which custom parameter the part is the name or the value of; kCustomMax when it is of none.
std::size_t custom_of(std::string_view part, char letter) {
  if (part.size() < 2 || part[0] != letter) return kCustomMax;
  if (part[1] >= '0' && part[1] <= '9') return static_cast<std::size_t>(part[1] - '0');
  return part[1] >= 'A' && part[1] <= 'Z' ? static_cast<std::size_t>(part[1] - 'A') + 10 : kCustomMax;
}

// Where the part ends that an item begins with: at a tilde that is alone, as two of them are one within a value.
std::size_t part_end(std::string_view coded) {
  std::size_t at = coded.find('~');
  while (at != std::string_view::npos && coded.substr(at + 1, 1) == "~") at = coded.find('~', at + 2);
  return at;
}

void append_part(std::string& json, std::string_view name, std::string_view value) {
  if (name.find("~~") == std::string_view::npos && value.find("~~") == std::string_view::npos) [[likely]]
    return append_member(json, name, value);
  const auto single = [](std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); i += text.substr(i, 2) == "~~" ? 2 : 1) out += text[i];
    return out;
  };
  append_member(json, single(name), single(value));
}

// "idSKU~nmShoe~pr9.5~k0size~v043"
void append_item(std::string& json, std::string_view coded) {
  if (json.back() != '[') json += ',';
  json += '{';
  std::array<std::string_view, kCustomMax> names{};
  while (!coded.empty()) {
    const std::size_t end = part_end(coded);
    const std::string_view part = coded.substr(0, end);
    coded = end == std::string_view::npos ? std::string_view{} : coded.substr(end + 1);
    if (part.size() < 2) continue;
    const std::size_t name = custom_of(part, 'k');
    const std::size_t named = custom_of(part, 'v');
    if (name < kCustomMax) {
      names[name] = part.substr(2);
    } else if (named < kCustomMax && !names[named].empty()) {
      append_part(json, names[named], part.substr(2));
    } else {
      append_part(json, part.substr(0, 2), part.substr(2));
    }
  }
  json += '}';
}

// The text without its escapes; itself when it has a broken one.
std::string_view decoded(std::string_view text, std::string& into) {
  into.clear();
  return http::percent_decode(text, http::Plus::space, into) ? std::string_view(into) : text;
}

// Where a query has its next escape: each of the two kinds is looked for from where the last one of it was passed.
class Escapes {
 public:
  explicit Escapes(std::string_view query) : end_(query.data() + query.size()) {
    percent_ = next('%', query.data());
    plus_ = next('+', query.data());
  }
  // Texts are asked for in their order.
  bool are_in(std::string_view text) {
    const char* const begin = text.data();
    if (percent_ < begin) percent_ = next('%', begin);
    if (plus_ < begin) plus_ = next('+', begin);
    return percent_ < begin + text.size() || plus_ < begin + text.size();
  }

 private:
  const char* next(char escape, const char* from) const {
    const void* const found =
        from == end_ ? nullptr : std::memchr(from, escape, static_cast<std::size_t>(end_ - from));
    return found == nullptr ? end_ : static_cast<const char*>(found);
  }
  const char* const end_;
  const char* percent_ = nullptr;
  const char* plus_ = nullptr;
};

}  // namespace

void HitWriter::add(std::string_view name, std::string_view value, Parts& to) {
  if (is_item(name)) {
    to.items += to.items.empty() ? "[" : "";
    append_item(to.items, value);
  } else if (const std::size_t group = group_of(name); group < std::size(kGroups)) {
    if (to.groups[group].empty()) to.groups[group] = '{';
    append_member(to.groups[group], name.substr(kGroups[group].size() + 1), value);
  } else {
    to.has_page = to.has_page || name == "_p";
    to.has_number = to.has_number || name == "_s";
    append_member(to.members, name, value);
  }
}

void HitWriter::begin(const std::vector<std::pair<std::string, std::string>>& shared) {
  static_assert(std::size(kGroups) == kGroupCount);
  shared_.members = '{';
  for (std::string& group : shared_.groups) group.clear();
  shared_.items.clear();
  shared_.has_page = shared_.has_number = false;
  for (const auto& [name, value] : shared) add(name, value, shared_);
}

std::string_view HitWriter::write(std::string_view line) {
  own_.members.assign(shared_.members);
  for (std::size_t i = 0; i < kGroupCount; ++i) own_.groups[i].assign(shared_.groups[i]);
  own_.items.assign(shared_.items);
  own_.has_page = shared_.has_page;
  own_.has_number = shared_.has_number;
  Escapes escapes(line);
  while (!line.empty()) {
    const std::size_t end = line.find('&');
    const std::string_view field = line.substr(0, end);
    line = end == std::string_view::npos ? std::string_view{} : line.substr(end + 1);
    if (field.empty()) continue;
    const std::size_t equals = field.find('=');
    const bool has_value = equals != std::string_view::npos;
    std::string_view name = field.substr(0, equals);
    std::string_view value = has_value ? field.substr(equals + 1) : std::string_view{};
    if (escapes.are_in(field)) {
      name = decoded(name, name_);
      value = decoded(value, value_);
    }
    add(name, value, own_);
  }
  hit_.assign(own_.members);
  const auto append = [this](std::string_view name, std::string_view text, char close) {
    if (text.empty()) return;
    if (hit_.size() > 1) hit_ += ',';
    hit_ += '"';
    hit_ += name;
    hit_ += "\":";
    hit_ += text;
    hit_ += close;
  };
  for (std::size_t i = 0; i < kGroupCount; ++i) append(kGroups[i], own_.groups[i], '}');
  append("items", own_.items, ']');
  return hit_ += '}';
}

}  // namespace millrace::collect
