// Card numbers in base64: what a text says when a run of its characters is decoded.
#include "collect/write_key.h"
#include "privacy/personal_forms.h"
#include "privacy/personal_scan.h"

namespace millrace::privacy {

namespace {

constexpr std::size_t kPatternBytes = 12;

bool is_base64(char c) { return is_digit(c) || is_letter(c) || c == '+' || c == '/' || c == '-' || c == '_'; }

// Of three bytes between 0x20 and 0x3f, where digits, blanks and dashes are, base64 makes four characters of which
// the first is one of eight, the second one of eight, the third one of sixteen.
bool may_be_digits(const char* quad) {
  constexpr std::string_view kSecond = "CDSTijyz", kThird = "AEIMQUYcgkosw048";
  return quad[0] >= 'I' && quad[0] <= 'P' && kSecond.find(quad[1]) != std::string_view::npos &&
         kThird.find(quad[2]) != std::string_view::npos;
}

}  // namespace

void PersonalScan::check_coded(std::size_t start) {
  std::size_t from = start, to = start;
  while (from > coded_done_ && is_base64(text_[from - 1])) --from;
  while (to < text_.size() && is_base64(text_[to])) ++to;
  coded_done_ = to;
  std::size_t at = from;
  const auto fits = [&] {
    return may_be_digits(&text_[at]) && may_be_digits(&text_[at + 4]) && may_be_digits(&text_[at + 8]);
  };
  while (at + kPatternBytes <= to && !fits()) ++at;
  if (at + kPatternBytes > to) return;
  if (nested_ == nullptr) nested_ = std::make_unique<PersonalScan>();
  std::vector<PersonalSpan>& inner = nested_found_;
  decoded_.clear();
  const std::size_t begin = from + (at - from) % 4;
  std::size_t size = to - begin;
  if (size % 4 == 1) --size;
  if (!collect::decode_base64(text_.substr(begin, size), decoded_)) return;
  nested_->find(decoded_, bit(Personal::card), inner);
  if (inner.empty()) return;
  while (to < text_.size() && text_[to] == '=') ++to;
  add(from, to, Personal::card);
}

}  // namespace millrace::privacy
