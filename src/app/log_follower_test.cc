#include "app/log_follower.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "process/scratch_directory.h"

using namespace millrace;
using namespace millrace::app;

namespace {

void append(const std::string& path, std::string_view text) {
  std::ofstream file(path, std::ios::app | std::ios::binary);
  file << text;
}

std::vector<std::string> read_all(LogFollower& follower) {
  std::vector<std::string> found;
  std::vector<LogLine> lines;
  for (int i = 0; i < 2 * LogFollower::kQuietReads + 2; ++i) {
    REQUIRE(follower.read(2, lines).ok());
    for (const auto& line : lines) found.push_back(line.text);
    if (!lines.empty()) i = 0;
  }
  return found;
}

using Lines = std::vector<std::string>;

struct Log {
  process::ScratchDirectory scratch;
  std::string path = scratch.path() + "/access.log";
  bool lost = false;
};

}  // namespace

TEST_CASE("lines come whole, once, and only when they have ended") {
  Log log;
  LogFollower follower(log.path);
  REQUIRE(follower.open({}, LogFollower::Start::beginning, log.lost).ok());
  CHECK(read_all(follower).empty());  // It is not there yet.
  append(log.path, "one\ntwo\r\nthr");
  CHECK(read_all(follower) == Lines{"one", "two"});
  append(log.path, "ee\n\nfour\n");
  CHECK(read_all(follower) == Lines{"three", "four"});
  CHECK(read_all(follower).empty());
}

TEST_CASE("the end is where the last whole line ends") {
  Log log;
  append(log.path, "old\nhal");
  LogFollower follower(log.path);
  REQUIRE(follower.open({}, LogFollower::Start::end, log.lost).ok());
  append(log.path, "f\n");
  CHECK(read_all(follower) == Lines{"half"});
}

TEST_CASE("rotation by rename loses nothing of the old file") {
  Log log;
  append(log.path, "a\n");
  LogFollower follower(log.path);
  REQUIRE(follower.open({}, LogFollower::Start::beginning, log.lost).ok());
  CHECK(read_all(follower) == Lines{"a"});
  std::filesystem::rename(log.path, log.path + ".1");
  append(log.path + ".1", "late\nlast without an end");
  append(log.path, "b\n");
  CHECK(read_all(follower) == Lines{"late", "last without an end", "b"});
}

TEST_CASE("a file that was truncated is begun again") {
  Log log;
  append(log.path, "a long first line\n");
  LogFollower follower(log.path);
  REQUIRE(follower.open({}, LogFollower::Start::beginning, log.lost).ok());
  CHECK(read_all(follower) == Lines{"a long first line"});
  std::filesystem::resize_file(log.path, 0);
  append(log.path, "b\n");
  CHECK(read_all(follower) == Lines{"b"});
}

TEST_CASE("a saved position goes on in the same file, renamed or not, and says when it is gone") {
  Log log;
  append(log.path, "a\nb\n");
  std::optional<LogPosition> saved;
  {
    LogFollower follower(log.path);
    REQUIRE(follower.open({}, LogFollower::Start::beginning, log.lost).ok());
    CHECK(read_all(follower) == Lines{"a", "b"});
    saved = follower.position();
  }
  append(log.path, "c\n");
  {
    LogFollower follower(log.path);
    REQUIRE(follower.open(saved, LogFollower::Start::end, log.lost).ok());
    CHECK_FALSE(log.lost);
    CHECK(read_all(follower) == Lines{"c"});
  }
  std::filesystem::rename(log.path, log.path + ".1");
  append(log.path, "d\n");
  {
    LogFollower follower(log.path);
    REQUIRE(follower.open(saved, LogFollower::Start::end, log.lost).ok());
    CHECK_FALSE(log.lost);
    CHECK(read_all(follower) == Lines{"c", "d"});
  }
  std::filesystem::remove(log.path + ".1");
  LogFollower follower(log.path);
  REQUIRE(follower.open(saved, LogFollower::Start::end, log.lost).ok());
  CHECK(log.lost);
  CHECK(read_all(follower) == Lines{"d"});
}

TEST_CASE("positions survive being written, and what is none is refused") {
  const LogPositions positions = {{"/var/log/a b.log", {1, 2, 3, 4, 5}},
                                  {"x", {9, 8, 7, 256, 0xffff'ffff'ffff'ffff}}};
  const auto back = read_positions(write_positions(positions));
  REQUIRE(back.ok());
  CHECK(*back == positions);
  const std::string text = write_positions(positions);
  for (std::size_t cut = 0; cut < text.size(); ++cut) {
    const auto part = read_positions(std::string_view(text).substr(0, cut));
    if (part.ok()) CHECK(part->size() < 2);
  }
  for (const std::string_view line : {"1 2 3 4 5\n", "1 2 3 999 0 x\n", "a b c d e f\n", "\n"}) {
    CHECK_FALSE(read_positions("millrace tail positions 1\n" + std::string(line)).ok());
  }
}
