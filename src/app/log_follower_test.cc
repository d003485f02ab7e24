#include "app/log_follower.h"

#include <doctest/doctest.h>
#include <zlib.h>

#include <chrono>
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

// As gzip does it: under another name, with the time that it was written, and the file itself is gone.
void pack(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const gzFile packed = gzopen((path + ".gz").c_str(), "wb");
  REQUIRE_EQ(gzwrite(packed, text.data(), static_cast<unsigned>(text.size())), static_cast<int>(text.size()));
  REQUIRE_EQ(gzclose(packed), Z_OK);
  std::filesystem::last_write_time(path + ".gz", std::filesystem::last_write_time(path));
  std::filesystem::remove(path);
}

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

TEST_CASE("a file that was truncated and is longer than before already is begun again, too") {
  Log log;
  LogFollower follower(log.path);
  append(log.path, "one\n");
  REQUIRE(follower.open({}, LogFollower::Start::beginning, log.lost).ok());
  CHECK(read_all(follower) == Lines{"one"});
  std::filesystem::resize_file(log.path, 0);
  append(log.path, "two two\nthree\n");
  CHECK(read_all(follower) == Lines{"two two", "three"});
}

TEST_CASE("files that came and were renamed while another was read, or nobody read, come between") {
  Log log;
  const auto at = [&](const char* name, std::string_view text, int hour) {
    append(log.path + name, text);
    using std::filesystem::last_write_time;
    last_write_time(log.path + name,
                    std::filesystem::file_time_type::clock::now() - std::chrono::hours(24 - hour));
  };
  append(log.path, "one\n");
  LogFollower before(log.path);
  REQUIRE(before.open({}, LogFollower::Start::beginning, log.lost).ok());
  CHECK(read_all(before) == Lines{"one"});
  std::filesystem::rename(log.path, log.path + ".3");
  at(".3", "one more\n", 1);
  at(".4", "older\n", 0);
  at(".2", "two\n", 2);
  at(".1", "three\n", 3);
  at(".bak", "copy\n", 3);
  at(".9", "one\none more\n", 1);  // A copy under a name like theirs.
  at("", "four\n", 4);
  LogFollower follower(log.path);
  REQUIRE(follower.open(before.position(), LogFollower::Start::end, log.lost).ok());
  CHECK_FALSE(log.lost);
  CHECK(read_all(follower) == Lines{"one more", "two", "three", "four"});
  CHECK(read_all(before) == Lines{"one more", "two", "three", "four"});
}

TEST_CASE("files that were packed while nobody read, or another was read, are read all the same") {
  Log log;
  const auto at = [&](const std::string& name, std::string_view text, int hour) {
    append(log.path + name, text);
    using std::filesystem::last_write_time;
    last_write_time(log.path + name,
                    std::filesystem::file_time_type::clock::now() - std::chrono::hours(24 - hour));
  };
  const std::string much(600'000, 'm');
  append(log.path, "one\n");
  LogFollower before(log.path);
  REQUIRE(before.open({}, LogFollower::Start::beginning, log.lost).ok());
  CHECK(read_all(before) == Lines{"one"});
  const auto saved = before.position();
  std::filesystem::rename(log.path, log.path + ".4");
  at(".4", "one more\nlast", 1);
  at(".3", much + "\ntwo\n", 2);
  at("-20261121", "three\n", 3);
  at(".1", "four\n", 4);
  at("", "five\n", 5);
  for (const char* name : {".4", ".3", "-20261121"}) pack(log.path + name);
  const Lines rest = {"one more", "last", much.substr(0, LogFollower::kLineBytesMax), "two", "three",
                      "four",     "five"};
  LogFollower follower(log.path);
  REQUIRE(follower.open(saved, LogFollower::Start::end, log.lost).ok());
  CHECK_FALSE(log.lost);
  // In pieces, each by another that goes on where the one before it was.
  Lines found;
  std::vector<LogLine> lines;
  std::optional<LogPosition> reached = saved;
  for (int turn = 0; turn < 4; ++turn) {
    LogFollower piece(log.path);
    REQUIRE(piece.open(reached, LogFollower::Start::end, log.lost).ok());
    CHECK_FALSE(log.lost);
    for (int i = 0; i <= LogFollower::kQuietReads + 8 && lines.empty(); ++i)
      REQUIRE(piece.read(1, lines).ok());
    for (const auto& line : lines) found.push_back(line.text);
    lines.clear();
    reached = piece.position();
  }
  CHECK(found == Lines(rest.begin(), rest.begin() + 4));
  CHECK(read_all(follower) == rest);
  CHECK(read_all(before) == rest);
}

TEST_CASE("a packed log is read as what was packed, one that is cut off as far as it goes") {
  Log log;
  std::string text;
  for (int i = 0; i < 2000; ++i) text += "line " + std::to_string(i * 7919) + "\n";
  append(log.path, text);
  pack(log.path);
  {
    LogFollower follower(log.path + ".gz");
    REQUIRE(follower.open({}, LogFollower::Start::end, log.lost).ok());
    const auto lines = read_all(follower);
    REQUIRE_EQ(lines.size(), 2000);
    CHECK_EQ(lines.back(), "line " + std::to_string(1999 * 7919));
  }
  std::filesystem::resize_file(log.path + ".gz", std::filesystem::file_size(log.path + ".gz") / 2);
  LogFollower follower(log.path + ".gz");
  REQUIRE(follower.open({}, LogFollower::Start::beginning, log.lost).ok());
  const auto lines = read_all(follower);
  CHECK_GT(lines.size(), 100);
  CHECK_LT(lines.size(), 2000);
}

TEST_CASE("what was not read of a file when it was copied and truncated is read from the copy") {
  for (const bool packed : {false, true}) {
    for (const bool restarted : {false, true}) {
      CAPTURE(packed);
      CAPTURE(restarted);
      Log log;
      append(log.path, "one\n");
      LogFollower follower(log.path);
      REQUIRE(follower.open({}, LogFollower::Start::beginning, log.lost).ok());
      CHECK(read_all(follower) == Lines{"one"});
      append(log.path, "two\nthree\n");
      std::filesystem::copy_file(log.path, log.path + ".1");
      std::filesystem::last_write_time(log.path + ".1",
                                       std::filesystem::file_time_type::clock::now() - std::chrono::hours(1));
      std::filesystem::resize_file(log.path, 0);
      if (packed) pack(log.path + ".1");
      append(log.path, "four\n");
      LogFollower again(log.path);
      REQUIRE(again.open(follower.position(), LogFollower::Start::end, log.lost).ok());
      CHECK_FALSE(log.lost);
      CHECK(read_all(restarted ? again : follower) == Lines{"two", "three", "four"});
    }
  }
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
