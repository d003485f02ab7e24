#include "lake/lake.h"

#include <doctest/doctest.h>

#include "lake/lake_fixture.h"
#include "lake/row_writers.h"

using namespace millrace;
using namespace millrace::lake;

namespace {
const std::string kCountEvents = "SELECT count(*) FROM conformed.events";
const std::string kCountRaw = "SELECT count(*) FROM raw.events";
}  // namespace

TEST_CASE("an event is in SQL once: in the tail, after its commit, and after a restart") {
  LakeFixture fixture("lake-once");
  GroupBuilder builder;
  builder.event(make_event("v1", R"({"a":1})")).event(make_event("v2", R"({"a":2})"));
  REQUIRE(fixture.lake().append(builder.take()).ok());
  CHECK(fixture.scalar(kCountEvents) == "2");
  CHECK(fixture.scalar(kCountRaw) == "2");
  CHECK(fixture.lake().committed(event::Topic::events, 0) == journal::Offset{0});

  const auto committed = fixture.lake().commit();
  if (!committed.ok()) MESSAGE(committed.error().message());
  REQUIRE(committed.ok());
  CHECK(fixture.scalar(kCountEvents) == "2");
  CHECK(fixture.scalar(kCountRaw) == "2");
  CHECK(fixture.scalar("SELECT decode(raw) FROM raw.events ORDER BY \"offset\" LIMIT 1") == R"({"a":1})");
  CHECK(fixture.lake().committed(event::Topic::events, 0) == journal::Offset{2});

  builder.event(make_event("v1", R"({"a":3})"));
  REQUIRE(fixture.lake().append(builder.take()).ok());
  CHECK(fixture.scalar(kCountEvents) == "3");
  fixture.reopen();
  CHECK(fixture.scalar(kCountEvents) == "2");
  CHECK(fixture.lake().committed(event::Topic::events, 0) == journal::Offset{2});
}

TEST_CASE("rows that arrive again after a crash are dropped, record by record") {
  LakeFixture fixture("lake-again");
  GroupBuilder builder;
  for (int i = 0; i < 10; ++i) builder.event(make_event("v", "{}"));
  REQUIRE(fixture.lake().append(builder.take()).ok());
  REQUIRE(fixture.lake().commit().ok());
  for (int i = 0; i < 5; ++i) builder.event(make_event("v", "{}"));
  REQUIRE(fixture.lake().append(builder.take()).ok());
  fixture.reopen();

  // Groups need not be cut where they were before: this one has records 4 to 15.
  GroupBuilder again(0, 4);
  for (int i = 4; i < 15; ++i) again.event(make_event("v", "{}"));
  const auto group = again.take();
  REQUIRE(fixture.lake().append(group).ok());
  CHECK(fixture.scalar(kCountEvents) == "15");
  REQUIRE(fixture.lake().append(group).ok());
  CHECK(fixture.scalar(kCountEvents) == "15");
  REQUIRE(fixture.lake().commit().ok());
  REQUIRE(fixture.lake().append(group).ok());
  CHECK(fixture.scalar(kCountRaw) == "15");
  CHECK(fixture.scalar("SELECT count(DISTINCT \"offset\") FROM raw.events") == "15");

  GroupBuilder later(0, 16);
  later.event(make_event("v", "{}"));
  CHECK(fixture.lake().append(later.take()).error().code() == base::ErrorCode::invalid_argument);
}

// A store in which writes stop working after a while, as when the process or the disk dies in the middle of a commit.
class DyingStore final : public ObjectStore {
 public:
  explicit DyingStore(ObjectStore& store) : store_(store) {}
  int creates_left = 1 << 30;
  base::Result<Created> create(std::string_view name, std::string_view bytes) override {
    if (creates_left-- <= 0) return base::Error(base::ErrorCode::unavailable, "the store died");
    return store_.create(name, bytes);
  }
  base::Result<std::string> read(std::string_view name) const override { return store_.read(name); }
  base::Result<std::vector<std::string>> list(std::string_view prefix) const override {
    return store_.list(prefix);
  }
  base::Status replace(std::string_view name, std::string_view bytes) override {
    return store_.replace(name, bytes);
  }
  base::Status remove(std::string_view name) override { return store_.remove(name); }
  std::string location(std::string_view name) const override { return store_.location(name); }

 private:
  ObjectStore& store_;
};

TEST_CASE(
    "a commit that dies anywhere, and is done again in the same process or a new one, doubles and loses "
    "nothing") {
  for (int creates = 0; creates < 14; ++creates) {
    CAPTURE(creates);
    LakeFixture fixture("lake-dies");
    DyingStore store(fixture.store());
    LakeSettings settings;
    settings.scratch_directory = fixture.path() + "/scratch2";
    settings.source_names = {"shop"};
    base::SeededRandom random(3);
    GroupBuilder builder;
    for (int i = 0; i < 3; ++i) builder.event(make_event("v", "{}"));
    const auto group = builder.take([](RowGroup& rows) {
      event::SessionRow session;
      session.offset = 2;
      session.session_id = 1;
      session.visitor_id = "v";
      session.started_at = session.ended_at = {kNoonMs};
      rows.sessions.push_back(session);
      rows.funnel.push_back({kNoonMs, event::Channel::paid, event::Device::mobile, "a", {1, 1, 1}});
    });
    auto lake = *Lake::open(store, fixture.clock(), random, settings);
    REQUIRE(lake->append(group).ok());
    store.creates_left = creates;
    const bool committed = lake->commit().ok();
    CHECK((lake->committed(event::Topic::events, 0).value == 3) == committed);
    if (creates % 2 == 0) {
      store.creates_left = 1 << 30;
      CHECK(lake->commit().ok());
    }
    lake.reset();
    fixture.reopen();
    if (fixture.lake().committed(event::Topic::events, 0).value < 3)
      REQUIRE(fixture.lake().append(group).ok());
    const auto check = [&] {
      CHECK(fixture.scalar("SELECT count(*) FROM conformed.sessions") == "1");
      CHECK(fixture.scalar(kCountEvents) == "3");
      CHECK(fixture.scalar(kCountRaw) == "3");
      CHECK(fixture.scalar("SELECT sum(landing) FROM curated.funnel") == "1");
    };
    check();
    REQUIRE(fixture.lake().commit().ok());
    check();
    CHECK(fixture.lake().committed(event::Topic::events, 0) == journal::Offset{3});
  }
}

TEST_CASE("duplicates are raw events only; quarantined and poisoned records are in both places") {
  LakeFixture fixture("lake-verdicts");
  GroupBuilder builder;
  builder.event(make_event("v1", "{\"ok\":1}"))
      .event(make_event("v1", "{\"again\":1}"), event::Verdict::duplicate, 0)
      .quarantined({0, {kNoonMs}, "invalid_json", "/a", "No JSON.", "\xff\xfe{"})
      .event(make_event("v2", "{\"poison\":1}"))
      .tick();
  const auto group = builder.take([](RowGroup& rows) {
    rows.events.pop_back();
    rows.poison.push_back({3, "an operator failed"});
  });
  REQUIRE(fixture.lake().append(group).ok());
  const auto check = [&] {
    CHECK(fixture.scalar(kCountEvents) == "1");
    CHECK(fixture.scalar("SELECT string_agg(verdict, ',' ORDER BY \"offset\") FROM raw.events") ==
          "accepted,duplicate,quarantined");
    CHECK(fixture.scalar(
              "SELECT string_agg(reason || ' ' || source || ' ' || detail, ',' ORDER BY \"offset\") FROM "
              "conformed.quarantine") == "invalid_json shop No JSON.,poison shop an operator failed");
    CHECK(fixture.scalar("SELECT hex(raw) FROM conformed.quarantine WHERE pointer = '/a'") == "FFFE7B");
  };
  check();
  REQUIRE(fixture.lake().commit().ok());
  check();
  CHECK(fixture.lake().committed(event::Topic::events, 0) == journal::Offset{5});
}

TEST_CASE("the id that de-duplication uses is in raw.events, whether the raw bytes hold it or not") {
  // The id, "*" where it lies in the raw bytes as every dialect leaves it there, and whether it is stored beside them.
  struct Case {
    std::string id, raw;
    bool is_assigned;
  };
  const Case cases[] = {
      {"m-1", R"({"messageId" : "m-1","x":{"y":["}"]}})", false},
      {"m-2", R"({"properties":{"messageId":"other"},"messageId":"m-2"})", true},
      {"e-1", R"({"e":"pv","eid":"e-1","aid":"shop"})", false},
      {"e-2", R"({"eid":"e-2","messageId":"other"})", true},
      {"w-1", R"({"delivery":{"messageId":"w-1"}})", true},
      {"0123456789abcdef0123456789abcdef", R"({"name":"purchase"})", true},
      {"17", R"({"messageId":17})", true},
      {"q", "", true},
  };
  LakeFixture fixture("lake-message-ids");
  GroupBuilder builder;
  for (const auto& [id, raw, is_assigned] : cases) {
    event::Event event = make_event("v", raw);
    const auto at = raw.rfind(id);
    event[event::Text::message_id] =
        at == std::string::npos ? std::string_view(id) : std::string_view(raw).substr(at, id.size());
    builder.event(event);
    CHECK_EQ(assigned_id(raw, event[event::Text::message_id]), is_assigned ? id : "");
  }
  REQUIRE(fixture.lake().append(builder.take()).ok());
  const auto check = [&] {
    CHECK(fixture.scalar(
              "SELECT string_agg(coalesce(message_id, '-'), ' ' ORDER BY \"offset\") FROM raw.events") ==
          "m-1 m-2 e-1 e-2 w-1 0123456789abcdef0123456789abcdef 17 -");
  };
  check();
  REQUIRE(fixture.lake().commit().ok());
  check();
}

TEST_CASE("the columns of an event are what the event says, in the tail and in Parquet") {
  LakeFixture fixture("lake-columns");
  event::Event event =
      make_event("visitor-with-a-long-id", R"({"raw":"ü"})", kNoonMs + 7, event::EventType::order_completed);
  event.source = 1;
  event[event::Text::user_id] = "user";
  event[event::Text::order_id] = "o-1";
  event[event::Text::page_title] = "Größe";
  event[event::Text::extra] = "{\"x\":1}";
  event.currency = event::parse_currency("EUR");
  event.set(event::Amount::revenue, {12'500'000});
  event.set(event::Flag::time_corrected);
  event::ProductLine line;
  line.product_id = "p1";
  line.name = "A \"name\"";
  line.price = {9'990'000};
  line.has_price = true;
  line.quantity = 2;
  event.products = {line, line};
  GroupBuilder builder;
  builder.event(event, event::Verdict::accepted, 0xabcULL);
  REQUIRE(fixture.lake().append(builder.take()).ok());
  const auto check = [&] {
    const auto value = [&](const std::string& column) {
      return fixture.scalar("SELECT " + column + " FROM conformed.events");
    };
    CHECK(value("event_type") == "order_completed");
    CHECK(value("epoch_ms(event_time)") == std::to_string(kNoonMs + 7));
    CHECK(value("visitor_id || ' ' || user_id || ' ' || session_id") ==
          "visitor-with-a-long-id user 0000000000000abc");
    CHECK(value("source || ' ' || currency || ' ' || page_title") == "app EUR Größe");
    CHECK(value("revenue") == "12.500000");
    CHECK(value("total") == "NULL");
    CHECK(value("product_id || ' ' || price || ' ' || quantity || ' ' || product_count") ==
          "p1 9.990000 2 2");
    CHECK(value("products::JSON -> 1 ->> 'name'") == "A \"name\"");
    CHECK(value("order_id || ' ' || flags || ' ' || extra") == "o-1 1 {\"x\":1}");
    CHECK(fixture.scalar("SELECT decode(raw) FROM raw.events") == R"({"raw":"ü"})");
  };
  check();
  REQUIRE(fixture.lake().commit().ok());
  check();
}

TEST_CASE("corrected sessions are further rows, and the newest version counts") {
  LakeFixture fixture("lake-sessions");
  GroupBuilder builder;
  const auto add = [&](std::uint64_t id, std::uint32_t version, bool retracted) {
    builder.tick();
    const auto offset = builder.next() - 1;
    const auto appended = fixture.lake().append(builder.take([&](RowGroup& rows) {
      event::SessionRow session;
      session.offset = offset;
      session.session_id = id;
      session.version = version;
      session.retracted = retracted;
      session.visitor_id = "v";
      session.started_at = session.ended_at = {kNoonMs};
      session.events = version;
      rows.sessions.push_back(session);
    }));
    REQUIRE(appended.ok());
  };
  add(1, 1, false);
  add(2, 1, false);
  REQUIRE(fixture.lake().commit().ok());
  add(1, 2, false);
  add(2, 2, true);
  const auto check = [&] {
    CHECK(fixture.scalar("SELECT count(*) FROM conformed.sessions") == "4");
    CHECK(fixture.scalar("SELECT string_agg(session_id || ' ' || events, ',') FROM curated.sessions") ==
          "0000000000000001 2");
  };
  check();
  REQUIRE(fixture.lake().commit().ok());
  check();
}

TEST_CASE("a cell of the funnel has its newest value, whatever was committed before") {
  LakeFixture fixture("lake-funnel");
  GroupBuilder builder;
  const auto set = [&](std::int64_t minute_ms, const char* category, std::uint32_t landing) {
    builder.tick();
    REQUIRE(fixture.lake()
                .append(builder.take([&](RowGroup& rows) {
                  event::FunnelCell cell;
                  cell.minute_ms = minute_ms;
                  cell.category = category;
                  cell.sessions[0] = landing;
                  rows.funnel.push_back(cell);
                }))
                .ok());
  };
  const auto cells = [&] {
    return fixture.scalar(
        "SELECT string_agg(category || '=' || landing, ',' ORDER BY minute, category) FROM curated.funnel");
  };
  set(kNoonMs, "a", 1);
  set(kNoonMs, "a", 2);
  set(kNoonMs, "", 5);
  CHECK(cells() == "=5,a=2");
  REQUIRE(fixture.lake().commit().ok());
  CHECK(cells() == "=5,a=2");
  set(kNoonMs, "a", 3);
  set(kNoonMs + 60'000, "b", 1);
  set(kNoonMs + base::kDayMs, "c", 9);
  CHECK(cells() == "=5,a=3,b=1,c=9");
  REQUIRE(fixture.lake().commit().ok());
  CHECK(cells() == "=5,a=3,b=1,c=9");
  CHECK(fixture.lake().iceberg(Table::funnel).state()->file_count == 2);
  fixture.reopen();
  CHECK(cells() == "=5,a=3,b=1,c=9");
}

TEST_CASE("small files of a day become one, with the same rows and in order") {
  LakeSettings settings;
  settings.compaction.files_min = 3;
  LakeFixture fixture("lake-compact", settings);
  GroupBuilder builder;
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 20; ++j)
      builder.event(make_event(fmt::format("v{}", j % 7), fmt::format("{{\"n\":{}}}", i * 20 + j)));
    REQUIRE(fixture.lake().append(builder.take()).ok());
    REQUIRE(fixture.lake().commit().ok());
  }
  const std::string digest = "SELECT md5(string_agg(hash(e)::VARCHAR, ',' ORDER BY \"offset\")) FROM ";
  const auto events = fixture.scalar(digest + "conformed.events e");
  const auto raw = fixture.scalar(digest + "raw.events e");
  CHECK(*fixture.lake().compact() == LakeTable::Compacted::one_file);
  CHECK(*fixture.lake().compact() == LakeTable::Compacted::one_file);
  CHECK(*fixture.lake().compact() == LakeTable::Compacted::nothing_to_do);
  CHECK(fixture.lake().iceberg(Table::events).state()->file_count == 1);
  CHECK(fixture.lake().iceberg(Table::raw_events).state()->file_count == 1);
  CHECK(fixture.scalar(digest + "conformed.events e") == events);
  CHECK(fixture.scalar(digest + "raw.events e") == raw);
  CHECK(fixture.lake().committed(event::Topic::events, 0) == journal::Offset{60});
}

TEST_CASE("ticks without rows move the offsets only now and then") {
  LakeSettings settings;
  settings.idle_records_max = 10;
  LakeFixture fixture("lake-idle", settings);
  GroupBuilder builder;
  for (int i = 0; i < 9; ++i) builder.tick();
  REQUIRE(fixture.lake().append(builder.take()).ok());
  REQUIRE(fixture.lake().commit().ok());
  CHECK(fixture.lake().committed(event::Topic::events, 0) == journal::Offset{0});
  builder.tick();
  REQUIRE(fixture.lake().append(builder.take()).ok());
  REQUIRE(fixture.lake().commit().ok());
  CHECK(fixture.lake().committed(event::Topic::events, 0) == journal::Offset{10});
  CHECK(fixture.lake().status().tables[index_of(Table::raw_events)].files == 0);
}

TEST_CASE("records without rows that a checkpoint has passed leave no gap") {
  LakeFixture fixture("lake-resume");
  GroupBuilder builder;
  builder.event(make_event("v", "{}", kNoonMs));
  REQUIRE(fixture.lake().append(builder.take()).ok());
  REQUIRE(fixture.lake().commit().ok());
  for (int i = 0; i < 5; ++i) builder.tick();
  (void)builder.take();  // Of a life that ended before the tables recorded them.
  fixture.reopen();
  builder.event(make_event("v", "{}", kNoonMs + 1));
  const auto group = builder.take();
  CHECK_FALSE(fixture.lake().append(group).ok());
  CHECK(fixture.lake().taken(event::Topic::events, 0) == journal::Offset{1});
  fixture.lake().resume(event::Topic::events, 0, {6});
  CHECK(fixture.lake().taken(event::Topic::events, 0) == journal::Offset{6});
  REQUIRE(fixture.lake().append(group).ok());
  REQUIRE(fixture.lake().commit().ok());
  CHECK(fixture.lake().committed(event::Topic::events, 0) == journal::Offset{7});
  CHECK(fixture.scalar("SELECT count(*) FROM conformed.events") == "2");
}

TEST_CASE("days apart go to partitions apart, history too") {
  LakeFixture fixture("lake-days");
  GroupBuilder builder;
  for (int day = 0; day < 5; ++day) builder.event(make_event("v", "{}", kNoonMs - day * 100 * base::kDayMs));
  builder.event(make_event("v", "{}", -1));
  REQUIRE(fixture.lake().append(builder.take()).ok());
  REQUIRE(fixture.lake().commit().ok());
  CHECK(fixture.lake().iceberg(Table::events).state()->file_count == 6);
  CHECK(fixture.scalar("SELECT count(*) FROM conformed.events WHERE event_time < '2026-01-01'") == "2");
}
