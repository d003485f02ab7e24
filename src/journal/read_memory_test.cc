#include "journal/read_memory.h"

#include <doctest/doctest.h>

#include <cstring>

namespace millrace::journal {

TEST_CASE("a block is used again only when nothing points into it any more") {
  ReadMemory memory;
  auto first = memory.take(ReadMemory::kBlockBytes / 2);
  auto second = memory.take(ReadMemory::kBlockBytes / 2);
  CHECK(first.owner == second.owner);
  auto elsewhere = memory.take(16);
  CHECK(elsewhere.owner != first.owner);
  char* const block = first.at;
  first.owner.reset();
  CHECK(memory.idle_bytes() == 0);
  second.owner.reset();
  CHECK(memory.idle_bytes() == ReadMemory::kBlockBytes);
  const auto filler = memory.take(ReadMemory::kBlockBytes / 2);
  const auto again = memory.take(ReadMemory::kBlockBytes / 2);
  CHECK(again.at == block);
  CHECK(memory.idle_bytes() == 0);
}

TEST_CASE("pieces do not overlap and may outlive what they were taken from") {
  std::vector<ReadMemory::Piece> pieces;
  {
    ReadMemory memory;
    for (std::size_t i = 0; i < 3000; ++i) {
      pieces.push_back(memory.take(1 + i));
      std::memset(pieces.back().at, static_cast<int>(i % 251), 1 + i);
    }
    pieces.push_back(memory.take(6 << 20));
    std::memset(pieces.back().at, 7, 6 << 20);
  }
  for (std::size_t i = 0; i < 3000; ++i) {
    CHECK(pieces[i].at[0] == static_cast<char>(i % 251));
    CHECK(pieces[i].at[i] == static_cast<char>(i % 251));
  }
}

TEST_CASE("only memory that no read needed for a whole period is given back") {
  ReadMemory memory;
  const auto fill = [&] {
    std::vector<ReadMemory::Piece> pieces;
    for (int i = 0; i < 8; ++i) pieces.push_back(memory.take(ReadMemory::kBlockBytes / 2));
  };
  fill();
  // The block that is open is not free.
  CHECK(memory.idle_bytes() == 3 * ReadMemory::kBlockBytes);
  memory.release_idle();  // In the period that ends here all were needed.
  CHECK(memory.idle_bytes() == 3 * ReadMemory::kBlockBytes);
  fill();
  memory.release_idle();
  CHECK(memory.idle_bytes() == 3 * ReadMemory::kBlockBytes);
  memory.release_idle();
  CHECK(memory.idle_bytes() == 0);
}

TEST_CASE("an excerpt is lent again for its own file, and empty for another") {
  ReadMemory memory;
  FileExcerpt excerpt = memory.lend(1);
  CHECK(excerpt.held == 0);
  excerpt.held = 10;
  memory.give_back(std::move(excerpt));
  excerpt = memory.lend(2);
  CHECK(excerpt.held == 0);
  CHECK(excerpt.file == 2);
  excerpt.held = 20;
  memory.give_back(std::move(excerpt));
  FileExcerpt other;
  other.file = 3;
  memory.give_back(std::move(other));
  CHECK(memory.lend(2).held == 20);
}

}  // namespace millrace::journal
