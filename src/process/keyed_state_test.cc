#include "process/keyed_state.h"

#include <doctest/doctest.h>

#include <map>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/random.h"
#include "process/memory_state_store.h"

namespace millrace::process {

namespace {

struct Counter {
  std::uint64_t count = 0;
  std::string note;
  void encode(std::string& out) const {
    base::ByteWriter writer(out);
    writer.varint(count);
    writer.text(note);
  }
  static bool decode(std::string_view bytes, Counter& into) {
    base::ByteReader reader(bytes);
    into.count = reader.varint();
    into.note = reader.text();
    return reader.ok() && reader.at_end();
  }
  bool operator==(const Counter&) const = default;
};

void checkpoint(Checkpointed& state, StateStore& store) {
  state.freeze();
  StateBatch batch;
  while (!state.drain(batch, 3)) {
  }
  REQUIRE(store.commit(batch).ok());
  state.committed();
}

std::map<std::string, std::string> contents(const StateStore& store) {
  std::map<std::string, std::string> all;
  REQUIRE(store
              .scan("",
                    [&](std::string_view key, std::string_view value) {
                      all.emplace(key, value);
                      return true;
                    })
              .ok());
  return all;
}

std::string number_bytes(std::uint64_t number) {
  std::string bytes;
  NumberKey::append(number, bytes);
  return bytes;
}

}  // namespace

TEST_CASE("a changed value is in the store after a checkpoint, as it was when frozen") {
  MemoryStateStore store;
  KeyedState<Counter> state(store, "c/", 1024);
  CHECK(state.find("a") == nullptr);
  state.edit("a").count = 1;
  state.edit("b").count = 2;
  state.freeze();
  state.edit("a").count = 10;
  state.erase("b");
  StateBatch batch;
  CHECK(state.drain(batch, 100));
  REQUIRE(store.commit(batch).ok());
  state.committed();
  CHECK(state.find("a")->count == 10);
  CHECK(state.find("b") == nullptr);

  KeyedState<Counter> reopened(store, "c/", 1024);
  REQUIRE(reopened.find("a") != nullptr);
  CHECK(reopened.find("a")->count == 1);
  CHECK(reopened.find("b")->count == 2);

  checkpoint(state, store);
  KeyedState<Counter> again(store, "c/", 1024);
  CHECK(again.find("a")->count == 10);
  CHECK(again.find("b") == nullptr);
}

TEST_CASE("restore brings entries in key order") {
  MemoryStateStore store;
  {
    KeyedState<Counter, NumberKey> state(store, "n/", 1024);
    for (const std::uint64_t key : {300u, 2u, 70000u}) state.edit(key).count = key;
    checkpoint(state, store);
  }
  KeyedState<Counter, NumberKey> state(store, "n/", 1024);
  std::vector<std::uint64_t> keys;
  REQUIRE(state
              .restore([&](std::uint64_t key, const Counter& value) {
                CHECK(value.count == key);
                keys.push_back(key);
              })
              .ok());
  CHECK(keys == std::vector<std::uint64_t>{2, 300, 70000});
  CHECK(state.find(300)->count == 300);
  CHECK(state.store_reads() == 0);
}

TEST_CASE("bytes that cannot be decoded are a fault of the store, not an absent value") {
  MemoryStateStore store;
  StateBatch batch;
  batch.put("c/x", "\xff");
  REQUIRE(store.commit(batch).ok());
  KeyedState<Counter> state(store, "c/", 1024);
  CHECK(state.find("x") == nullptr);
  REQUIRE(store.fault().has_value());
  CHECK(store.fault()->code() == base::ErrorCode::corrupt);
}

TEST_CASE("changed entries stay in memory and clean ones leave it") {
  MemoryStateStore store;
  KeyedState<Counter, NumberKey> state(store, "n/", 1024);
  for (std::uint64_t key = 0; key < 5000; ++key) state.edit(key).count = key;
  CHECK(state.entries() == 5000);
  checkpoint(state, store);
  for (std::uint64_t key = 5000; key < 7000; ++key) state.find(key);
  CHECK(state.entries() <= 1100);
  for (std::uint64_t key = 0; key < 5000; ++key) {
    const Counter* value = state.find(key);
    REQUIRE(value != nullptr);
    CHECK(value->count == key);
  }
  CHECK(state.entries() <= 1100);
}

TEST_CASE("the newest keys asked for do not move while others come and go") {
  MemoryStateStore store;
  KeyedState<Counter, NumberKey> state(store, "n/", 2048);
  for (std::uint64_t key = 0; key < 20000; ++key) {
    state.edit(key).count = key;
    if (key % 1000 == 999) checkpoint(state, store);
  }
  const Counter* held = state.find(19999);
  for (std::uint64_t key = 0; key < 2048 / 32 - 1; ++key) state.find(key);
  CHECK(held->count == 19999);
  CHECK(held == state.find(19999));
}

// Random edits, checkpoints drained in slices and crashes at any point, against a map of the present and a
// map of what was frozen at the last committed checkpoint.
template <class Key, class MakeKey>
void differential(std::uint64_t seed, MakeKey make_key) {
  CAPTURE(seed);
  base::SeededRandom random(seed);
  MemoryStateStore store;
  auto state = std::make_unique<KeyedState<Counter, Key>>(store, "k", 1024);
  std::map<std::string, Counter> live, frozen, durable;
  enum { idle, draining, drained } phase = idle;
  StateBatch batch;
  const std::uint64_t keys = 1 + random.below(4000);
  for (int step = 0; step < 4000; ++step) {
    const std::uint64_t number = random.chance(0.5) ? random.below(keys) : random.below(1 + keys / 20);
    const auto key = make_key(number);
    std::string bytes;
    Key::append(key, bytes);
    const std::uint64_t dice = random.below(100);
    if (dice < 40) {
      Counter& value = state->edit(key);
      REQUIRE(value == live[bytes]);
      value.count += step;
      value.note = std::string(random.below(20), 'x');
      live[bytes] = value;
    } else if (dice < 70) {
      const Counter* value = state->find(key);
      const auto expected = live.find(bytes);
      REQUIRE((value != nullptr) == (expected != live.end()));
      if (value != nullptr) REQUIRE(*value == expected->second);
    } else if (dice < 85) {
      state->erase(key);
      live.erase(bytes);
    } else if (dice < 98) {
      if (phase == idle) {
        state->freeze();
        frozen = live;
        batch.clear();
        phase = draining;
      } else if (phase == draining) {
        if (state->drain(batch, 1 + random.below(200))) phase = drained;
      } else {
        REQUIRE(store.commit(batch).ok());
        durable = frozen;
        if (random.chance(0.9)) {
          state->committed();
          phase = idle;
        } else {  // A crash between the commit and the word of it.
          state = std::make_unique<KeyedState<Counter, Key>>(store, "k", 1024);
          live = durable;
          phase = idle;
        }
      }
    } else if (random.chance(0.2)) {
      state = std::make_unique<KeyedState<Counter, Key>>(store, "k", 1024);
      live = durable;
      phase = idle;
    }
  }
  if (phase != idle) {
    while (phase == draining && !state->drain(batch, 100)) {
    }
    REQUIRE(store.commit(batch).ok());
    state->committed();
  }
  checkpoint(*state, store);
  std::map<std::string, std::string> expected;
  for (const auto& [key, value] : live) value.encode(expected["k" + key]);
  CHECK(contents(store) == expected);
  CHECK_FALSE(store.fault().has_value());
}

TEST_CASE("keyed state agrees with a map under random changes, checkpoints and crashes") {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    std::string text;
    differential<TextKey>(seed, [&](std::uint64_t number) {
      text = "visitor-" + std::to_string(number * 7919);
      return std::string_view(text);
    });
    differential<NumberKey>(seed + 1000, [](std::uint64_t number) { return number << 32; });
  }
}

TEST_CASE("number keys are stored in the order of the numbers") {
  CHECK(number_bytes(1) < number_bytes(256));
  CHECK(number_bytes(255) < number_bytes(0xffffffffffffffffULL));
  std::uint64_t back = 0;
  CHECK(NumberKey::parse(number_bytes(0x0123456789abcdefULL), back));
  CHECK(back == 0x0123456789abcdefULL);
  CHECK_FALSE(NumberKey::parse("1234567", back));
}

}  // namespace millrace::process
