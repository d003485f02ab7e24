#include "app/open_files.h"

#include <doctest/doctest.h>

using millrace::app::connections_that_fit;

TEST_CASE("connections leave files to the journals, the state and the tables") {
  CHECK(connections_that_fit(1'048'576, 10'000, 2) == 10'000);
  CHECK(connections_that_fit(UINT64_MAX, 10'000, 512) == 10'000);
  CHECK(connections_that_fit(8192, 10'000, 2) == 8192 - 256 - 2 * 512);
  CHECK(connections_that_fit(1024, 10'000, 2) == 512);
  CHECK(connections_that_fit(1024, 100, 2) == 100);
  CHECK(connections_that_fit(200, 10'000, 2) == 72);
  CHECK(connections_that_fit(64, 10'000, 2) == 1);
}

TEST_CASE("the number of files is raised once and then stays") {
  const auto raised = millrace::app::raise_open_files_max();
  CHECK(raised > 0);
  CHECK(millrace::app::raise_open_files_max() == raised);
}
