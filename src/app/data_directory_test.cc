#include "app/data_directory.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "process/scratch_directory.h"

using namespace millrace;
using app::DataDirectory;
using app::DataLayout;
using base::ErrorCode;

namespace {

// A path where nothing is yet.
struct Scratch {
  process::ScratchDirectory directory;
  std::string path() const { return directory.path() + "/data"; }
  void write(const std::string& name, const std::string& text) {
    std::filesystem::create_directories(path());
    std::ofstream(path() + "/" + name) << text;
  }
};

}  // namespace

TEST_CASE("a data directory keeps the layout it was made with, and refuses settings that ask for another") {
  Scratch scratch;
  CHECK(DataDirectory::open_existing(scratch.path()).error().code() == ErrorCode::not_found);
  {
    const auto made = DataDirectory::open(scratch.path(), {4, 2});
    REQUIRE(made.ok());
  }
  const auto other = DataDirectory::open(scratch.path(), {1, 2});
  REQUIRE_FALSE(other.ok());
  CHECK(other.error().code() == ErrorCode::invalid_argument);
  CHECK(other.error().message().find("4 event and 2 fact partitions") != std::string::npos);
  const auto existing = DataDirectory::open_existing(scratch.path());
  REQUIRE(existing.ok());
  CHECK((*existing)->layout().event_partitions == 4);
  CHECK((*existing)->layout().fact_partitions == 2);
}

TEST_CASE("a data directory belongs to the first region that is named, and opens under no other") {
  Scratch scratch;
  {
    const auto made = DataDirectory::open(scratch.path(), {1, 1});
    REQUIRE(made.ok());
    CHECK((*made)->bind_region("").ok());
    CHECK((*made)->bind_region("eu-west").ok());
  }
  const auto opened = DataDirectory::open(scratch.path(), {1, 1});
  REQUIRE(opened.ok());
  CHECK((*opened)->bind_region("eu-west").ok());
  for (const char* other : {"us-east", "", "eu"}) {
    CAPTURE(other);
    const auto refused = (*opened)->bind_region(other);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().code() == ErrorCode::invalid_argument);
    CHECK(refused.error().message().find("eu-west") != std::string::npos);
  }
  scratch.write("region", "eu-we");
  CHECK((*opened)->bind_region("eu-west").error().code() == ErrorCode::corrupt);
}

TEST_CASE("a data directory is for one at a time") {
  Scratch scratch;
  auto first = DataDirectory::open(scratch.path(), {1, 1});
  REQUIRE(first.ok());
  const auto second = DataDirectory::open(scratch.path(), {1, 1});
  REQUIRE_FALSE(second.ok());
  CHECK(second.error().code() == ErrorCode::conflict);
  first->reset();
  CHECK(DataDirectory::open(scratch.path(), {1, 1}).ok());
}

TEST_CASE("layouts that are damaged or of another format are named, not guessed at") {
  Scratch scratch;
  scratch.write("layout", "format 1\nevent_partitions 0\nfact_partitions 1\n");
  CHECK(DataDirectory::open(scratch.path(), {1, 1}).error().code() == ErrorCode::corrupt);
  scratch.write("layout", "");
  CHECK(DataDirectory::open(scratch.path(), {1, 1}).error().code() == ErrorCode::corrupt);
  scratch.write("layout", "format 9\nevent_partitions 1\nfact_partitions 1\n");
  CHECK(DataDirectory::open(scratch.path(), {1, 1}).error().code() == ErrorCode::invalid_argument);
}

TEST_CASE("a source keeps its index whatever is configured later") {
  Scratch scratch;
  {
    const auto directory = DataDirectory::open(scratch.path(), {1, 1});
    REQUIRE(directory.ok());
    CHECK(*(*directory)->source_indices({"shop", "app"}) == std::vector<std::uint16_t>{0, 1});
    CHECK((*directory)->source_indices({"two\nlines"}).error().code() == ErrorCode::invalid_argument);
  }
  const auto directory = DataDirectory::open(scratch.path(), {1, 1});
  REQUIRE(directory.ok());
  CHECK(*(*directory)->source_indices({"server", "app"}) == std::vector<std::uint16_t>{2, 1});
  CHECK(*(*directory)->source_indices({"shop", "server"}) == std::vector<std::uint16_t>{0, 2});
  scratch.write("sources", "shop\nap");
  CHECK((*directory)->source_indices({"shop"}).error().code() == ErrorCode::corrupt);
}
