#include "process/dedup_index.h"

#include <algorithm>

#include "base/bytes.h"

namespace millrace::process {

namespace {

constexpr std::uint32_t kWarmEvery = 64;       // New ids between two slices of filling filters again.
constexpr std::uint64_t kWarmSlice = 1024;     // Ids in a slice.

void append_big_endian(std::uint64_t value, int bytes, std::string& out) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift));
}

std::uint64_t read_big_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char byte : bytes) value = value << 8 | static_cast<unsigned char>(byte);
  return value;
}

void append_id(const base::Hash128& id, std::string& out) {
  append_big_endian(id.high, 8, out);
  append_big_endian(id.low, 8, out);
}

// The same message id of another visitor is another id: what a partition sees must not depend on who shares it.
base::Hash128 scoped(std::uint64_t visitor_hash, const base::Hash128& id) {
  return {base::mix(id.high, visitor_hash), base::mix(id.low, visitor_hash)};
}

}  // namespace

DedupIndex::DedupIndex(const StateStore& store, std::string prefix, DedupSettings settings)
    : store_(store),
      prefix_(std::move(prefix)),
      settings_(settings),
      buckets_held_(static_cast<std::uint32_t>((settings.horizon_ms + settings.bucket_ms - 1) / settings.bucket_ms) + 1) {}

base::Status DedupIndex::restore() {
  TRY_ASSIGN(const std::optional<std::string> newest, store_.get(prefix_ + 't'));
  if (newest) newest_ = static_cast<std::uint32_t>(base::ByteReader(*newest).varint());
  const std::string counts = prefix_ + 'n';
  base::Status outcome = base::Ok{};
  TRY(store_.scan(counts, [&](std::string_view key, std::string_view value) {
    base::ByteReader reader(value);
    const std::uint64_t ids = reader.varint();
    if (key.size() != counts.size() + 4 || !reader.ok() || !reader.at_end()) {
      outcome = base::Error(base::ErrorCode::corrupt, "count of message ids cannot be decoded");
      return false;
    }
    const auto number = static_cast<std::uint32_t>(read_big_endian(key.substr(counts.size())));
    Bucket& held = buckets_.try_emplace(number, std::max<std::size_t>(settings_.filter_ids_min, ids + ids / 8)).first->second;
    held.ids = held.cold = ids;
    held.cold_from = ids_prefix(number);
    if (ids > 0) ++cold_buckets_;
    return true;
  }));
  return outcome;
}

bool DedupIndex::first_time(std::uint64_t visitor_hash, base::Hash128 message_id, base::WallTime received_at) {
  const base::Hash128 id = scoped(visitor_hash, message_id);
  active_.prefetch(id);
  frozen_.prefetch(id);
  for (const auto& [number, held] : buckets_) held.filter.prefetch(id);

  const std::uint32_t number = bucket_of(received_at);
  if (in_memory(id)) return false;
  // The newest first: most repeats come soon.
  for (auto held = buckets_.rbegin(); held != buckets_.rend(); ++held) {
    if (held->second.ids == 0) continue;
    if (held->second.cold == 0 && !held->second.filter.maybe(id)) continue;
    if (in_store(held->first, id)) return false;
  }
  Bucket& home = bucket(number);
  home.filter.add(id);
  ++home.ids;
  if (std::uint32_t* forgotten = active_.find(id)) {
    *forgotten = number;
  } else {
    active_.add(id, number);
  }
  if (cold_buckets_ > 0 && until_warm_-- == 0) warm();
  return true;
}

std::uint32_t DedupIndex::bucket_of(base::WallTime time) {
  const std::int64_t since_epoch = std::max<std::int64_t>(time.ms, 0) / settings_.bucket_ms;
  const auto number = static_cast<std::uint32_t>(since_epoch + 1);
  if (number > newest_) {
    newest_ = number;
    expire();
  }
  return std::max(number, oldest(newest_));
}

// What was expired may still lie in memory; whether it does depends on checkpoints, so it must not count.
bool DedupIndex::in_memory(const base::Hash128& id) {
  for (IdSet* set : {&active_, &frozen_}) {
    const std::uint32_t* number = set->find(id);
    if (number != nullptr && *number >= oldest(newest_)) return true;
  }
  return false;
}

DedupIndex::Bucket& DedupIndex::bucket(std::uint32_t number) {
  const auto found = buckets_.find(number);
  if (found != buckets_.end()) return found->second;
  std::size_t capacity = settings_.filter_ids_min;
  if (!buckets_.empty()) capacity = std::max<std::size_t>(capacity, buckets_.rbegin()->second.ids);
  return buckets_.try_emplace(number, capacity).first->second;
}

void DedupIndex::expire() {
  while (!buckets_.empty() && buckets_.begin()->first < oldest(newest_)) {
    if (buckets_.begin()->second.cold > 0) --cold_buckets_;
    expired_.push_back(buckets_.begin()->first);
    buckets_.erase(buckets_.begin());
  }
}

bool DedupIndex::in_store(std::uint32_t number, const base::Hash128& id) {
  key_ = ids_prefix(number);
  append_id(id, key_);
  ++store_reads_;
  auto stored = store_.get(key_);
  if (stored.ok()) return stored->has_value();
  store_.note_fault(std::move(stored).error().with_context("look up message id"));
  return false;
}

void DedupIndex::warm() {
  until_warm_ = kWarmEvery;
  for (auto held = buckets_.rbegin(); held != buckets_.rend(); ++held) {
    Bucket& cold = held->second;
    if (cold.cold == 0) continue;
    const std::string prefix = ids_prefix(held->first);
    std::uint64_t seen = 0;
    const base::Status scanned = store_.scan_from(prefix, cold.cold_from, [&](std::string_view key, std::string_view) {
      const std::string_view id = key.substr(prefix.size());
      if (id.size() == 16) cold.filter.add({read_big_endian(id.substr(0, 8)), read_big_endian(id.substr(8))});
      cold.cold_from.assign(key).push_back('\0');
      return ++seen < kWarmSlice;
    });
    if (!scanned.ok()) {
      store_.note_fault(scanned.error());
      return;
    }
    if (seen < kWarmSlice) {
      cold.cold = 0;
      --cold_buckets_;
    } else {
      // Keys committed since the restart are passed too; the last slice is the one that comes to the end.
      cold.cold = cold.cold > seen ? cold.cold - seen : 1;
    }
    return;
  }
}

void DedupIndex::freeze() {
  INVARIANT(frozen_.size() == 0);
  std::swap(active_, frozen_);
  drained_slots_ = 0;
  frozen_written_ = false;
  frozen_newest_ = newest_;
  frozen_expired_.swap(expired_);
  expired_.clear();
  frozen_counts_.clear();
  for (const auto& [number, held] : buckets_) frozen_counts_.emplace_back(number, held.ids);
}

bool DedupIndex::drain(StateBatch& batch, std::size_t entries) {
  if (!frozen_written_) write_frozen(batch);
  frozen_written_ = true;
  // Empty slots cost little, but not nothing.
  const std::size_t to = std::min(frozen_.slots(), drained_slots_ + 16 * entries);
  std::string prefix;
  std::uint32_t prefix_of = 0;
  drained_slots_ = frozen_.visit_slots(drained_slots_, to, [&](const base::Hash128& id, std::uint32_t number) {
    if (entries == 0) return false;
    if (number < oldest(frozen_newest_)) return true;  // Expired before it was ever stored.
    if (prefix_of != number) prefix = ids_prefix(prefix_of = number);
    key_.assign(prefix);
    append_id(id, key_);
    batch.put(key_, {});
    --entries;
    return true;
  });
  return drained_slots_ == frozen_.slots();
}

void DedupIndex::write_frozen(StateBatch& batch) {
  for (const std::uint32_t number : frozen_expired_) {
    batch.erase_prefix(ids_prefix(number));
    batch.erase(count_key(number));
  }
  std::string value;
  base::ByteWriter(value).varint(frozen_newest_);
  batch.put(prefix_ + 't', value);
  for (const auto& [number, ids] : frozen_counts_) {
    value.clear();
    base::ByteWriter(value).varint(ids);
    batch.put(count_key(number), value);
  }
}

void DedupIndex::committed() {
  frozen_.clear();
  frozen_expired_.clear();
}

DedupIndex::Figures DedupIndex::figures() const {
  Figures figures;
  for (const auto& [number, held] : buckets_) {
    figures.ids += held.ids;
    figures.ids_cold += held.cold;
    figures.filter_bytes += held.filter.bytes();
  }
  figures.ids_in_memory = active_.size() + frozen_.size();
  figures.store_reads = store_reads_;
  return figures;
}

std::string DedupIndex::count_key(std::uint32_t bucket) const {
  std::string key = prefix_ + 'n';
  append_big_endian(bucket, 4, key);
  return key;
}

std::string DedupIndex::ids_prefix(std::uint32_t bucket) const {
  std::string key = prefix_ + 'i';
  append_big_endian(bucket, 4, key);
  return key;
}

}  // namespace millrace::process
