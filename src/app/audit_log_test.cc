#include "app/audit_log.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "app/audit_table.h"
#include "app/private_file.h"
#include "process/scratch_directory.h"

using namespace millrace;
using namespace millrace::app;

namespace {

constexpr base::WallTime kNovember{1'795'258'800'000};
constexpr base::WallTime kDecember = kNovember + 30 * base::kDayMs;

admin::AuditEntry entry(base::WallTime at, std::string act) {
  admin::AuditEntry made;
  made.at = at;
  made.act = std::move(act);
  made.outcome = "done";
  return made;
}

std::vector<std::string> acts(const AuditLog& log, AuditQuery query = {}) {
  const auto page = log.read(query);
  REQUIRE(page);
  std::vector<std::string> found;
  for (const auto& json : page->entries) {
    const auto from = json.find("\"act\":\"") + 7;
    found.push_back(json.substr(from, json.find('"', from) - from));
  }
  return found;
}

}  // namespace

TEST_CASE("what was appended is read back, the newest first, over the months") {
  process::ScratchDirectory directory;
  AuditLog log(directory.path());
  CHECK(acts(log).empty());
  REQUIRE(log.append({entry(kNovember, "a"), entry(kNovember + 1, "b")}));
  REQUIRE(log.append({entry(kDecember, "c"), entry(kNovember + 2, "d")}));
  CHECK(acts(log) == std::vector<std::string>{"c", "d", "b", "a"});
  CHECK(acts(log, {kNovember + 1, kDecember, 10}) == std::vector<std::string>{"d", "b"});
  CHECK(acts(log, {kDecember, kDecember + 1, 10}) == std::vector<std::string>{"c"});
  const auto two = log.read({{0}, {INT64_MAX}, 2});
  REQUIRE(two);
  CHECK(two->entries.size() == 2);
  CHECK_FALSE(two->complete);
  struct stat status {};
  REQUIRE(::stat((directory.path() + "/audit-2026-11.log").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
}

TEST_CASE("a line that a crash cut off is left out, and what is appended behind it is not") {
  process::ScratchDirectory directory;
  const std::string whole =
      admin::audit_line(entry(kNovember, "first")) + admin::audit_line(entry(kNovember, "torn"));
  const std::size_t first = whole.find('\n') + 1;
  for (std::size_t cut = first; cut < whole.size(); ++cut) {
    const std::string file = directory.path() + "/audit-2026-11.log";
    std::filesystem::remove(file);
    std::ofstream(file, std::ios::binary) << whole.substr(0, cut);
    AuditLog log(directory.path());
    const bool is_whole = cut == whole.size() - 1;  // Only the line's end is missing.
    REQUIRE(log.append({entry(kNovember + 5, "next")}));
    CHECK(acts(log) == (is_whole ? std::vector<std::string>{"next", "torn", "first"}
                                 : std::vector<std::string>{"next", "first"}));
  }
}

TEST_CASE("thousands of acts are found again whatever block they lie in") {
  process::ScratchDirectory directory;
  AuditLog log(directory.path());
  std::vector<admin::AuditEntry> many;
  for (int i = 0; i < 3000; ++i) many.push_back(entry(kNovember + i, "act" + std::to_string(i)));
  REQUIRE(log.append(many));
  const auto found = acts(log, {{0}, {INT64_MAX}, 10'000});
  REQUIRE(found.size() == many.size());
  for (std::size_t i = 0; i < many.size(); ++i) CHECK(found[i] == many[many.size() - 1 - i].act);
  CHECK(acts(log, {kNovember + 1500, kNovember + 1502, 10}) ==
        std::vector<std::string>{"act1501", "act1500"});
}

TEST_CASE("processes that append at once keep their lines whole") {
  process::ScratchDirectory directory;
  constexpr int kProcesses = 4, kLines = 50;
  std::vector<pid_t> children;
  for (int p = 0; p < kProcesses; ++p) {
    const pid_t child = ::fork();
    if (child == 0) {
      AuditLog log(directory.path());
      bool good = true;
      for (int i = 0; i < kLines; ++i) good &= log.append({entry(kNovember, "p" + std::to_string(p))}).ok();
      ::_exit(good ? 0 : 1);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
  }
  CHECK(acts(AuditLog(directory.path()), {{0}, {INT64_MAX}, 1000}).size() == kProcesses * kLines);
}

TEST_CASE("two changes of a private file at once are made one after the other") {
  process::ScratchDirectory directory;
  const std::string file = directory.path() + "/numbers";
  constexpr int kProcesses = 4, kChanges = 25;
  std::vector<pid_t> children;
  for (int p = 0; p < kProcesses; ++p) {
    const pid_t child = ::fork();
    if (child == 0) {
      bool good = true;
      for (int i = 0; i < kChanges; ++i) {
        good &= change_private_file(file, [](std::string_view text) -> base::Result<std::string> {
                  return std::to_string((text.empty() ? 0 : std::stoi(std::string(text))) + 1);
                }).ok();
      }
      ::_exit(good ? 0 : 1);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    ::waitpid(child, &status, 0);
    CHECK(status == 0);
  }
  CHECK(*read_private_file(file) == std::to_string(kProcesses * kChanges));
  CHECK_FALSE(change_private_file(file, [](std::string_view) -> base::Result<std::string> {
    return base::Error(base::ErrorCode::conflict, "no");
  }));
  CHECK(*read_private_file(file) == std::to_string(kProcesses * kChanges));
}

TEST_CASE("as a table it has every entry of every month, the oldest first, but none that is torn") {
  process::ScratchDirectory directory;
  AuditLog log(directory.path());
  const auto table = audit_table(directory.path());
  const auto acts_of_table = [&table] {
    auto rows = table.open();
    REQUIRE(rows);
    std::vector<std::string> found;
    std::string json;
    while (*(*rows)->next(json)) {
      const auto from = json.find("\"act\":\"") + 7;
      found.push_back(json.substr(from, json.find('"', from) - from));
    }
    return found;
  };
  CHECK(acts_of_table().empty());
  std::vector<std::string> expected;
  std::vector<admin::AuditEntry> entries;
  for (int i = 0; i < 3000; ++i) {  // Several blocks of the file.
    entries.push_back(entry(kNovember + i, std::to_string(i)));
    expected.push_back(std::to_string(i));
  }
  REQUIRE(log.append(entries));
  CHECK(acts_of_table() == expected);
  {
    std::ofstream november(directory.path() + "/audit-2026-11.log", std::ios::app);
    november << std::string(50'000, 'x') << "\n00000000 {\"at\":\"2026-11-22T10:00:00.000Z\"}\nabc";
  }
  REQUIRE(log.append({entry(kDecember, "later"), entry(kNovember, "after")}));
  std::ofstream(directory.path() + "/other.log") << "no log\n";
  expected.insert(expected.end(), {"after", "later"});
  CHECK(acts_of_table() == expected);
  REQUIRE(std::filesystem::remove(directory.path() + "/audit-2026-11.log"));
  CHECK(acts_of_table() == std::vector<std::string>{"later"});
  CHECK_FALSE(audit_table(directory.path() + "/none").open().ok());
}
