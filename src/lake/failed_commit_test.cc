#include <doctest/doctest.h>

#include <fstream>

#include "lake/lake_fixture.h"

using namespace millrace;
using namespace millrace::lake;

TEST_CASE("rows of a commit that fails stay in SQL, and the next one commits them") {
  LakeFixture fixture("lake-fails");
  GroupBuilder builder;
  // A file where the table's directory belongs: no data file of it can be made.
  const auto table = fixture.path() + "/lake/conformed", aside = fixture.path() + "/aside";
  const auto count = [&] { return fixture.scalar("SELECT count(*) FROM conformed.events"); };
  for (const auto* expected : {"2", "4"}) {  // The first commit after a start, and a later one.
    builder.event(make_event("v1", R"({"messageId":"m1"})")).event(make_event("v2", R"({"messageId":"m2"})"));
    REQUIRE(fixture.lake().append(builder.take()).ok());
    std::filesystem::rename(table, aside);
    std::ofstream(table) << "in the way";
    REQUIRE_FALSE(fixture.lake().commit().ok());
    std::filesystem::remove(table);
    std::filesystem::rename(aside, table);
    CHECK(count() == expected);
    CHECK(fixture.lake().committed(event::Topic::events, 0).value < builder.next());
    REQUIRE(fixture.lake().commit().ok());
    CHECK(count() == expected);
    CHECK(fixture.lake().status().tables[index_of(Table::events)].rows_committed == std::stoll(expected));
    CHECK(fixture.lake().status().tables[index_of(Table::raw_events)].rows_committed == std::stoll(expected));
  }
}

namespace {

// The commit of one table takes effect, but neither is that said nor can anybody look, until `is_down` is reset.
class SilentStore final : public ObjectStore {
 public:
  explicit SilentStore(ObjectStore& store) : store_(store) {}
  std::string silent_table;  // "<namespace>/<table>"; empty: none.
  bool is_down = false;
  base::Result<Created> create(std::string_view name, std::string_view bytes) override {
    if (is_down) return gone();
    is_down = !silent_table.empty() && name.starts_with(silent_table) && name.ends_with(".metadata.json");
    auto created = store_.create(name, bytes);
    return is_down ? base::Result<Created>(gone()) : std::move(created);
  }
  base::Result<std::string> read(std::string_view name) const override {
    return is_down ? base::Result<std::string>(gone()) : store_.read(name);
  }
  base::Result<std::vector<std::string>> list(std::string_view prefix) const override {
    return is_down ? base::Result<std::vector<std::string>>(gone()) : store_.list(prefix);
  }
  base::Status replace(std::string_view name, std::string_view bytes) override {
    return is_down ? base::Status(gone()) : store_.replace(name, bytes);
  }
  base::Status remove(std::string_view name) override {
    return is_down ? base::Status(gone()) : store_.remove(name);
  }
  std::string location(std::string_view name) const override { return store_.location(name); }

 private:
  static base::Error gone() { return {base::ErrorCode::io, "no file descriptors left"}; }
  ObjectStore& store_;
};

}  // namespace

TEST_CASE("a commit that happened though nobody could tell for a while is not done again") {
  for (const char* table : {"conformed/events", "conformed/sessions", "curated/funnel", "raw/events"}) {
    CAPTURE(table);
    LakeFixture fixture("lake-silent");
    SilentStore store(fixture.store());
    LakeSettings settings;
    settings.scratch_directory = fixture.path() + "/scratch2";
    settings.source_names = {"shop"};
    base::SeededRandom random(3);
    auto lake = *Lake::open(store, fixture.clock(), random, settings);
    GroupBuilder builder;
    const auto append = [&] {
      for (int i = 0; i < 3; ++i) builder.event(make_event("v", "{}"));
      const auto offset = builder.next() - 1;
      REQUIRE(
          lake->append(builder.take([&](RowGroup& rows) {
                event::SessionRow session;
                session.offset = session.session_id = offset;
                session.visitor_id = "v";
                session.started_at = session.ended_at = {kNoonMs};
                rows.sessions.push_back(session);
                rows.funnel.push_back({kNoonMs, event::Channel::paid, event::Device::mobile, "a", {1, 1, 1}});
              }))
              .ok());
    };
    append();
    store.silent_table = table;
    CHECK_FALSE(lake->commit().ok());
    REQUIRE(store.is_down);
    CHECK_FALSE(lake->commit().ok());
    store.silent_table.clear();
    store.is_down = false;
    for (int i = 0; i < 3; ++i) {
      append();
      CHECK(lake->commit().ok());
    }
    const auto rows = [&](Table of) { return lake->status().tables[index_of(of)].rows_committed; };
    CHECK(rows(Table::events) == 12);
    CHECK(rows(Table::raw_events) == 12);
    CHECK(rows(Table::sessions) == 4);
    CHECK(rows(Table::funnel) == 1);
    CHECK(lake->committed(event::Topic::events, 0).value == 12);
  }
}

TEST_CASE("rows whose commit cannot be shown stay in the tail until it can") {
  LakeFixture fixture("lake-unseen");
  GroupBuilder builder;
  const auto append = [&](const char* visitor) {
    builder.event(make_event(visitor, R"({"messageId":"m"})"));
    REQUIRE(fixture.lake().append(builder.take()).ok());
  };
  const auto count = [&] { return fixture.scalar("SELECT count(*) FROM conformed.events"); };
  append("v1");
  REQUIRE(fixture.lake().commit().ok());
  // A file of the first commit is out of reach when the second one makes its view.
  std::string object;
  fixture.lake().iceberg(Table::events).state()->for_each_file([&](const LiveFile& file) {
    object = file.object;
  });
  const auto file = fixture.path() + "/lake/" + object, aside = fixture.path() + "/aside";
  append("v2");
  std::filesystem::rename(file, aside);
  CHECK_FALSE(fixture.lake().commit().ok());
  std::filesystem::rename(aside, file);
  CHECK(count() == "2");
  REQUIRE(fixture.lake().commit().ok());  // Nothing new came.
  CHECK(count() == "2");
  CHECK(fixture.lake().tail().row_counts()[index_of(Table::events)] == 0);
  CHECK(fixture.lake().status().tables[index_of(Table::events)].rows_committed == 2);
}
