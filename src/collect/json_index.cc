#include "collect/json_index.h"

#include <simdjson.h>

#include <array>
#include <cstring>

#include "base/result.h"

namespace millrace::collect {

namespace {

constexpr std::size_t kTextBytesMax = 1u << 30;
constexpr std::size_t kKeptCapacity = 1024 * 1024;  // Scanners for longer texts are given back.

constexpr std::array<std::int8_t, 256> kDepthChange = [] {
  std::array<std::int8_t, 256> change{};
  change['{'] = change['['] = 1;
  change['}'] = change[']'] = -1;
  return change;
}();

}  // namespace

JsonIndex::JsonIndex() = default;
JsonIndex::~JsonIndex() = default;

JsonFault JsonIndex::scan(std::string_view text) {
  text_ = text;
  size_ = 0;
  suspect_ = false;
  if (text.empty()) return JsonFault::empty;
  if (text.size() > kTextBytesMax) return JsonFault::too_long;
  has_escapes_ = std::memchr(text.data(), '\\', text.size()) != nullptr;
  const bool grown =
      scanner_ != nullptr && scanner_->capacity() > kKeptCapacity && text.size() <= kKeptCapacity;
  if (scanner_ == nullptr || grown || scanner_->capacity() < text.size()) {
    const auto error = simdjson::get_active_implementation()->create_dom_parser_implementation(
        std::max<std::size_t>(text.size(), 16 * 1024), 1, scanner_);
    INVARIANT(error == simdjson::SUCCESS);
  }
  const auto run = [&](std::string_view bytes) {
    return scanner_->stage1(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size(),
                            simdjson::stage1_mode::regular);
  };
  auto error = run(text);
  if (error == simdjson::UNESCAPED_CHARS) {
    suspect_ = true;
    cleaned_ = text;
    // Blanks may stand between tokens; any other control character must make a token there, which JsonTape will refuse.
    for (char& c : cleaned_) {
      if (static_cast<unsigned char>(c) < 0x20) c = is_blank(c) ? ' ' : 'x';
    }
    error = run(cleaned_);
  }
  switch (error) {
    case simdjson::SUCCESS: break;
    case simdjson::UTF8_ERROR: suspect_ = true; break;  // Found last: the tokens are all there.
    case simdjson::EMPTY: return JsonFault::empty;
    default: return JsonFault::unclosed_string;
  }
  size_ = scanner_->n_structural_indexes;
  positions_ = scanner_->structural_indexes.get();
  return JsonFault::none;
}

std::string_view JsonIndex::text_of(std::uint32_t first, std::uint32_t end) const {
  const std::string_view last = token(end - 1);
  const std::size_t begin = positions_[first];
  return text_.substr(begin, static_cast<std::size_t>(last.data() + last.size() - text_.data()) - begin);
}

std::uint32_t JsonIndex::skip(std::uint32_t i) const {
  int depth = 0;
  for (; i < size_; ++i) {
    depth += kDepthChange[static_cast<unsigned char>(text_[positions_[i]])];
    if (depth <= 0) return i + 1;
  }
  return size_;
}

}  // namespace millrace::collect
