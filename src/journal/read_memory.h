#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace millrace::journal {

// What was read of a file last, kept for the next read: bytes below the end of a segment do not change.
struct FileExcerpt {
  std::uint64_t file = 0;  // Whose bytes these are, by a number that no two files share; 0: nobody's.
  std::uint64_t start = 0;
  std::size_t held = 0;
  std::size_t capacity = 0;
  std::unique_ptr<std::byte[]> bytes;
};

// Memory that records are read into, used again and again: to touch a page for the first time costs more than all that is
// done with the records in it. Safe to use from any thread; what was taken may outlive it.
class ReadMemory {
 public:
  static constexpr std::size_t kBlockBytes = 1 << 20;

  ReadMemory();
  ~ReadMemory();
  ReadMemory(const ReadMemory&) = delete;
  ReadMemory& operator=(const ReadMemory&) = delete;

  // Room for `bytes`, uninitialized, valid as long as any copy of `owner` lives. Pieces that are taken one after the other
  // mostly lie in one block, which is used again once the last owner of a piece of it has gone.
  struct Piece {
    char* at = nullptr;
    std::shared_ptr<const void> owner;
  };
  Piece take(std::size_t bytes);

  // An excerpt for one reader's use, of `file` if there is such a one. To be given back.
  FileExcerpt lend(std::uint64_t file);
  void give_back(FileExcerpt excerpt);

  // Gives to the system the blocks that were free all the time since the last call.
  void release_idle();
  std::size_t idle_bytes() const;

 private:
  struct Block;
  struct Pool;

  std::shared_ptr<Pool> pool_;
  std::mutex mutex_;  // Guards all below.
  std::shared_ptr<Block> open_;
  std::vector<FileExcerpt> excerpts_;
};

}  // namespace millrace::journal
