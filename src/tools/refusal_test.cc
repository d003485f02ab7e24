#include "tools/refusal.h"

#include <doctest/doctest.h>

using millrace::tools::refusal_text;

TEST_CASE("an error is told by its sentence and what to do") {
  CHECK_EQ(refusal_text(R"({"error":{"code":"c","message":"No such table.","hint":"Look again."}})"),
           "No such table.\nLook again.");
  CHECK_EQ(refusal_text(R"({"error":{"message":"m"}})"), "m");
}

TEST_CASE("what is no error of ours is shown as it came") {
  CHECK_EQ(refusal_text("<html>502</html>"), "<html>502</html>");
  CHECK_EQ(refusal_text(R"({"error":"x"})"), R"({"error":"x"})");
  CHECK_EQ(refusal_text(""), "");
}
