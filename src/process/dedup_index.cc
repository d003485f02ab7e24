#include "process/dedup_index.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"

namespace millrace::process {

namespace {

constexpr std::uint32_t kWarmEvery = 64;      // New ids between two blocks that go into cold filters.
constexpr std::size_t kEntriesPerBlock = 16;  // What writing a block counts for in a drain.

void append_big_endian(std::uint64_t value, int bytes, std::string& out) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift));
}

// The same message id of another visitor is another id: what a partition sees must not depend on who shares
// it.
base::Hash128 scoped(std::uint64_t visitor_hash, const base::Hash128& id) {
  return {base::mix(id.high, visitor_hash), base::mix(id.low, visitor_hash)};
}

base::Error unreadable() {
  return base::Error(base::ErrorCode::corrupt, "stored message ids cannot be decoded");
}

}  // namespace

DedupIndex::DedupIndex(const StateStore& store, std::string prefix, DedupSettings settings)
    : store_(store),
      prefix_(std::move(prefix)),
      settings_(settings),
      buckets_held_(
          static_cast<std::uint32_t>((settings.horizon_ms + settings.bucket_ms - 1) / settings.bucket_ms) +
          1) {}

base::Status DedupIndex::restore() {
  TRY_ASSIGN(const std::optional<std::string> newest, store_.get(prefix_ + 't'));
  if (!newest) return base::Ok{};
  newest_ = static_cast<std::uint32_t>(base::ByteReader(*newest).varint());
  for (std::uint32_t number = oldest(newest_); number <= newest_; ++number) {
    TRY_ASSIGN(const std::optional<std::string> count, store_.get(count_key(number)));
    if (count) TRY(restore_bucket(number, base::ByteReader(*count).varint()));
  }
  return base::Ok{};
}

base::Status DedupIndex::restore_bucket(std::uint32_t number, std::uint64_t ids) {
  const std::size_t capacity = std::max<std::size_t>(settings_.filter_ids_min, ids + ids / 8);
  Bucket& held = buckets_.try_emplace(number, capacity).first->second;
  held.ids = ids;
  const auto full_runs = static_cast<std::uint32_t>(ids / settings_.run_ids);
  for (std::uint32_t i = 0; i < full_runs; ++i) {
    TRY_ASSIGN(const std::optional<std::string> bits, store_.get(key(number, 'f', i, 0)));
    held.runs.push_back(std::make_shared<IdRun>(settings_.run_ids));
    if (!bits || !held.runs.back()->filter.assign(*bits)) return unreadable();
    held.runs.back()->stored = true;
  }
  held.in_memory_from = full_runs;
  held.cold_blocks = std::uint64_t{full_runs} * IdRun::kBlocks;
  if (held.cold_blocks > 0) ++cold_buckets_;
  const auto open_ids = static_cast<std::uint32_t>(ids % settings_.run_ids);
  if (open_ids == 0) return base::Ok{};
  auto open = std::make_shared<IdRun>(settings_.run_ids);
  for (std::uint32_t piece = 0; piece * IdRun::kPieceIds < open_ids; ++piece) {
    TRY_ASSIGN(const std::optional<std::string> bytes, store_.get(key(number, 'o', full_runs, piece)));
    if (!bytes) return unreadable();
    IdRun::each(*bytes, [&](const base::Hash128& id) {
      open->add(id);
      held.filter.add(id);
      return true;
    });
  }
  if (open->ids().size() != open_ids) return unreadable();
  open->stored_count = open_ids;
  held.runs.push_back(std::move(open));
  return base::Ok{};
}

void DedupIndex::prefetch(std::uint64_t visitor_hash, base::Hash128 message_id) const {
  if (buckets_.empty()) return;
  const base::Hash128 id = scoped(visitor_hash, message_id);
  const Bucket& newest = buckets_.rbegin()->second;
  newest.filter.prefetch(id);
  if (!newest.runs.empty()) newest.runs.back()->prefetch(id);
}

bool DedupIndex::first_time(std::uint64_t visitor_hash, base::Hash128 message_id,
                            base::WallTime received_at) {
  const base::Hash128 id = scoped(visitor_hash, message_id);
  const std::uint32_t number = bucket_of(received_at);
  // The newest first: most repeats come soon.
  for (auto held = buckets_.rbegin(); held != buckets_.rend(); ++held) {
    if (knows(held->first, held->second, id)) return false;
  }
  Bucket& home = bucket(number);
  if (home.runs.empty() || home.runs.back()->stored || home.runs.back()->full()) {
    home.runs.push_back(std::make_shared<IdRun>(settings_.run_ids));
  }
  home.runs.back()->add(id);
  home.filter.add(id);
  ++home.ids;
  if (cold_buckets_ > 0 && until_warm_-- == 0) warm();
  return true;
}

bool DedupIndex::knows(std::uint32_t number, const Bucket& held, const base::Hash128& id) {
  const bool cold = held.cold_next < held.cold_blocks;
  if (!cold && !held.filter.maybe(id)) return false;
  for (std::size_t i = held.runs.size(); i > 0; --i) {
    const IdRun& run = *held.runs[i - 1];
    if (!run.filter.maybe(id)) continue;
    if (run.stored ? stored_run_has(number, static_cast<std::uint32_t>(i - 1), id) : run.has(id)) return true;
  }
  return false;
}

bool DedupIndex::stored_run_has(std::uint32_t bucket, std::uint32_t run, const base::Hash128& id) {
  ++store_reads_;
  auto block = store_.get(key(bucket, 'k', run, IdRun::block_of(id)));
  if (!block.ok()) {
    store_.note_fault(std::move(block).error().with_context("look up message id"));
    return false;
  }
  bool found = false;
  if (block->has_value()) {
    IdRun::each(**block, [&](const base::Hash128& stored) { return !(found = stored == id); });
  }
  return found;
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

DedupIndex::Bucket& DedupIndex::bucket(std::uint32_t number) {
  const auto found = buckets_.find(number);
  if (found != buckets_.end()) return found->second;
  std::size_t capacity = settings_.filter_ids_min;
  if (!buckets_.empty()) capacity = std::max<std::size_t>(capacity, buckets_.rbegin()->second.ids);
  return buckets_.try_emplace(number, capacity).first->second;
}

void DedupIndex::expire() {
  while (!buckets_.empty() && buckets_.begin()->first < oldest(newest_)) {
    const Bucket& old = buckets_.begin()->second;
    if (old.cold_next < old.cold_blocks) --cold_buckets_;
    expired_.push_back(buckets_.begin()->first);
    buckets_.erase(buckets_.begin());
  }
}

// One block of a stored run into its bucket's filter.
void DedupIndex::warm() {
  until_warm_ = kWarmEvery;
  for (auto held = buckets_.rbegin(); held != buckets_.rend(); ++held) {
    Bucket& cold = held->second;
    if (cold.cold_next == cold.cold_blocks) continue;
    const auto run = static_cast<std::uint32_t>(cold.cold_next / IdRun::kBlocks);
    const auto block = static_cast<std::uint32_t>(cold.cold_next % IdRun::kBlocks);
    auto bytes = store_.get(key(held->first, 'k', run, block));
    if (!bytes.ok()) {
      store_.note_fault(std::move(bytes).error().with_context("read message ids"));
      return;
    }
    if (bytes->has_value()) {
      IdRun::each(**bytes, [&](const base::Hash128& id) {
        cold.filter.add(id);
        return true;
      });
    }
    if (++cold.cold_next == cold.cold_blocks) --cold_buckets_;
    return;
  }
}

void DedupIndex::freeze() {
  frozen_ = Frozen();
  frozen_.newest = newest_;
  frozen_.expired.swap(expired_);
  for (auto& [number, held] : buckets_) {
    frozen_.counts.emplace_back(number, held.ids);
    while (held.in_memory_from < held.runs.size() && held.runs[held.in_memory_from]->stored)
      ++held.in_memory_from;
    for (std::size_t i = held.in_memory_from; i < held.runs.size(); ++i) {
      const auto count = static_cast<std::uint32_t>(held.runs[i]->ids().size());
      if (count == held.runs[i]->stored_count && count < settings_.run_ids) continue;
      frozen_.runs.push_back({number, static_cast<std::uint32_t>(i), count, held.runs[i], 0});
    }
  }
}

bool DedupIndex::drain(StateBatch& batch, std::size_t entries) {
  if (!frozen_.begun) write_frozen(batch);
  frozen_.begun = true;
  std::size_t pages = std::max<std::size_t>(entries / kEntriesPerBlock, 1);
  for (; frozen_.next < frozen_.runs.size(); ++frozen_.next) {
    FrozenRun& run = frozen_.runs[frozen_.next];
    const bool done =
        run.count == settings_.run_ids ? drain_full(run, batch, pages) : drain_open(run, batch, pages);
    if (!done) return false;
  }
  return true;
}

void DedupIndex::write_frozen(StateBatch& batch) {
  for (const std::uint32_t number : frozen_.expired) batch.erase_prefix(bucket_prefix(number));
  std::string value;
  base::ByteWriter(value).varint(frozen_.newest);
  batch.put(prefix_ + 't', value);
  for (const auto& [number, ids] : frozen_.counts) {
    value.clear();
    base::ByteWriter(value).varint(ids);
    batch.put(count_key(number), value);
  }
}

bool DedupIndex::drain_full(FrozenRun& frozen, StateBatch& batch, std::size_t& pages) {
  for (; frozen.next < IdRun::kBlocks; ++frozen.next, --pages) {
    if (pages == 0) return false;
    const std::string& block = frozen.run->blocks()[frozen.next];
    if (!block.empty()) batch.put(key(frozen.bucket, 'k', frozen.number, frozen.next), block);
  }
  if (pages == 0) return false;
  --pages;
  batch.put(key(frozen.bucket, 'f', frozen.number, 0), frozen.run->filter.bits());
  for (std::uint32_t piece = 0; piece * IdRun::kPieceIds < frozen.run->stored_count; ++piece) {
    batch.erase(key(frozen.bucket, 'o', frozen.number, piece));
  }
  return true;
}

// The pieces that have grown since they were stored.
bool DedupIndex::drain_open(FrozenRun& frozen, StateBatch& batch, std::size_t& pages) {
  const auto& ids = frozen.run->ids();
  frozen.next = std::max(frozen.next, frozen.run->stored_count / IdRun::kPieceIds);
  std::string bytes;
  for (; frozen.next * IdRun::kPieceIds < frozen.count; ++frozen.next) {
    if (pages < 4) {
      if (pages == 0) return false;
      pages = 4;
    }
    const std::uint32_t end = std::min(frozen.count, (frozen.next + 1) * IdRun::kPieceIds);
    bytes.clear();
    for (std::uint32_t i = frozen.next * IdRun::kPieceIds; i < end; ++i) IdRun::append(ids[i], bytes);
    batch.put(key(frozen.bucket, 'o', frozen.number, frozen.next), bytes);
    pages -= 4;
  }
  return true;
}

void DedupIndex::committed() {
  for (FrozenRun& frozen : frozen_.runs) {
    if (frozen.count == settings_.run_ids) {
      frozen.run->drop_ids();
    } else {
      frozen.run->stored_count = frozen.count;
    }
  }
  frozen_ = Frozen();
}

DedupIndex::Figures DedupIndex::figures() const {
  Figures figures;
  for (const auto& [number, held] : buckets_) {
    figures.ids += held.ids;
    figures.ids_cold += (held.cold_blocks - held.cold_next) * settings_.run_ids / IdRun::kBlocks;
    figures.filter_bytes += held.filter.bytes();
    for (const auto& run : held.runs) {
      figures.filter_bytes += run->filter.bytes();
      figures.ids_in_memory += run->ids().size();
    }
  }
  figures.store_reads = store_reads_;
  return figures;
}

std::string DedupIndex::bucket_prefix(std::uint32_t bucket) const {
  std::string key = prefix_ + 'b';
  append_big_endian(bucket, 4, key);
  return key;
}

std::string DedupIndex::count_key(std::uint32_t bucket) const { return bucket_prefix(bucket) + 'n'; }

std::string DedupIndex::key(std::uint32_t bucket, char kind, std::uint32_t run, std::uint32_t part) const {
  std::string key = bucket_prefix(bucket) + kind;
  append_big_endian(run, 4, key);
  append_big_endian(part, 2, key);
  return key;
}

}  // namespace millrace::process
