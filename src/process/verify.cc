#include "process/verify.h"

#include <utility>

#include "base/bytes.h"
#include "base/hash.h"
#include "process/memory_state_store.h"

namespace millrace::process {

namespace {

constexpr std::string_view kPositionKey = "!position";
constexpr std::string_view kEpochKey = "!epoch";

// Takes outputs and forgets them: they left when the live partition ran.
class ForgetfulSink final : public OutputSink {
 public:
  bool ready() override { return true; }
  const base::Error* fault() override { return nullptr; }
  std::uint32_t partitions(event::Topic) const override { return 1; }
  void emit(event::Topic, std::uint32_t, std::string_view) override {}
  void flush() override {}
  void sync_emissions() override {}
  bool emissions_durable() override { return true; }
  void rows(RowBatch&&) override {}
  void views(event::ViewGroup&&) override {}
  void outcomes(std::vector<Outcome>&&) override {}
};

// The entries of a store one after the other, read a slice at a time.
class Cursor {
 public:
  explicit Cursor(const StateStore& store) : store_(store) {}
  // nullptr at the end.
  base::Result<const std::pair<std::string, std::string>*> next() {
    if (at_ == slice_.size() && !ended_) TRY(fill());
    if (at_ == slice_.size()) return static_cast<const std::pair<std::string, std::string>*>(nullptr);
    const auto* entry = &slice_[at_++];
    digest_ = base::mix(base::mix(digest_, base::hash64(entry->first)), base::hash64(entry->second));
    ++entries_;
    return entry;
  }
  std::uint64_t digest() const { return digest_; }
  std::uint64_t entries() const { return entries_; }

 private:
  static constexpr std::size_t kSlice = 1024;

  base::Status fill() {
    slice_.clear();
    at_ = 0;
    TRY(store_.scan_from("", from_, [this](std::string_view key, std::string_view value) {
      from_.assign(key).push_back('\0');
      if (key.front() != kDerivedPrefix && key != kEpochKey) slice_.emplace_back(key, value);
      return slice_.size() < kSlice;
    }));
    ended_ = slice_.size() < kSlice;
    return base::Ok{};
  }

  const StateStore& store_;
  std::vector<std::pair<std::string, std::string>> slice_;
  std::size_t at_ = 0;
  bool ended_ = false;
  std::string from_;
  std::uint64_t digest_ = 0;
  std::uint64_t entries_ = 0;
};

base::Status commit_checkpoint(PartitionOwner& owner, StateStore& store) {
  if (!owner.begin_checkpoint()) return base::Ok{};
  while (!owner.checkpoint_prepared()) {
    if (owner.step() == PartitionOwner::Progress::stopped) return *owner.stopped_by();
  }
  TRY(store.commit(owner.checkpoint_batch()));
  owner.finish_checkpoint();
  return base::Ok{};
}

base::Status recompute(const journal::Journal& journal, StateStore& store, Stage& stage,
                       const VerifySettings& settings) {
  ForgetfulSink sink;
  PartitionOwner owner(journal, store, stage, sink, settings.owner);
  TRY(owner.restore());
  std::uint64_t next_checkpoint = settings.checkpoint_records;
  while (owner.position() < *settings.owner.stop_at) {
    const auto progress = owner.step();
    if (progress == PartitionOwner::Progress::stopped) return *owner.stopped_by();
    if (progress != PartitionOwner::Progress::worked) {
      return base::Error(base::ErrorCode::corrupt, "the journal ends before the state's position");
    }
    if (owner.position().value >= next_checkpoint) {
      TRY(commit_checkpoint(owner, store));
      next_checkpoint = owner.position().value + settings.checkpoint_records;
    }
  }
  return commit_checkpoint(owner, store);
}

}  // namespace

base::Result<VerifyReport> compare_states(const StateStore& live, const StateStore& recomputed,
                                          std::size_t differences_max) {
  VerifyReport report;
  Cursor left(live), right(recomputed);
  const auto differ = [&](StateDifference::Kind kind, std::string key, std::string live_value,
                          std::string value) {
    ++report.differences_total;
    if (report.differences.size() >= differences_max) return;
    report.differences.push_back({kind, std::move(key), std::move(live_value), std::move(value)});
  };
  using Kind = StateDifference::Kind;
  TRY_ASSIGN(auto a, left.next());
  TRY_ASSIGN(auto b, right.next());
  while (a != nullptr || b != nullptr) {
    const bool take_a = a != nullptr && (b == nullptr || a->first <= b->first);
    const bool take_b = b != nullptr && (a == nullptr || b->first <= a->first);
    if (take_a && take_b) {
      if (a->second != b->second) differ(Kind::value, a->first, a->second, b->second);
    } else if (take_a) {
      differ(Kind::only_live, a->first, a->second, "");
    } else {
      differ(Kind::only_recomputed, b->first, "", b->second);
    }
    if (take_a) {
      TRY_ASSIGN(a, left.next());
    }
    if (take_b) {
      TRY_ASSIGN(b, right.next());
    }
  }
  report.entries_live = left.entries();
  report.entries_recomputed = right.entries();
  report.digest_live = left.digest();
  report.digest_recomputed = right.digest();
  return report;
}

base::Result<VerifyReport> verify_partition(const journal::Journal& journal, const StateStore& live,
                                            const MakeStage& make_stage, VerifySettings settings) {
  if (journal.begin().value > 0) {
    return base::Error(base::ErrorCode::not_found,
                       "the journal begins at offset " + std::to_string(journal.begin().value) +
                           ": state can be recomputed only from a snapshot at or after it");
  }
  TRY_ASSIGN(const std::optional<std::string> position, live.get(kPositionKey));
  const std::uint64_t upto = position ? base::ByteReader(*position).varint() : 0;
  settings.owner.stop_at = journal::Offset{upto};
  settings.owner.read_limit = ReadLimit::appended;
  MemoryStateStore store;
  const std::unique_ptr<Stage> stage = make_stage(store);
  TRY(recompute(journal, store, *stage, settings));
  TRY_ASSIGN(VerifyReport report, compare_states(live, store, settings.differences_max));
  report.upto = {upto};
  return report;
}

}  // namespace millrace::process
