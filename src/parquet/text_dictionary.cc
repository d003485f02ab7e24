#include "parquet/text_dictionary.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/hash.h"

namespace millrace::parquet {

std::uint32_t TextDictionary::add(std::string_view text) {
  if (!ends_.empty() && (*this)[last_] == text) return last_;
  if ((ends_.size() + 1) * 2 > slots_.size()) grow();
  const auto hash = static_cast<std::uint32_t>(base::hash64(text));
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = hash & mask;
  for (; slots_[at].number != 0; at = (at + 1) & mask) {
    if (slots_[at].hash == hash && (*this)[slots_[at].number - 1] == text)
      return last_ = slots_[at].number - 1;
  }
  last_ = static_cast<std::uint32_t>(ends_.size());
  slots_[at] = {hash, last_ + 1};
  base::ByteWriter writer(bytes_);
  writer.u32(static_cast<std::uint32_t>(text.size()));
  writer.raw(text);
  ends_.push_back(bytes_.size());
  return last_;
}

void TextDictionary::grow() {
  std::vector<Slot> grown(std::max<std::size_t>(64, slots_.size() * 2));
  const std::size_t mask = grown.size() - 1;
  for (const Slot& slot : slots_) {
    if (slot.number == 0) continue;
    std::size_t at = slot.hash & mask;
    while (grown[at].number != 0) at = (at + 1) & mask;
    grown[at] = slot;
  }
  slots_ = std::move(grown);
}

void TextDictionary::clear() {
  bytes_.clear();
  ends_.clear();
  std::fill(slots_.begin(), slots_.end(), Slot{});
  last_ = 0;
}

}  // namespace millrace::parquet
