#include "commerce/purchases.h"

#include <algorithm>

namespace millrace::commerce {

bool Purchases::add(std::string_view product_id, std::int64_t at_ms) {
  const auto known = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const Entry& entry) { return entry.product_id == product_id; });
  if (known == entries_.end()) {
    if (entries_.size() >= kPurchasesMax) entries_.erase(entries_.begin());
    entries_.push_back({std::string(product_id), at_ms});
    return false;
  }
  const bool again = known->at_ms != at_ms;
  known->at_ms = std::max(known->at_ms, at_ms);
  std::rotate(known, known + 1, entries_.end());
  return again;
}

void Purchases::encode(base::ByteWriter& writer) const {
  writer.varint(entries_.size());
  for (const auto& entry : entries_) {
    writer.text(entry.product_id);
    writer.zigzag(entry.at_ms);
  }
}

bool Purchases::decode(base::ByteReader& reader) {
  const std::uint64_t count = reader.varint();
  if (count > reader.remaining()) return false;
  entries_.resize(count);
  for (auto& entry : entries_) {
    entry.product_id = reader.text();
    entry.at_ms = reader.zigzag();
  }
  return reader.ok();
}

void Repurchases::encode(std::string& out) const {
  base::ByteWriter writer(out);
  writer.varint(purchases);
  writer.varint(again);
  writer.zigzag(last_ms);
}

bool Repurchases::decode(std::string_view bytes, Repurchases& into) {
  base::ByteReader reader(bytes);
  into.purchases = reader.varint();
  into.again = reader.varint();
  into.last_ms = reader.zigzag();
  return reader.ok() && reader.at_end();
}

}  // namespace millrace::commerce
