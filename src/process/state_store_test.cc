#include "process/state_store.h"

#include <doctest/doctest.h>

#include <memory>
#include <utility>

#include "process/memory_state_store.h"
#include "process/rocks_state_store.h"
#include "process/scratch_directory.h"
#include "process/state_store_contract.h"

namespace millrace::process {

TEST_CASE("a memory state store keeps the contract") {
  state_store_contract(std::make_unique<MemoryStateStore>(),
                       [](std::unique_ptr<StateStore> store) { return store; });
}

TEST_CASE("a RocksDB state store keeps the contract") {
  const ScratchDirectory directory;
  const auto shared =
      RocksShared::create(RocksSettings{.block_cache_bytes = 1 << 20, .write_buffer_bytes = 1 << 20});
  const auto open = [&]() -> std::unique_ptr<StateStore> {
    auto store = RocksStateStore::open(directory.path() + "/state", shared);
    REQUIRE(store.ok());
    return *std::move(store);
  };
  state_store_contract(open(), [&](std::unique_ptr<StateStore> store) {
    store.reset();
    return open();
  });
}

TEST_CASE("a RocksDB state store has large and small commits when it is opened again") {
  const ScratchDirectory directory;
  const auto shared = RocksShared::create(RocksSettings{});
  const auto open = [&] {
    auto store = RocksStateStore::open(directory.path(), shared);
    REQUIRE(store.ok());
    return *std::move(store);
  };
  const std::string value(1 << 20, 'v');
  auto store = open();
  for (int i = 0; i < 20; ++i) {
    StateBatch batch;
    batch.put("large/" + std::to_string(i), value);
    REQUIRE(store->commit(batch).ok());
  }
  StateBatch small;
  small.put("small", "1");
  REQUIRE(store->commit(small).ok());
  store.reset();
  store = open();
  CHECK(*store->get("small") == "1");
  for (int i = 0; i < 20; ++i) CHECK(*store->get("large/" + std::to_string(i)) == value);
}

TEST_CASE("a RocksDB state store is open once at a time") {
  const ScratchDirectory directory;
  const auto shared = RocksShared::create(RocksSettings{});
  const auto first = RocksStateStore::open(directory.path(), shared);
  REQUIRE(first.ok());
  const auto second = RocksStateStore::open(directory.path(), shared);
  REQUIRE_FALSE(second.ok());
  CHECK(second.error().code() == base::ErrorCode::conflict);
}

TEST_CASE("a batch appended to another keeps its changes and their order") {
  StateBatch batch;
  batch.put("a", "1");
  StateBatch other;
  other.put("a", "2");
  other.erase("b");
  other.erase_prefix("p");
  batch.append(other);
  CHECK(batch.size() == 4);
  std::string seen;
  batch.for_each([&](std::string_view key, std::optional<std::string_view> value) {
    seen.append(key).append(value ? *value : "-").push_back(' ');
  });
  CHECK(seen == "a1 a2 b- ");
}

}  // namespace millrace::process
