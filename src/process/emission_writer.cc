#include "process/emission_writer.h"

#include <deque>
#include <mutex>
#include <optional>
#include <utility>

namespace millrace::process {

namespace {
// Of one submission, unless a single record is larger. While a journal is busy, or one record closes all sessions at once,
// more is pending than a journal appends in one piece.
constexpr std::size_t kSubmissionBytes = journal::kAppendBytesMax / 4;
}  // namespace

// One journal written to. Counts are of records.
struct EmissionWriter::Target {
  journal::GroupCommit* journal = nullptr;
  std::deque<journal::RecordBuffer> pending{1};  // Not submitted; never without the one that fills up.
  journal::RecordBuffer under_way;               // Submitted, kept until it is appended.
  bool submitted = false;
  journal::Durability durability = journal::Durability::appended;  // Of the submission.
  std::uint64_t emitted = 0;
  std::uint64_t appended = 0;
  std::uint64_t durable = 0;
  std::uint64_t durable_wanted = 0;
};

struct EmissionWriter::Shared {
  mutable std::mutex mutex;
  std::array<std::vector<Target>, event::kTopicCount> targets;
  std::size_t bytes = 0;  // Emitted and not appended.
  std::optional<base::Error> fault;
  bool closed = false;  // The writer is gone.
  std::function<void()> wake;
};

EmissionWriter::EmissionWriter(Journals journals, EmissionSettings settings, std::function<void()> wake)
    : shared_(std::make_shared<Shared>()), settings_(settings) {
  shared_->wake = std::move(wake);
  for (std::size_t topic = 0; topic < journals.size(); ++topic) {
    partitions_[topic] = static_cast<std::uint32_t>(journals[topic].size());
    shared_->targets[topic].resize(journals[topic].size());
    for (std::size_t i = 0; i < journals[topic].size(); ++i)
      shared_->targets[topic][i].journal = journals[topic][i];
  }
}

EmissionWriter::~EmissionWriter() {
  const std::lock_guard lock(shared_->mutex);
  shared_->closed = true;
  shared_->wake = nullptr;
}

bool EmissionWriter::ready() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->bytes < settings_.pending_bytes_max;
}

const base::Error* EmissionWriter::fault() {
  const std::lock_guard lock(shared_->mutex);
  return shared_->fault ? &*shared_->fault : nullptr;  // Set once.
}

std::uint32_t EmissionWriter::partitions(event::Topic topic) const {
  return partitions_[static_cast<std::size_t>(topic)];
}

EmissionWriter::Target& EmissionWriter::target(event::Topic topic, std::uint32_t partition) const {
  auto& targets = shared_->targets[static_cast<std::size_t>(topic)];
  INVARIANT(partition < targets.size());
  return targets[partition];
}

void EmissionWriter::emit(event::Topic topic, std::uint32_t partition, std::string_view payload) {
  const std::lock_guard lock(shared_->mutex);
  Target& to = target(topic, partition);
  const std::size_t filled = to.pending.back().bytes().size();
  if (filled > 0 && filled + payload.size() + 4 > kSubmissionBytes) to.pending.emplace_back();
  to.pending.back().add(payload);
  ++to.emitted;
  shared_->bytes += payload.size() + 4;
}

void EmissionWriter::flush() {
  for (auto& topic : shared_->targets) {
    for (Target& to : topic) pump(shared_, to);
  }
}

void EmissionWriter::sync() {
  {
    const std::lock_guard lock(shared_->mutex);
    for (auto& topic : shared_->targets) {
      for (Target& to : topic) to.durable_wanted = to.emitted;
    }
  }
  flush();
}

bool EmissionWriter::durable() const {
  const std::lock_guard lock(shared_->mutex);
  for (const auto& topic : shared_->targets) {
    for (const Target& to : topic) {
      if (to.durable < to.durable_wanted) return false;
    }
  }
  return true;
}

void EmissionWriter::pump(const std::shared_ptr<Shared>& shared, Target& to) {
  journal::RecordBuffer records;
  {
    const std::lock_guard lock(shared->mutex);
    if (to.submitted || shared->fault || shared->closed) return;
    if (to.under_way.empty()) {
      std::swap(to.under_way, to.pending.front());
      if (to.pending.size() > 1) to.pending.pop_front();
    }
    // One sync, with the last that it is to cover.
    const bool sync =
        to.durable < to.durable_wanted && to.appended + to.under_way.count() >= to.durable_wanted;
    if (to.under_way.empty() && !sync) return;
    to.submitted = true;
    to.durability = sync ? journal::Durability::synced : journal::Durability::appended;
    records = to.under_way;
  }
  base::Status accepted = to.journal->submit(std::move(records), to.durability,
                                             [shared, &to](const base::Result<journal::Offset>& first) {
                                               done(shared, to, first.ok() ? nullptr : &first.error());
                                               if (first.ok()) pump(shared, to);
                                             });
  if (accepted.ok()) return;
  done(shared, to, &accepted.error());
}

void EmissionWriter::done(const std::shared_ptr<Shared>& shared, Target& to, const base::Error* error) {
  std::function<void()> wake;
  {
    const std::lock_guard lock(shared->mutex);
    to.submitted = false;
    if (error == nullptr) {
      to.appended += to.under_way.count();
      shared->bytes -= to.under_way.bytes().size();
      to.under_way.clear();
      if (to.durability == journal::Durability::synced) to.durable = to.appended;
    } else if (error->code() != base::ErrorCode::exhausted && !shared->fault) {
      shared->fault = base::Error(error->code(), error->message()).with_context("emit");
    }
    // A full disk or queue: the next flush() tries again.
    wake = shared->wake;
  }
  if (wake) wake();
}

}  // namespace millrace::process
