// What a stage's state costs: keyed state, timers and message ids, with checkpoints into a real RocksDB.
//
//   state_bench [visitors] [ids]
//
// Processor time, so that neighbours on the machine disturb little; the committing thread is counted apart.

#include <fmt/format.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/random.h"
#include "process/dedup_index.h"
#include "process/keyed_state.h"
#include "process/memory_state_store.h"
#include "process/rocks_state_store.h"
#include "process/timers.h"

namespace {

using namespace millrace;
using namespace millrace::process;

double cpu_seconds(clockid_t clock = CLOCK_THREAD_CPUTIME_ID) {
  timespec t{};
  clock_gettime(clock, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

std::size_t resident_bytes() {
  std::size_t pages = 0;
  if (std::FILE* file = std::fopen("/proc/self/statm", "r")) {
    if (std::fscanf(file, "%*s %zu", &pages) != 1) pages = 0;
    std::fclose(file);
  }
  return pages * 4096;
}

template <class Step>
double ns_each(std::size_t count, Step step) {
  const double start = cpu_seconds();
  for (std::size_t i = 0; i < count; ++i) step(i);
  return (cpu_seconds() - start) * 1e9 / static_cast<double>(count);
}

void report(std::string_view what, double value, std::string_view unit) {
  fmt::print("{:<64}{:>10.1f} {}\n", what, value, unit);
}

// About as large as an open session.
struct Session {
  std::uint64_t id = 0;
  std::int64_t started_ms = 0, last_ms = 0;
  std::uint32_t events = 0, level = 0;
  std::string entry_page, country;
  void encode(std::string& out) const {
    base::ByteWriter writer(out);
    writer.u64(id);
    writer.zigzag(started_ms);
    writer.zigzag(last_ms);
    writer.varint(events);
    writer.varint(level);
    writer.text(entry_page);
    writer.text(country);
  }
  static bool decode(std::string_view bytes, Session& into) {
    base::ByteReader reader(bytes);
    into.id = reader.u64();
    into.started_ms = reader.zigzag();
    into.last_ms = reader.zigzag();
    into.events = static_cast<std::uint32_t>(reader.varint());
    into.level = static_cast<std::uint32_t>(reader.varint());
    into.entry_page = reader.text();
    into.country = reader.text();
    return reader.ok() && reader.at_end();
  }
};

struct Checkpoint {
  double freeze_us = 0, slice_us_max = 0, drain_ns = 0, commit_ns = 0, process_ns = 0;
  std::size_t entries = 0;
};

Checkpoint checkpoint(Checkpointed& state, StateStore& store) {
  Checkpoint cost;
  double start = cpu_seconds();
  state.freeze();
  cost.freeze_us = (cpu_seconds() - start) * 1e6;
  StateBatch batch;
  double drained = 0;
  for (bool done = false; !done;) {
    start = cpu_seconds();
    done = state.drain(batch, 256);
    const double slice = cpu_seconds() - start;
    cost.slice_us_max = std::max(cost.slice_us_max, slice * 1e6);
    drained += slice;
  }
  cost.entries = batch.size();
  start = cpu_seconds();
  const double process_start = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID);
  if (!store.commit(batch).ok()) std::abort();
  const auto entries = static_cast<double>(cost.entries);
  cost.drain_ns = drained * 1e9 / entries;
  cost.commit_ns = (cpu_seconds() - start) * 1e9 / entries;
  cost.process_ns = (cpu_seconds(CLOCK_PROCESS_CPUTIME_ID) - process_start) * 1e9 / entries;
  state.committed();
  return cost;
}

void report_checkpoint(const Checkpoint& cost) {
  report("  checkpoint: freeze", cost.freeze_us, "us");
  report("  checkpoint: longest drain slice (256 entries)", cost.slice_us_max, "us");
  report("  checkpoint: drain, per entry", cost.drain_ns, "ns");
  report("  checkpoint: commit thread, per entry", cost.commit_ns, "ns");
}

std::string visitor_key(std::size_t number) {
  return fmt::format("{:08x}-{:04x}-4000-a000-{:012x}", number * 2654435761u, number & 0xffff, number);
}

void keyed_state(StateStore& store, std::size_t visitors) {
  fmt::print("\nkeyed state, {} visitors with keys of 36 bytes\n", visitors);
  std::vector<std::string> keys;
  for (std::size_t i = 0; i < visitors; ++i) keys.push_back(visitor_key(i));
  base::SeededRandom random(1);
  const std::size_t before = resident_bytes();
  KeyedState<Session> state(store, "s/", visitors);
  report("first edit of a key the store does not know",
         ns_each(visitors,
                 [&](std::size_t i) {
                   Session& session = state.edit(keys[i]);
                   session.id = i;
                   session.entry_page = "/products/shoes";
                 }),
         "ns");
  report("memory per entry (144 bytes are the value)",
         static_cast<double>(resident_bytes() - before) / static_cast<double>(visitors), "bytes");
  report_checkpoint(checkpoint(state, store));
  for (const std::size_t hot : {std::size_t{2000}, std::size_t{50000}, visitors}) {
    report(fmt::format("find and edit, {} of them hot", hot),
           ns_each(2'000'000,
                   [&](std::size_t i) {
                     const std::string& key = keys[random.below(hot)];
                     const Session* seen = state.find(key);
                     state.edit(key).last_ms = static_cast<std::int64_t>(i) + (seen == nullptr);
                   }),
           "ns");
  }
  report_checkpoint(checkpoint(state, store));

  KeyedState<Session> cold(store, "s/", visitors / 10);
  report("find in RocksDB (not in the cache)",
         ns_each(visitors / 5, [&](std::size_t) { cold.find(keys[random.below(visitors)]); }), "ns");

  KeyedState<Session, NumberKey> numbers(store, "n/", visitors);
  report("number keys: first edit", ns_each(visitors, [&](std::size_t i) { numbers.edit(i * 7919).id = i; }),
         "ns");
  report("number keys: find and edit, 50000 of them hot",
         ns_each(2'000'000,
                 [&](std::size_t i) {
                   const std::uint64_t key = random.below(50000) * 7919;
                   const Session* seen = numbers.find(key);
                   numbers.edit(key).last_ms = static_cast<std::int64_t>(i) + (seen == nullptr);
                 }),
         "ns");
}

void timers(StateStore& store, std::size_t visitors) {
  fmt::print("\ntimers, {} set, keys of 8 bytes\n", visitors);
  base::SeededRandom random(2);
  const auto key_of = [](std::uint64_t number) {
    return std::string(reinterpret_cast<const char*>(&number), 8);
  };
  const std::size_t before = resident_bytes();
  Timers timers(store, "t/");
  report("set a new one",
         ns_each(visitors, [&](std::size_t i) { timers.set(1, key_of(i), {static_cast<std::int64_t>(i)}); }),
         "ns");
  report("memory per timer", static_cast<double>(resident_bytes() - before) / static_cast<double>(visitors),
         "bytes");
  report("move one later",
         ns_each(2'000'000,
                 [&](std::size_t i) {
                   timers.set(1, key_of(random.below(visitors)), {static_cast<std::int64_t>(visitors + i)});
                 }),
         "ns");
  report_checkpoint(checkpoint(timers, store));
  Timers::Due due;
  std::size_t popped = 0;
  const double pop =
      ns_each(visitors, [&](std::size_t) { popped += timers.pop({std::int64_t{1} << 60}, due); });
  if (popped != visitors) std::abort();
  report("pop, each moved about twice before", pop, "ns");
}

void message_ids(StateStore& store, std::size_t ids) {
  fmt::print("\nmessage ids, {} new ones over 2 days, a checkpoint every 200000\n", ids);
  DedupIndex index(store, "d/", {});
  double in_owner = 0, drained = 0, committed = 0, everything = 0, slice_us = 0;
  const std::size_t before = resident_bytes();
  const std::size_t slice = 200'000;
  const double process_start = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID);
  for (std::size_t start = 0; start < ids; start += slice) {
    const std::int64_t now = 1'700'000'000'000 + static_cast<std::int64_t>(start * 2.0 * base::kDayMs / ids);
    in_owner += ns_each(slice, [&](std::size_t i) {
      base::Hash128 id{(start + i) * 0x9e3779b97f4a7c15ULL, (start + i) * 0xd6e8feb86659fd93ULL};
      if (!index.first_time((start + i) / 20, id, {now})) std::abort();
    });
    const Checkpoint cost = checkpoint(index, store);
    drained += cost.drain_ns * static_cast<double>(cost.entries);
    committed += cost.commit_ns * static_cast<double>(cost.entries);
    slice_us = std::max(slice_us, cost.slice_us_max);
  }
  everything = (cpu_seconds(CLOCK_PROCESS_CPUTIME_ID) - process_start) * 1e9 / static_cast<double>(ids);
  const double checkpoints = static_cast<double>(ids / slice);
  const auto figures = index.figures();
  report("first_time of a new id, owner's thread", in_owner / checkpoints, "ns");
  report("  its part of checkpoints, owner's thread", drained / static_cast<double>(ids), "ns");
  report("  its part of checkpoints, commit thread", committed / static_cast<double>(ids), "ns");
  report("  longest drain slice", slice_us, "us");
  report("  all threads, compaction included", everything, "ns");
  report("  store reads per 1000 new ids (filters let through)",
         1000.0 * static_cast<double>(figures.store_reads) / static_cast<double>(ids), "");
  report("  filter memory per id",
         static_cast<double>(figures.filter_bytes) / static_cast<double>(figures.ids), "bytes");
  report("  resident growth per id, RocksDB included",
         static_cast<double>(resident_bytes() - before) / static_cast<double>(ids), "bytes");
  base::SeededRandom random(3);
  report("first_time of an id that is in the store",
         ns_each(100'000,
                 [&](std::size_t) {
                   const std::size_t i = random.below(ids);
                   base::Hash128 id{i * 0x9e3779b97f4a7c15ULL, i * 0xd6e8feb86659fd93ULL};
                   if (index.first_time(i / 20, id, {1'700'000'000'000 + 2 * base::kDayMs})) std::abort();
                 }),
         "ns");

  DedupIndex restarted(store, "d/", {});
  double start = cpu_seconds();
  if (!restarted.restore().ok()) std::abort();
  report("restore", (cpu_seconds() - start) * 1e6, "us");
  std::size_t cold = 0;
  const double warming = ns_each(200'000, [&](std::size_t i) {
    base::Hash128 id{(ids + i) * 0x9e3779b97f4a7c15ULL, (ids + i) * 0xd6e8feb86659fd93ULL};
    restarted.first_time(1, id, {1'700'000'000'000 + 2 * base::kDayMs});
    if (i % 1000 == 0) cold += restarted.figures().ids_cold > 0 ? 1000 : 0;
  });
  report("first_time of a new id in the first 200000 after a restart", warming, "ns");
  report("  of them before all filters were warm", static_cast<double>(cold), "");
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t visitors = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 500'000;
  const std::size_t ids = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 4'000'000;
  const auto directory =
      std::filesystem::temp_directory_path() / fmt::format("millrace-state-bench-{}", ::getpid());
  std::filesystem::create_directories(directory);
  {
    auto store = RocksStateStore::open(directory.string(), RocksShared::create({}));
    if (!store.ok()) {
      fmt::print(stderr, "{}\n", store.error().message());
      return 1;
    }
    keyed_state(**store, visitors);
    timers(**store, visitors);
    message_ids(**store, ids);
    const auto figures = (*store)->figures();
    fmt::print("\nRocksDB: {:.1f} MB in files, {:.1f} MB in memtables\n",
               static_cast<double>(figures.live_bytes) / 1e6,
               static_cast<double>(figures.memtable_bytes) / 1e6);
  }
  std::filesystem::remove_all(directory);
  return 0;
}
