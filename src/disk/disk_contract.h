#pragma once

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "base/bytes.h"
#include "disk/disk.h"

// What every Disk owes. A Fixture has `disk::Disk& disk()`, empty at first.
namespace millrace::disk::contract {

using base::ErrorCode;

template <class T>
bool failed_with(const base::Result<T>& result, ErrorCode code) {
  return !result.ok() && result.error().code() == code;
}

inline void put(Disk& disk, std::string_view path, std::string_view bytes) {
  const auto file = disk.create(path);
  REQUIRE_MESSAGE(file.ok(), file.error().message());
  REQUIRE((*file)->write_at(0, base::as_bytes(bytes)).ok());
}

inline std::string get(const Disk& disk, std::string_view path) {
  const auto bytes = read_file(disk, path);
  REQUIRE_MESSAGE(bytes.ok(), bytes.error().message());
  return *bytes;
}

template <class Fixture>
void what_is_written_is_read() {
  Fixture fixture;
  Disk& disk = fixture.disk();
  {
    const auto file = disk.create("file");
    REQUIRE(file.ok());
    CHECK((*file)->write_at(0, base::as_bytes("hello")).ok());
    CHECK((*file)->write_at(10, base::as_bytes("far")).ok());
    CHECK((*file)->write_at(1, base::as_bytes("a")).ok());
    CHECK((*file)->write_at(3, {}).ok());
    CHECK((*file)->sync().ok());
  }
  CHECK(get(disk, "file") == std::string("hallo\0\0\0\0\0far", 13));
  {
    const auto file = disk.open_for_write("file");
    REQUIRE(file.ok());
    CHECK((*file)->write_at(5, base::as_bytes("!")).ok());
  }
  CHECK(get(disk, "file") == std::string("hallo!\0\0\0\0far", 13));
  const auto file = disk.open("file");
  REQUIRE(file.ok());
  std::string into(4, 'x');
  const auto bytes = std::as_writable_bytes(std::span(into));
  CHECK(*(*file)->read_at(11, bytes) == 2);
  CHECK(into == "arxx");
  CHECK(*(*file)->read_at(13, bytes) == 0);
  CHECK(*(*file)->read_at(100, bytes) == 0);
  CHECK(*(*file)->size() == 13);
}

template <class Fixture>
void names_are_found_listed_and_refused() {
  Fixture fixture;
  Disk& disk = fixture.disk();
  CHECK(failed_with(disk.open("absent"), ErrorCode::not_found));
  CHECK(failed_with(disk.open_for_write("absent"), ErrorCode::not_found));
  CHECK(failed_with(disk.open("absent/file"), ErrorCode::not_found));
  CHECK(failed_with(disk.create("absent/file"), ErrorCode::not_found));
  CHECK(failed_with(disk.list("absent"), ErrorCode::not_found));
  CHECK(failed_with(disk.sync_directory("absent"), ErrorCode::not_found));
  CHECK(failed_with(disk.truncate("absent", 0), ErrorCode::not_found));
  CHECK(failed_with(disk.rename("absent", "other"), ErrorCode::not_found));
  CHECK(failed_with(disk.link("absent", "other"), ErrorCode::not_found));
  CHECK(disk.remove("absent").ok());

  CHECK(disk.make_directory("a/b").ok());
  CHECK(disk.make_directory("a/b").ok());
  CHECK(disk.make_directory("").ok());
  put(disk, "a/z", "1");
  put(disk, "a/y", "2");
  CHECK(failed_with(disk.create("a/z"), ErrorCode::conflict));
  CHECK(failed_with(disk.make_directory("a/z"), ErrorCode::conflict));
  CHECK(failed_with(disk.open("a/b"), ErrorCode::invalid_argument));
  CHECK(*disk.list("a") == std::vector<std::string>{"b", "y", "z"});
  CHECK(*disk.list("") == std::vector<std::string>{"a"});
  CHECK(disk.list("a/b")->empty());
  CHECK(disk.sync_directory("a").ok());
  CHECK(disk.sync_directory("").ok());
  CHECK(failed_with(disk.remove("a"), ErrorCode::conflict));
  CHECK(disk.remove("a/b").ok());
  CHECK(*disk.list("a") == std::vector<std::string>{"y", "z"});
}

template <class Fixture>
void paths_cannot_leave_the_root() {
  Fixture fixture;
  Disk& disk = fixture.disk();
  for (const char* path : {"../x", "/x", "a/../x", "a//x", "./x", "x/", "a/./x"}) {
    CAPTURE(path);
    CHECK_FALSE(disk.create(path).ok());
    CHECK(failed_with(disk.open(path), ErrorCode::invalid_argument));
  }
}

template <class Fixture>
void rename_replaces_and_link_does_not() {
  Fixture fixture;
  Disk& disk = fixture.disk();
  put(disk, "a", "from a");
  put(disk, "b", "from b");
  CHECK(failed_with(disk.link("a", "b"), ErrorCode::conflict));
  CHECK(disk.rename("a", "b").ok());
  CHECK(get(disk, "b") == "from a");
  CHECK(*disk.list("") == std::vector<std::string>{"b"});
  CHECK(disk.link("b", "c").ok());
  CHECK(get(disk, "c") == "from a");
  CHECK(disk.remove("b").ok());
  CHECK(get(disk, "c") == "from a");
  CHECK(disk.make_directory("d").ok());
  CHECK(disk.rename("c", "d/c").ok());
  CHECK(get(disk, "d/c") == "from a");
  CHECK(*disk.list("") == std::vector<std::string>{"d"});
}

template <class Fixture>
void a_removed_file_stays_readable_where_it_is_open() {
  Fixture fixture;
  Disk& disk = fixture.disk();
  put(disk, "a", "still here");
  const auto file = disk.open("a");
  REQUIRE(file.ok());
  CHECK(disk.remove("a").ok());
  std::string into(10, ' ');
  CHECK(*(*file)->read_at(0, std::as_writable_bytes(std::span(into))) == 10);
  CHECK(into == "still here");
  CHECK(failed_with(disk.open("a"), ErrorCode::not_found));
}

template <class Fixture>
void truncate_cuts_and_grows_with_zeros() {
  Fixture fixture;
  Disk& disk = fixture.disk();
  put(disk, "a", "0123456789");
  CHECK(disk.truncate("a", 4).ok());
  CHECK(get(disk, "a") == "0123");
  CHECK(disk.truncate("a", 6).ok());
  CHECK(get(disk, "a") == std::string("0123\0\0", 6));
}

template <class Fixture>
void whole_files_are_written_atomically_and_again() {
  Fixture fixture;
  Disk& disk = fixture.disk();
  CHECK(make_directory_durably(disk, "x/y").ok());
  CHECK(write_file_atomically(disk, "x/y/settings", "one").ok());
  CHECK(write_file_atomically(disk, "x/y/settings", "").ok());
  CHECK(get(disk, "x/y/settings").empty());
  CHECK(write_file_atomically(disk, "x/y/settings", "three").ok());
  CHECK(get(disk, "x/y/settings") == "three");
  CHECK(*disk.list("x/y") == std::vector<std::string>{"settings"});
  CHECK(failed_with(read_file(disk, "x/y/absent"), ErrorCode::not_found));
  const auto free = disk.free_bytes();
  REQUIRE(free.ok());
  CHECK(*free > 0);
}

template <class Fixture>
void check() {
  SUBCASE("what is written is read") { what_is_written_is_read<Fixture>(); }
  SUBCASE("names are found, listed and refused") { names_are_found_listed_and_refused<Fixture>(); }
  SUBCASE("paths cannot leave the root") { paths_cannot_leave_the_root<Fixture>(); }
  SUBCASE("rename replaces and link does not") { rename_replaces_and_link_does_not<Fixture>(); }
  SUBCASE("a removed file stays readable") { a_removed_file_stays_readable_where_it_is_open<Fixture>(); }
  SUBCASE("truncate cuts and grows with zeros") { truncate_cuts_and_grows_with_zeros<Fixture>(); }
  SUBCASE("whole files are written atomically") { whole_files_are_written_atomically_and_again<Fixture>(); }
}

}  // namespace millrace::disk::contract
