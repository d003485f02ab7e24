#include "journal/read_memory.h"

#include <algorithm>
#include <utility>

namespace millrace::journal {

namespace {
constexpr std::size_t kExcerptsMax = 4;
// Of a block that no piece lies in yet; a larger piece has memory of its own.
constexpr std::size_t kPieceBytesMax = ReadMemory::kBlockBytes / 2;
constexpr std::size_t kAlignment = 8;
}  // namespace

// Free blocks. Shared with the pieces, whose last owner brings the block back.
struct ReadMemory::Pool {
  std::mutex mutex;
  std::vector<std::unique_ptr<char[]>> free;  // Guarded by mutex, as is fewest.
  std::size_t fewest = 0;                     // Free blocks at any time since the last release_idle().
  bool closed = false;

  std::unique_ptr<char[]> take() {
    {
      const std::lock_guard lock(mutex);
      if (!free.empty()) {
        auto bytes = std::move(free.back());
        free.pop_back();
        fewest = std::min(fewest, free.size());
        return bytes;
      }
    }
    return std::make_unique_for_overwrite<char[]>(kBlockBytes);
  }
  void bring_back(std::unique_ptr<char[]> bytes) {
    const std::lock_guard lock(mutex);
    if (!closed) free.push_back(std::move(bytes));
  }
};

struct ReadMemory::Block {
  std::shared_ptr<Pool> pool;
  std::unique_ptr<char[]> bytes;
  std::size_t used = 0;

  explicit Block(std::shared_ptr<Pool> of) : pool(std::move(of)), bytes(pool->take()) {}
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;
  ~Block() { pool->bring_back(std::move(bytes)); }
};

ReadMemory::ReadMemory() : pool_(std::make_shared<Pool>()) {}

ReadMemory::~ReadMemory() {
  const std::lock_guard lock(pool_->mutex);
  pool_->closed = true;
  pool_->free.clear();
}

ReadMemory::Piece ReadMemory::take(std::size_t bytes) {
  if (bytes > kPieceBytesMax) {
    std::shared_ptr<char[]> own = std::make_unique_for_overwrite<char[]>(bytes);
    char* at = own.get();
    return {at, std::move(own)};
  }
  const std::lock_guard lock(mutex_);
  if (!open_ || open_->used + bytes > kBlockBytes) open_ = std::make_shared<Block>(pool_);
  char* at = open_->bytes.get() + open_->used;
  open_->used += (bytes + kAlignment - 1) / kAlignment * kAlignment;
  return {at, open_};
}

FileExcerpt ReadMemory::lend(std::uint64_t file) {
  const std::lock_guard lock(mutex_);
  if (excerpts_.empty()) return {};
  auto found = std::find_if(excerpts_.begin(), excerpts_.end(),
                            [file](const FileExcerpt& excerpt) { return excerpt.file == file; });
  if (found == excerpts_.end()) --found;
  FileExcerpt excerpt = std::move(*found);
  excerpts_.erase(found);
  if (excerpt.file != file) excerpt.held = 0;
  excerpt.file = file;
  return excerpt;
}

void ReadMemory::give_back(FileExcerpt excerpt) {
  const std::lock_guard lock(mutex_);
  if (excerpts_.size() < kExcerptsMax) excerpts_.push_back(std::move(excerpt));
}

void ReadMemory::release_idle() {
  std::vector<std::unique_ptr<char[]>> idle;  // Destroyed after the lock is gone.
  const std::lock_guard lock(pool_->mutex);
  for (; pool_->fewest > 0; --pool_->fewest) {
    idle.push_back(std::move(pool_->free.back()));
    pool_->free.pop_back();
  }
  pool_->fewest = pool_->free.size();
}

std::size_t ReadMemory::idle_bytes() const {
  const std::lock_guard lock(pool_->mutex);
  return pool_->free.size() * kBlockBytes;
}

}  // namespace millrace::journal
