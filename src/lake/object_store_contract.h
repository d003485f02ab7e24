#pragma once

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "lake/object_store.h"

namespace millrace::lake {

// What every ObjectStore owes. `store` is empty; `reopen` gives another view of the same objects, as another
// process would.
template <class Reopen>
void check_object_store(ObjectStore& store, Reopen&& reopen) {
  const std::string binary("\0\xff\n", 3);
  const std::string large(300'000, 'x');
  CHECK(store.list("")->empty());
  CHECK(*store.create("a/b/one.avro", binary) == Created::yes);
  CHECK(*store.create("a/b/one.avro", "other") == Created::exists_already);
  CHECK(*store.create("a/b/two.avro", "") == Created::yes);
  CHECK(*store.create("a/bc/v1.metadata.json", large) == Created::yes);
  CHECK(*store.create("top.txt", "top") == Created::yes);
  CHECK(store.read("a/b/missing.avro").error().code() == base::ErrorCode::not_found);
  CHECK(store.read("no/where/missing.avro").error().code() == base::ErrorCode::not_found);

  const auto check_contents = [&](const ObjectStore& view) {
    CHECK(*view.read("a/b/one.avro") == binary);
    CHECK(*view.read("a/b/two.avro") == "");
    CHECK(*view.read("a/bc/v1.metadata.json") == large);
    using Names = std::vector<std::string>;
    CHECK(*view.list("") == Names{"a/b/one.avro", "a/b/two.avro", "a/bc/v1.metadata.json", "top.txt"});
    CHECK(*view.list("a/b") == Names{"a/b/one.avro", "a/b/two.avro", "a/bc/v1.metadata.json"});
    CHECK(*view.list("a/b/") == Names{"a/b/one.avro", "a/b/two.avro"});
    CHECK(*view.list("a/b/o") == Names{"a/b/one.avro"});
    CHECK(*view.list("a/bc/v") == Names{"a/bc/v1.metadata.json"});
    CHECK(view.list("nothing/here")->empty());
  };
  check_contents(store);
  ObjectStore& other = reopen();
  check_contents(other);
  CHECK(*other.create("a/b/one.avro", "rival") == Created::exists_already);

  CHECK(store.replace("a/hint.text", "1").ok());
  CHECK(*other.read("a/hint.text") == "1");
  CHECK(other.replace("a/hint.text", "2").ok());
  CHECK(*store.read("a/hint.text") == "2");
  CHECK(store.remove("a/hint.text").ok());
  CHECK(store.remove("a/hint.text").ok());
  CHECK(store.remove("a/b/one.avro").ok());
  CHECK(other.read("a/b/one.avro").error().code() == base::ErrorCode::not_found);
  CHECK(*other.create("a/b/one.avro", "again") == Created::yes);
  CHECK(*store.read("a/b/one.avro") == "again");
  CHECK(store.location("a/b/one.avro").ends_with("/a/b/one.avro"));
}

}  // namespace millrace::lake
