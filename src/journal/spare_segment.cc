#include "journal/spare_segment.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"

namespace millrace::journal {
namespace {

// A device is shared: what it is given between two syncs, the next sync of every other file waits for.
constexpr std::uint64_t kStepBytes = 256 << 10;

}  // namespace

base::Result<std::uint64_t> SpareSegment::prepare(Goal goal) {
  const std::lock_guard lock(mutex_);
  if (spare_.bytes < goal.due_bytes) {
    base::Status filled = fill_step(std::min(kStepBytes, goal.due_bytes - spare_.bytes));
    if (!filled.ok()) {
      spare_ = {};
      TRY(disk_.remove(path_));
      return std::move(filled).error();
    }
  }
  ready_.store(spare_.bytes >= goal.bytes, std::memory_order_relaxed);
  return goal.due_bytes - std::min(goal.due_bytes, spare_.bytes);
}

base::Status SpareSegment::create_if_absent() {
  if (spare_.file) return base::Ok{};
  TRY(disk_.remove(path_));
  TRY_ASSIGN(spare_.file, disk_.create(path_));
  return base::Ok{};
}

base::Status SpareSegment::fill_step(std::uint64_t bytes) {
  TRY(create_if_absent());
  const std::string zeros(bytes, '\0');
  TRY(spare_.file->write_at(spare_.bytes, base::as_bytes(zeros)));
  TRY(spare_.file->sync());
  spare_.bytes += zeros.size();
  return base::Ok{};
}

base::Status SpareSegment::write_header(std::string_view header) {
  TRY(create_if_absent());
  TRY(spare_.file->write_at(0, base::as_bytes(header)));
  spare_.bytes = std::max<std::uint64_t>(spare_.bytes, header.size());
  return spare_.file->sync();
}

base::Result<SpareSegment::File> SpareSegment::promote(std::string_view header, std::string_view path) {
  const std::lock_guard lock(mutex_);
  ready_.store(false, std::memory_order_relaxed);
  base::Status written = write_header(header);
  if (written.ok()) written = disk_.rename(path_, path);
  File file = std::exchange(spare_, File{});
  if (written.ok()) return file;
  TRY(disk_.remove(path_));
  return std::move(written).error();
}

base::Status SpareSegment::discard() {
  const std::lock_guard lock(mutex_);
  ready_.store(false, std::memory_order_relaxed);
  spare_ = {};
  return disk_.remove(path_);
}

}  // namespace millrace::journal
