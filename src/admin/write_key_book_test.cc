#include "admin/write_key_book.h"

#include <doctest/doctest.h>

using namespace millrace;
using namespace millrace::admin;

namespace {
constexpr base::WallTime kNow{1'795'258'800'000};

WriteKeyBook book_of_two() {
  WriteKeyBook book;
  KeyTerms terms;
  terms.origins = {"HTTPS://Shop.Example:443", "http://*.shop.example:8080"};
  terms.events_per_s = 50;
  terms.burst = 200;
  REQUIRE(book.create("web shop", terms, kNow, "aaaaaaaaaaaa", "wk_1"));
  REQUIRE(book.create("app", {}, kNow + 1, "bbbbbbbbbbbb", "wk_2"));
  return book;
}
}  // namespace

TEST_CASE("a book of write keys is read back as it was written") {
  WriteKeyBook book = book_of_two();
  REQUIRE(book.rotate("aaaaaaaaaaaa", "wk_3", kNow, kNow + 1000));
  REQUIRE(book.revoke("app", kNow + 2));
  const std::string text = book.text();
  CHECK(text ==
        "millrace write_keys 1\n"
        "key aaaaaaaaaaaa 1795258800000 50 200 enabled wk_3 web shop\n"
        "old 1795258801000 wk_1\n"
        "origin https://shop.example\n"
        "origin http://*.shop.example:8080\n"
        "retired 1795258800002 wk_2\n");
  const auto again = WriteKeyBook::parse(text);
  REQUIRE(again);
  CHECK(again->text() == text);
  CHECK(again->find("web shop")->terms.burst == 200);
  for (std::size_t cut = 1; cut < text.size(); ++cut) {
    if (WriteKeyBook::parse(text.substr(0, cut))) CHECK(text[cut - 1] == '\n');
  }
  std::uint64_t state = 11;
  for (int i = 0; i < 5000; ++i) {
    std::string damaged = text;
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    damaged[(state >> 33) % damaged.size()] = static_cast<char>(state >> 20);
    if (const auto read = WriteKeyBook::parse(damaged)) CHECK(read->text() == damaged);
  }
}

TEST_CASE("a secret and a mapping are kept as they are, and only then the file is one of version 2") {
  WriteKeyBook book = book_of_two();
  KeyTerms terms;
  terms.secret = "a \"secret\" = \\n # \xc3\xbc";
  terms.mapping = "event = \"/kind\"\n[fields]\t# tab\r\nuser_id = \"/a\\\\nb\"\n";
  REQUIRE(book.change("app", terms));
  const std::string text = book.text();
  CHECK(text.starts_with("millrace write_keys 2\n"));
  CHECK(text.find("\nsecret a \"secret\" = \\n # \xc3\xbc\nmapping event = \"/kind\"\\n[fields]\t# "
                  "tab\r\\nuser_id") != std::string::npos);
  const auto again = WriteKeyBook::parse(text);
  REQUIRE(again);
  CHECK(again->text() == text);
  CHECK(again->find("app")->terms.secret == terms.secret);
  CHECK(again->find("app")->terms.mapping == terms.mapping);
  CHECK_FALSE(WriteKeyBook::parse("millrace write_keys 1" + text.substr(21)));
  std::uint64_t state = 12;
  for (int i = 0; i < 5000; ++i) {
    std::string damaged = text;
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    damaged[(state >> 33) % damaged.size()] = static_cast<char>(state >> 20);
    if (const auto read = WriteKeyBook::parse(damaged)) CHECK(read->text() == damaged);
  }
  REQUIRE(book.change("app", {}));
  CHECK(book.text() == book_of_two().text());
  for (const std::string& secret :
       {std::string(" x"), std::string("x "), std::string("a\nb"), std::string(257, 'x')}) {
    terms.secret = secret;
    CHECK_FALSE(book.change("app", terms));
  }
  terms.secret = "";  // A mapping alone: its webhooks would be unsigned.
  CHECK_FALSE(book.change("app", terms));
  terms = {};
  terms.secret = "s";
  terms.mapping = std::string("a\0b", 3);
  CHECK_FALSE(book.change("app", terms));
  terms.mapping.assign(WriteKeyBook::kMappingBytesMax + 1, 'x');
  CHECK_FALSE(book.change("app", terms));
}

TEST_CASE("a precedence is kept, and only then the file is one of version 3") {
  WriteKeyBook book = book_of_two();
  KeyTerms terms;
  terms.precedence = 9;
  REQUIRE(book.change("app", terms));
  const std::string text = book.text();
  CHECK(text.starts_with("millrace write_keys 3\n"));
  CHECK(text.find("\nprecedence 9\n") != std::string::npos);
  const auto again = WriteKeyBook::parse(text);
  REQUIRE(again);
  CHECK(again->text() == text);
  CHECK(again->find("app")->terms.precedence == 9);
  CHECK_FALSE(WriteKeyBook::parse("millrace write_keys 2" + text.substr(21)));
  for (const char* wrong : {"precedence 0\n", "precedence 101\n", "precedence -1\n", "precedence 09\n",
                            "precedence 9\nprecedence 8\n", "precedence\n"}) {
    CAPTURE(wrong);
    std::string damaged = text;
    damaged.replace(damaged.find("precedence 9\n"), 13, wrong);
    CHECK_FALSE(WriteKeyBook::parse(damaged));
  }
  for (const std::int64_t wrong : {-1, 101}) {
    terms.precedence = wrong;
    CHECK_FALSE(book.change("app", terms));
  }
}

TEST_CASE("after a rotation the old key has its time, and then it is remembered as refused") {
  WriteKeyBook book = book_of_two();
  REQUIRE(book.rotate("web shop", "wk_3", kNow, kNow + 1000));
  CHECK(book.find("web shop")->key == "wk_3");
  REQUIRE(book.find("web shop")->old.size() == 1);
  CHECK_FALSE(book.expire(kNow + 999));
  CHECK(book.expire(kNow + 1000));
  CHECK(book.find("web shop")->old.empty());
  REQUIRE(book.retired().size() == 1);
  CHECK(book.retired()[0].key == "wk_1");
  REQUIRE(book.rotate("web shop", "wk_4", kNow, kNow));  // Without any time.
  CHECK(book.retired().back().key == "wk_3");
  for (int i = 0; i < 20; ++i) REQUIRE(book.rotate("app", "wk_app" + std::to_string(i), kNow, kNow + 9));
  CHECK(book.find("app")->old.size() == WriteKeyBook::kOldMax);
  REQUIRE(book.revoke("app", kNow));
  CHECK(book.retired().size() == 2 + 21);
  CHECK_FALSE(book.revoke("app", kNow));
  CHECK_FALSE(book.rotate("app", "wk_x", kNow, kNow));
}

TEST_CASE("what cannot be is refused with a reason") {
  WriteKeyBook book = book_of_two();
  CHECK_FALSE(book.create("app", {}, kNow, "cccccccccccc", "wk_9"));
  CHECK_FALSE(book.create("new\nline", {}, kNow, "cccccccccccc", "wk_9"));
  KeyTerms terms;
  terms.burst = 5;
  CHECK_FALSE(book.create("x", terms, kNow, "cccccccccccc", "wk_9"));
  terms.events_per_s = -1;
  CHECK_FALSE(book.change("app", terms));
  terms = {};
  terms.origins = {"shop.example"};
  CHECK_FALSE(book.change("app", terms));
  terms.origins.assign(WriteKeyBook::kOriginsMax + 1, "https://a.example");
  CHECK_FALSE(book.change("app", terms));
  CHECK_FALSE(book.change("nobody", {}));
}

TEST_CASE("origins have one form") {
  const std::pair<const char*, const char*> rows[] = {
      {"https://shop.example", "https://shop.example"},
      {"HTTPS://SHOP.example:443", "https://shop.example"},
      {"http://shop.example:80", "http://shop.example"},
      {"http://localhost:5173", "http://localhost:5173"},
      {"https://*.shop.example", "https://*.shop.example"},
      {"http://[::1]:8080", "http://[::1]:8080"},
      {"https://192.0.2.1", "https://192.0.2.1"},
  };
  for (const auto& [given, normal] : rows) CHECK(normal_origin(given) == std::optional<std::string>(normal));
  for (const char* wrong :
       {"", "shop.example", "ftp://shop.example", "https://", "https://shop.example/",
        "https://shop.example:0", "https://shop.example:99999", "https://a b", "https://*", "https://*.",
        "https://a.*.b", "null", "https://user@shop.example", "https://.a"}) {
    CAPTURE(wrong);
    CHECK_FALSE(normal_origin(wrong));
  }
}
