#include "app/source_precedence.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "process/scratch_directory.h"

using namespace millrace;
using namespace millrace::app;

TEST_CASE("a source made while the server runs keeps the precedence that it was made with") {
  process::ScratchDirectory scratch;
  const std::string path = scratch.path() + "/data";
  CHECK_FALSE(*fixed_precedence(path, "hook"));
  commerce::SourceRanks ranks;
  Settings settings;
  {
    const auto directory = DataDirectory::open(path, {1, 1});
    REQUIRE(directory.ok());
    REQUIRE((*directory)->source_indices({"seen"}));
    REQUIRE(fix_precedences(**directory, {{"seen", 5}, {"hook", 9}, {"plain", 0}}));
    CHECK(*fixed_precedence(path, "seen") == 0);
    CHECK(*fixed_precedence(path, "hook") == 9);
    CHECK_FALSE(*fixed_precedence(path, "plain"));
    // Again, as after a crash before it had its index, and with another one after that.
    REQUIRE(fix_precedences(**directory, {{"hook", 3}}));
    REQUIRE(set_ranks(settings, **directory, ranks));
    CHECK(*(*directory)->source_indices({"seen", "hook"}) == std::vector<std::uint16_t>{0, 1});
    REQUIRE(fix_precedences(**directory, {{"hook", 4}}));
    CHECK(*fixed_precedence(path, "hook") == 9);
  }
  CHECK(ranks.of(0) == 0);
  CHECK(ranks.of(1) == 9);
  CHECK(ranks.of(70'000) == 0);

  const auto directory = DataDirectory::open(path, {1, 1});
  REQUIRE(directory.ok());
  commerce::SourceRanks again;
  REQUIRE(set_ranks(settings, **directory, again));
  CHECK(again.of(1) == 9);
  settings.sources.resize(2);
  settings.sources[0].name = "hook";
  settings.sources[1].name = "seen";
  settings.sources[1].precedence = 7;
  REQUIRE(set_ranks(settings, **directory, again));
  CHECK(again.of(0) == 7);
  CHECK(again.of(1) == 0);
}

TEST_CASE("a damaged file of precedences is named, not guessed at") {
  process::ScratchDirectory scratch;
  for (const char* text : {"9 hook", "x hook\n", "101 hook\n", "0 hook\n", "9\n", "9 \n", "-1 hook\n"}) {
    CAPTURE(text);
    std::ofstream(scratch.path() + "/precedence") << text;
    const auto fixed = fixed_precedence(scratch.path(), "hook");
    REQUIRE_FALSE(fixed.ok());
    CHECK(fixed.error().code() == base::ErrorCode::corrupt);
    CHECK(fixed.error().message().find("precedence") != std::string::npos);
  }
}
