#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "process/state_store.h"

namespace millrace::process {

inline std::vector<std::string> keys_under(const StateStore& store, std::string_view prefix,
                                           std::string_view from) {
  std::vector<std::string> keys;
  const base::Status status = store.scan_from(prefix, from, [&](std::string_view key, std::string_view) {
    keys.emplace_back(key);
    return true;
  });
  REQUIRE(status.ok());
  return keys;
}

inline void find_all_is_many_gets(StateStore& store) {
  std::vector<std::string> wanted;
  StateBatch batch;
  for (int i = 0; i < 400; ++i) {
    std::string key = std::to_string(1000 + i * 7919 % 400);
    if (i % 3 != 0) batch.put("many/" + key, "value of " + key);
    // Close together, then far apart.
    if (i < 60 || i % 50 == 0) wanted.push_back(std::move(key));
  }
  std::sort(wanted.begin(), wanted.end());
  REQUIRE(store.commit(batch).ok());
  std::vector<std::string> expected, found;
  for (const auto& key : wanted) {
    const auto value = *store.get("many/" + key);
    if (value) expected.push_back(key + *value);
  }
  const auto note = [&](std::string_view key, std::string_view value) {
    found.push_back(std::string(key).append(value));
    return true;
  };
  REQUIRE(store.find_all("many/", wanted, note).ok());
  CHECK(found == expected);
  found.clear();
  REQUIRE(store.find_all("many/", {}, note).ok());
  CHECK(store.find_all("none/", wanted, note).ok());
  CHECK(found.empty());
  REQUIRE(
      store.find_all("many/", wanted, [&](auto key, auto value) { return note(key, value) && false; }).ok());
  CHECK(found.size() == 1);
  StateBatch erase;
  erase.erase_prefix("many/");
  REQUIRE(store.commit(erase).ok());
}

// What every StateStore must do. `reopen(store)` gives a store that has what was committed before; for a
// store that does not outlive the process it may give the same one back.
template <class Reopen>
void state_store_contract(std::unique_ptr<StateStore> store, Reopen reopen) {
  using Keys = std::vector<std::string>;
  CHECK_FALSE((*store->get("a")).has_value());

  StateBatch first;
  first.put("a1", "one");
  first.put("a2", "two");
  first.put(std::string_view("a\0b", 3), std::string_view("\0x", 2));
  first.put("a\xff", "last");
  first.put("b", "");
  first.put("a2", "later wins");
  first.put("gone", "x");
  first.erase("gone");
  REQUIRE(store->commit(first).ok());
  CHECK(**store->get("a1") == "one");
  CHECK(**store->get("a2") == "later wins");
  CHECK(**store->get(std::string_view("a\0b", 3)) == std::string_view("\0x", 2));
  CHECK(**store->get("b") == "");
  CHECK_FALSE((*store->get("gone")).has_value());
  CHECK(keys_under(*store, "a", "a") == Keys{std::string("a\0b", 3), "a1", "a2", "a\xff"});
  CHECK(keys_under(*store, "a", "a1\x01") == Keys{"a2", "a\xff"});
  CHECK(keys_under(*store, "a", "") == Keys{std::string("a\0b", 3), "a1", "a2", "a\xff"});
  CHECK(keys_under(*store, "", "").size() == 5);
  CHECK(keys_under(*store, "c", "c").empty());

  find_all_is_many_gets(*store);

  int visited = 0;
  REQUIRE(store->scan("a", [&](std::string_view, std::string_view) { return ++visited < 2; }).ok());
  CHECK(visited == 2);

  StateBatch second;
  second.put("a3", "survives the prefix, which goes first");
  second.erase_prefix("a");
  second.erase("never there");
  REQUIRE(store->commit(second).ok());
  CHECK(keys_under(*store, "", "") == Keys{"a3", "b"});
  REQUIRE(store->commit(StateBatch()).ok());

  StateBatch high;
  high.put("h\xff\x01", "1");
  high.put("i", "2");
  REQUIRE(store->commit(high).ok());
  StateBatch erase_high;
  erase_high.erase_prefix("h\xff");
  REQUIRE(store->commit(erase_high).ok());

  store = reopen(std::move(store));
  CHECK(keys_under(*store, "", "") == Keys{"a3", "b", "i"});
  CHECK(**store->get("i") == "2");

  // More entries than a scan's inner slice.
  StateBatch many;
  for (int i = 0; i < 1000; ++i) many.put("m" + std::to_string(1000 + i), std::to_string(i));
  REQUIRE(store->commit(many).ok());
  store = reopen(std::move(store));
  CHECK(keys_under(*store, "m", "m").size() == 1000);
  CHECK(keys_under(*store, "m", "m1990").size() == 10);
}

}  // namespace millrace::process
