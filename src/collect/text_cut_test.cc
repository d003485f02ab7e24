#include "collect/text_cut.h"

#include <doctest/doctest.h>

#include <string>

using namespace millrace::collect;

TEST_CASE("a text that fits is not cut, and a longer one is cut at a character") {
  CHECK_EQ(cut_text("hello", 5), "hello");
  CHECK_EQ(cut_text("hello you", 7), "hello y");
  CHECK_EQ(cut_text("h\xc3\xa9h\xc3\xa9llo", 3), "h");  // What is not ASCII may be a digit.
  CHECK_EQ(cut_text("zz\xe2\x82\xac", 3), "zz");
  CHECK_EQ(cut_text("", 0), "");
}

TEST_CASE("a cut leaves nothing of the number that it goes through") {
  for (const std::string number :
       {"4111111111111111", "4111 1111 1111 1111", "4111-1111-1111-1111",
        "%34%31%31%31%31%31%31%31%31%31%31%31%31%31%31%31",
        R"(\u0034\u0031\u0031\u0031\u0031\u0031\u0031\u0031\u0031\u0031\u0031\u0031\u0031\u0031\u0031\u0031)",
        "\xef\xbc\x94\xef\xbc\x91\xef\xbc\x91\xef\xbc\x91\xef\xbc\x91\xef\xbc\x91\xef\xbc\x91\xef\xbc\x91"}) {
    const std::string text = "paid by " + number + " today";
    for (std::size_t cut = 9; cut < 8 + number.size(); ++cut) {
      CAPTURE(cut);
      const auto left = cut_text(text, cut);
      CHECK(left.starts_with("paid by"));
      CHECK_EQ(left.find_first_of("0123456789\xef"), std::string_view::npos);
    }
    CHECK_EQ(cut_text(text, text.size() - 1).substr(0, 8 + number.size()), "paid by " + number);
  }
}
