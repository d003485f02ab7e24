#include "app/setting_table.h"

#include <doctest/doctest.h>

#include "app/settings.h"

using namespace millrace;

namespace {
enum class Mode { fast, slow };
struct Fields {
  std::string path = "here";
  int port = 80;
  Mode mode = Mode::fast;
  std::vector<std::string> keys;
};
app::SettingTable table_of(Fields& fields) {
  app::SettingTable table;
  table.add("data.path", fields.path, "Where.");
  table.add("http.port", fields.port, {0, 65535}, "Which.");
  table.add("mode", fields.mode, {{"fast", Mode::fast}, {"slow", Mode::slow}}, "How.");
  table.add_list("source", {"key"}, "Who.", [&fields](const auto& row) -> base::Status {
    fields.keys.push_back(row.at(0).second);
    return base::Ok{};
  });
  return table;
}
}  // namespace

TEST_CASE("a file sets fields by dotted names, tables and lists") {
  Fields fields;
  auto table = table_of(fields);
  REQUIRE(table
              .load_toml("mode = 'slow'\n[http]\nport = 8080\n[[source]]\nkey = 'a'\n[[source]]\nkey = 'b'\n",
                         "f")
              .ok());
  CHECK_EQ(fields.port, 8080);
  CHECK(fields.mode == Mode::slow);
  CHECK_EQ(fields.keys.size(), 2);
}

TEST_CASE("what is wrong with a file is said with its name and the setting's") {
  Fields fields;
  auto table = table_of(fields);
  CHECK_EQ(table.load_toml("[http]\nprot = 1\n", "f").error().message(),
           "f: no setting \"http.prot\"; did you mean \"http.port\"?");
  CHECK_EQ(table.load_toml("[[sources]]\nkey = 'a'\n", "f").error().message(),
           "f: no setting \"sources\"; did you mean \"[[source]]\"?");
  CHECK_EQ(table.load_toml("http.port = 70000", "f").error().message(),
           "f: http.port: 70000 is not between 0 and 65535");
  CHECK_EQ(table.load_toml("http.port = 'x'", "f").error().message(),
           "f: http.port: \"x\" is not a whole number");
  CHECK_EQ(table.load_toml("mode = 'medium'", "f").error().message(),
           "f: mode: \"medium\" is none of fast, slow");
  CHECK_EQ(table.load_toml("a = [", "f").error().message().substr(0, 4), "f:1:");
  CHECK_EQ(table.load_toml("[[source]]\nname = 'x'", "f").error().message(),
           "f: source: no key \"name\"; it takes key");
  CHECK_FALSE(table.set("nothing.like.this", "1").ok());
}

TEST_CASE("a table whose name begins as no name does is an error, in a build with assertions too") {
  Fields fields;
  auto table = table_of(fields);
  for (const char* const text : {"[=]", "[[=]]", "[\\h]", "[a.=]", "[#", "[", "[[", "[a", "[\xc3\xa9]", "[,",
                                 "a\xc5\x8a", "mode = \xc3\xa9"}) {
    CAPTURE(text);
    const auto read = table.load_toml(std::string("mode = 'slow'\n") + text, "f");
    REQUIRE_FALSE(read.ok());
    CHECK_EQ(read.error().code(), base::ErrorCode::invalid_argument);
    CHECK_EQ(read.error().message().find("f:2: "), 0);
  }
  CHECK(fields.mode == Mode::fast);
}

TEST_CASE("the reference lists every setting with its default as built in") {
  Fields fields;
  auto table = table_of(fields);
  REQUIRE(table.set("http.port", "81").ok());
  const std::string page = table.reference();
  CHECK(page.find("| `http.port` | 0 to 65535 | `80` | Which. |") != std::string::npos);
  CHECK(page.find("| `mode` | fast, slow | `fast` | How. |") != std::string::npos);
}

TEST_CASE("a text that could not stand where it is used ends the start with the setting's name") {
  const std::pair<const char*, const char*> refused[] = {
      {"id.cookie", "a;b"},
      {"id.cookie", "a b"},
      {"id.cookie", ""},
      {"snowplow.cookie", "sp=1"},
      {"snowplow.cookie", "a\r\nb"},
      {"snowplow.cookie_domain", "shop.example; Path=/x"},
      {"snowplow.post_path", "t1"},
      {"snowplow.post_path", "/t1?x"},
      {"snowplow.post_path", "/"},
      {"consent.country_header", "CF-IPCountry:"},
  };
  for (const auto& [name, value] : refused) {
    CAPTURE(name);
    CAPTURE(value);
    app::Settings settings;
    const auto set = app::setting_table(settings).set(name, value);
    REQUIRE_FALSE(set.ok());
    CHECK_EQ(set.error().message().find(std::string(name) + ": \"" + value + "\" is no "), 0);
  }
  const std::pair<const char*, const char*> taken[] = {
      {"id.cookie", "__Host-visitor"},         {"snowplow.cookie", ""},
      {"snowplow.cookie_domain", ""},          {"snowplow.cookie_domain", ".shop.example"},
      {"snowplow.post_path", "/com.shop/t_1"}, {"snowplow.post_path", ""},
      {"consent.country_header", ""},          {"consent.country_header", "X-Country"},
  };
  for (const auto& [name, value] : taken) {
    CAPTURE(name);
    CAPTURE(value);
    app::Settings settings;
    CHECK(app::setting_table(settings).set(name, value).ok());
  }
  for (const char* const path : {".a", "a.", "a..b"}) {
    app::Settings settings;
    CHECK_FALSE(app::setting_table(settings)
                    .load_toml(std::string("[[privacy.field]]\npath = '") + path + "'", "f")
                    .ok());
  }
}
