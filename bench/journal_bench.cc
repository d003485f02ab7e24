// The journal on a real disk: group commit throughput, latency of a synced submission, and what following
// the tail costs.
//
//   journal_bench [directory] [seconds per figure]
//
// Records are JSON events of about 500 bytes; a submission carries 50 of them, or one. The fdatasync
// baseline is printed first and last: figures of runs whose baselines differ by more than two are not
// comparable.

#include <fmt/format.h>
#include <sys/resource.h>
#include <time.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/bytes.h"
#include "base/histogram.h"
#include "base/random.h"
#include "disk/posix_disk.h"
#include "journal/group_commit.h"
#include "journal/segment_journal.h"

namespace {

using namespace millrace;

class BenchClock final : public base::Clock {
 public:
  base::Instant now() const override { return {read(CLOCK_MONOTONIC)}; }
  base::WallTime wall() const override { return {read(CLOCK_REALTIME) / 1'000'000}; }
  static std::int64_t read(clockid_t clock) {
    timespec t{};
    clock_gettime(clock, &t);
    return t.tv_sec * 1'000'000'000 + t.tv_nsec;
  }
};

void check(const base::Status& status) {
  if (status.ok()) return;
  fmt::print(stderr, "{}\n", status.error().message());
  std::exit(1);
}

std::string event_json(base::SeededRandom& random) {
  return fmt::format(
      R"({{"type":"track","event":"Product Viewed","messageId":"{:016x}-{:016x}","anonymousId":"{:016x}","timestamp":)"
      R"("2026-11-21T{:02}:{:02}:{:02}.{:03}Z","sentAt":"2026-11-21T10:00:00.000Z","context":{{"page":{{"path":"/p/{}",)"
      R"("url":"https://shop.example/p/{}","referrer":"https://search.example/"}},"userAgent":"Mozilla/5.0 Firefox/128.0",)"
      R"("locale":"de-DE"}},"properties":{{"product_id":"sku-{}","name":"Product number {}","price":{}.{:02},)"
      R"("currency":"EUR","category":"shoes","quantity":1}}}})",
      random.next(), random.next(), random.below(100'000), random.below(24), random.below(60),
      random.below(60), random.below(1000), random.below(5000), random.below(5000), random.below(5000),
      random.below(5000), random.below(300), random.below(100));
}

std::vector<journal::RecordBuffer> submissions(std::uint32_t records, std::size_t count) {
  base::SeededRandom random(7);
  std::vector<journal::RecordBuffer> made(count);
  for (auto& buffer : made) {
    for (std::uint32_t i = 0; i < records; ++i) buffer.add(event_json(random));
  }
  return made;
}

std::string micros(const base::HistogramSnapshot& ns) {
  return fmt::format("p50 {:.0f} us, p99 {:.0f} us, max {:.0f} us",
                     static_cast<double>(ns.percentile(0.5)) / 1e3,
                     static_cast<double>(ns.percentile(0.99)) / 1e3, static_cast<double>(ns.max()) / 1e3);
}

void baseline(disk::Disk& disk, const base::Clock& clock) {
  const std::string zeros(8 << 20, '\0');
  const std::string page(4096, 'x');
  check(disk.remove("baseline"));
  auto file = disk.create("baseline");
  check((*file)->write_at(0, base::as_bytes(zeros)));
  check((*file)->sync());
  auto histogram = std::make_unique<base::Histogram>();
  for (std::uint64_t i = 0; i < 500; ++i) {
    const base::Instant start = clock.now();
    check((*file)->write_at(i * page.size(), base::as_bytes(page)));
    check((*file)->sync());
    histogram->record(static_cast<std::uint64_t>(clock.now() - start));
  }
  fmt::print("baseline   4 KiB into zero-filled blocks + fdatasync: {}\n", micros(histogram->snapshot()));
  check(disk.remove("baseline"));
}

struct Setup {
  std::uint32_t records_per_submission = 50;
  std::size_t outstanding = 64;   // Submissions in flight.
  double records_per_second = 0;  // 0 for as fast as it goes.
  journal::Compression compression = journal::Compression::lz4;
  bool tail_reader = false;
};

class Run {
 public:
  Run(disk::Disk& disk, const base::Clock& clock, std::string name, Setup setup, double seconds)
      : disk_(disk), clock_(clock), name_(std::move(name)), setup_(setup), seconds_(seconds) {}

  void operator()() {
    base::SeededRandom random(1);
    remove_files();
    auto opened = journal::SegmentJournal::open({.directory = "bench", .compression = setup_.compression},
                                                disk_, clock_, random);
    if (!opened.ok()) check(std::move(opened).error());
    journal_ = *std::move(opened);
    commit_ = std::make_unique<journal::GroupCommit>(*journal_, clock_, journal::GroupCommitSettings{});
    std::thread preparer([&] { prepare(); });
    std::thread writer([&] { write(); });
    std::thread reader([&] {
      if (setup_.tail_reader) follow();
    });
    const base::Instant start = clock_.now();
    produce();
    const double elapsed = static_cast<double>(clock_.now() - start) / 1e9;
    stop_ = true;
    commit_->wake();
    writer.join();
    reader.join();
    preparer.join();
    report(elapsed);
    commit_.reset();
    check(journal_->close());
    journal_.reset();
    remove_files();
  }

 private:
  void produce() {
    const auto prepared = submissions(setup_.records_per_submission, 64);
    const base::Instant start = clock_.now();
    const auto until = static_cast<std::int64_t>(seconds_ * 1e9);
    for (std::uint64_t sent = 0;; ++sent) {
      std::int64_t since = clock_.now() - start;
      if (since >= until) break;
      std::int64_t intended = since;
      if (setup_.records_per_second > 0) {
        intended = static_cast<std::int64_t>(static_cast<double>(sent * setup_.records_per_submission) /
                                             setup_.records_per_second * 1e9);
        if (intended > since) pause(intended - since);
      }
      while (in_flight_.load() >= setup_.outstanding) pause(20'000);
      in_flight_.fetch_add(1);
      const base::Instant from{start.ns + intended};
      journal::RecordBuffer copy = prepared[sent % prepared.size()];
      check(commit_->submit(std::move(copy), journal::Durability::synced,
                            [this, from](base::Result<journal::Offset> done) {
                              if (!done.ok()) check(std::move(done).error());
                              latency_ns_->record(static_cast<std::uint64_t>(clock_.now() - from));
                              in_flight_.fetch_sub(1);
                            }));
    }
    while (in_flight_.load() > 0) pause(20'000);
  }

  void write() {
    while (!stop_) {
      if (!commit_->run_once()) commit_->wait(100);
    }
    writer_cpu_ns_ = BenchClock::read(CLOCK_THREAD_CPUTIME_ID);
  }

  void prepare() {
    while (!stop_) {
      const auto left = journal_->prepare_next();
      if (!left.ok()) check(std::move(left).error());
      pause(*left > 0 ? 1'000'000 : 20'000'000);
    }
  }

  void follow() {
    journal::Offset next;
    while (!stop_ || next < journal_->end()) {
      const auto batch = journal_->read(next, 1 << 20);
      if (!batch.ok()) check(batch.error());
      for (const auto payload : batch->payloads) read_bytes_ += payload.size();
      if (batch->empty()) pause(200'000);
      next = batch->end();
    }
    reader_cpu_ns_ = BenchClock::read(CLOCK_THREAD_CPUTIME_ID);
  }

  void report(double elapsed) {
    const auto& metrics = commit_->metrics();
    const auto records = static_cast<double>(metrics.records.load());
    const auto raw_mb = static_cast<double>(metrics.bytes.load()) / 1e6;
    fmt::print("{}\n", name_);
    fmt::print("  {:.0f} records/s, {:.1f} MB/s raw, {:.1f} MB stored of {:.1f} MB raw, {} segments\n",
               records / elapsed, raw_mb / elapsed, static_cast<double>(journal_->bytes()) / 1e6, raw_mb,
               journal_->segments());
    fmt::print("  submit to done: {}\n", micros(latency_ns_->snapshot()));
    fmt::print("  fdatasync: {}; append: {}\n", micros(metrics.sync_ns.snapshot()),
               micros(metrics.append_ns.snapshot()));
    fmt::print("  records per sync: p50 {}, max {}; writer {:.1f} % of a core, {:.2f} us per record\n",
               metrics.group_records.snapshot().percentile(0.5), metrics.group_records.snapshot().max(),
               static_cast<double>(writer_cpu_ns_) / 1e7 / elapsed,
               static_cast<double>(writer_cpu_ns_) / 1e3 / records);
    if (!setup_.tail_reader) return;
    fmt::print("  tail reader: {:.1f} % of a core, {:.1f} MB/s, {:.3f} us per record\n",
               static_cast<double>(reader_cpu_ns_) / 1e7 / elapsed,
               static_cast<double>(read_bytes_) / 1e6 / elapsed,
               static_cast<double>(reader_cpu_ns_) / 1e3 / records);
  }

  void remove_files() {
    const auto names = disk_.list("bench");
    if (!names.ok()) return;
    for (const auto& file : *names) check(disk_.remove("bench/" + file));
  }

  static void pause(std::int64_t ns) {
    const timespec t{ns / 1'000'000'000, ns % 1'000'000'000};
    nanosleep(&t, nullptr);
  }

  disk::Disk& disk_;
  const base::Clock& clock_;
  std::string name_;
  Setup setup_;
  double seconds_;
  std::unique_ptr<journal::SegmentJournal> journal_;
  std::unique_ptr<journal::GroupCommit> commit_;
  std::unique_ptr<base::Histogram> latency_ns_ = std::make_unique<base::Histogram>();
  std::atomic<std::size_t> in_flight_{0};
  std::atomic<bool> stop_{false};
  std::int64_t writer_cpu_ns_ = 0;
  std::int64_t reader_cpu_ns_ = 0;
  std::uint64_t read_bytes_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  const std::string root =
      argc > 1 ? argv[1] : (std::filesystem::temp_directory_path() / "millrace-journal-bench").string();
  const double seconds = argc > 2 ? std::atof(argv[2]) : 3;
  auto disk = disk::PosixDisk::open_root(root);
  if (!disk.ok()) check(std::move(disk).error());
  const BenchClock clock;
  baseline(**disk, clock);
  using journal::Compression;
  Run(**disk, clock, "batches of 50, 64 in flight, lz4", {}, seconds)();
  Run(**disk, clock, "batches of 50, 64 in flight, uncompressed", {.compression = Compression::none},
      seconds)();
  Run(**disk, clock, "single records, 64 in flight, lz4", {.records_per_submission = 1}, seconds)();
  Run(**disk, clock, "10,000 records/s in batches of 50, lz4", {.records_per_second = 10'000}, seconds)();
  Run(**disk, clock, "250,000 records/s in batches of 50, lz4, one tail reader",
      {.outstanding = 1000, .records_per_second = 250'000, .tail_reader = true}, seconds)();
  baseline(**disk, clock);
  disk->reset();
  std::filesystem::remove_all(root);
  return 0;
}
