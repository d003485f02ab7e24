// The official JSON Schema test suite: every group of every file for draft 2020-12 is either passed whole, or refused when
// its schema is compiled and then listed here by name.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>

#include "contract/schema_compiler.h"
#include "contract/validator.h"

using namespace millrace;
using namespace millrace::contract;

namespace {

const std::string kSuite = MILLRACE_SOURCE_DIR "/third_party/json_schema_suite/suite";

std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class SuiteSource final : public SchemaSource {
 public:
  std::optional<std::string> schema(std::string_view uri) const override {
    constexpr std::string_view kHost = "http://localhost:1234/";
    if (!uri.starts_with(kHost)) return std::nullopt;
    const std::string path = kSuite + "/remotes/" + std::string(uri.substr(kHost.size()));
    if (!std::filesystem::is_regular_file(path)) return std::nullopt;
    return read_text(path);
  }
};

// "file: group" of what is refused, with why.
const std::map<std::string, std::string>& refused_groups() {
  static const std::map<std::string, std::string> groups = {
#include "contract/schema_suite_refused.inc"
  };
  return groups;
}

struct Tally {
  int files = 0, groups = 0, refused = 0, tests = 0, wrong = 0;
};

void run_file(const std::string& path, const std::string& name, Tally& tally, std::set<std::string>& seen) {
  JsonDocument suite;
  REQUIRE(suite.own(read_text(path)).ok());
  const SuiteSource source;
  ++tally.files;
  for (std::uint32_t group = 1; group < suite.tape().size(); group = suite[group].end) {
    const std::string title = name + ": " + std::string(text_of(suite.tape(), group, "description"));
    const std::uint32_t schema = find_member(suite.tape(), group, "schema");
    const std::uint32_t tests = find_member(suite.tape(), group, "tests");
    ++tally.groups;
    Program program;
    const auto fault = compile_schema(std::string(suite[schema].raw), "", source, program);
    if (fault) {
      ++tally.refused;
      seen.insert(title);
      const auto known = refused_groups().find(title);
      const std::string why = known == refused_groups().end() ? "" : known->second;
      CHECK_MESSAGE(fault->code == why, "{\"" << title << "\", \"" << fault->code << "\"},  // "
                                              << fault->pointer << " " << fault->message);
      continue;
    }
    Validator validator;
    for (std::uint32_t test = tests + 1; test < suite[tests].end; test = suite[test].end) {
      JsonDocument value;
      REQUIRE(value.own(std::string(suite[find_member(suite.tape(), test, "data")].raw)).ok());
      const bool valid = suite[find_member(suite.tape(), test, "valid")].text == "true";
      const bool fits = validator.fits(program, value.tape());
      const auto faults = validator.explain(program, value.tape());
      ++tally.tests;
      const std::string what = title + " / " + std::string(text_of(suite.tape(), test, "description"));
      CHECK_MESSAGE(fits == valid, what << (valid ? " is valid" : " is not valid"));
      CHECK_MESSAGE(faults.empty() == fits, what << ": both ways of asking agree");
      tally.wrong += fits != valid;
    }
  }
}

// Left out as files: format says that formats are annotations, content and vocabulary are about keywords that are refused.
const std::set<std::string> kFilesLeftOut = {"format.json"};

}  // namespace

TEST_CASE("the official test suite of draft 2020-12 is passed, but for what is refused by name") {
  const std::string folder = kSuite + "/tests/draft2020-12";
  if (!std::filesystem::is_directory(folder)) {
    MESSAGE("skipped: no JSON Schema test suite; scripts/fetch_schema_suite.sh brings it");
    return;
  }
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".json") names.push_back(entry.path().filename());
  }
  for (const char* optional : {"anchor", "bignum", "dynamicRef", "ecmascript-regex", "float-overflow", "id",
                               "no-schema", "non-bmp-regex", "format/date", "format/date-time", "format/time",
                               "format/duration", "format/email", "format/ipv4", "format/ipv6", "format/uuid",
                               "format/uri", "format/hostname", "format/json-pointer"}) {
    names.push_back(std::string("optional/") + optional + ".json");
  }
  std::sort(names.begin(), names.end());
  Tally tally;
  std::set<std::string> seen;
  for (const std::string& name : names) {
    if (kFilesLeftOut.contains(name)) continue;
    run_file(folder + "/" + name, name, tally, seen);
  }
  for (const auto& [title, why] : refused_groups())
    CHECK_MESSAGE(seen.contains(title), title << " is taken now");
  MESSAGE(tally.files << " files, " << tally.groups << " groups of which " << tally.refused << " refused, "
                      << tally.tests << " tests, " << tally.wrong << " wrong");
  CHECK_GT(tally.tests, 1000);
}
