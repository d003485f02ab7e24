#include "query/sql_engine.h"

#include <doctest/doctest.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "query/sql_fixture.h"

using namespace millrace;
using namespace millrace::query;

TEST_CASE("SQL answers over committed rows and the tail together") {
  SqlFixture setup("sql-answers");
  CHECK(setup.json("SELECT count(*) FROM conformed.events") == "[[3]]");
  CHECK(setup.json("SELECT visitor_id, count(*) FROM conformed.events GROUP BY 1 ORDER BY 1") ==
        R"([["v1",2],["v2",1]])");
  CHECK(setup.json("SELECT message_id, verdict FROM raw.events ORDER BY \"offset\"") ==
        R"([["m1","accepted"],["m2","accepted"],["m3","accepted"]])");
  CHECK(setup.json(
            "WITH v AS (SELECT visitor_id AS id FROM conformed.events) SELECT count(DISTINCT id) FROM v") ==
        "[[2]]");
  CHECK(setup.json("SELECT event_time FROM conformed.events LIMIT 1") == R"([["2026-11-21T10:00:00.000Z"]])");
  CHECK(
      setup.json("SELECT count(*) FROM conformed.events e JOIN raw.events r USING (partition, \"offset\")") ==
      "[[3]]");
  CHECK(setup.json("SELECT count(*) > 40 FROM (DESCRIBE conformed.events)") == "[[true]]");
  CHECK(setup.json("FROM range(3)") == "[[0],[1],[2]]");
}

TEST_CASE("one item that is no UTF-8 or no JSON takes the message id of no other") {
  SqlFixture setup("sql-bytes");
  setup.builder.event(lake::make_event("v3", "{\"messageId\":\"\xff\"}"))
      .event(lake::make_event("v3", "\xfe no JSON"))
      .event(lake::make_event("v3", "{\"messageId\":"))
      .event(lake::make_event("v3", R"({"messageId":"m7"})"));
  REQUIRE(setup.fixture.lake().append(setup.builder.take()).ok());
  for (int round = 0; round < 2; ++round) {
    CHECK(setup.json("SELECT message_id FROM raw.events WHERE message_id LIKE 'm%' ORDER BY 1") ==
          R"([["m1"],["m2"],["m3"],["m7"]])");
    CHECK(setup.json("SELECT count(*), count(replayed_from), count(raw) FROM raw.events") == "[[7,0,7]]");
    CHECK(setup.json("SELECT max(message_id), max(replayed_from) FROM raw.events") == R"([["m7",null]])");
    CHECK(setup.engine.run("SELECT * FROM raw.events").ok());
    CHECK(setup.engine.run("SUMMARIZE raw.events").ok());
    REQUIRE(setup.fixture.lake().commit().ok());
  }
}

TEST_CASE("an amount that its column does not hold is null, in the tail and in files") {
  SqlFixture setup("sql-amounts");
  for (const std::int64_t micros :
       {event::kMicrosMax, -event::kMicrosMax, event::kMicrosMax + 1, INT64_MIN}) {
    auto event = lake::make_event("v4", "{}");
    event.set(event::Amount::total, {micros});
    setup.builder.event(event);
  }
  REQUIRE(setup.fixture.lake().append(setup.builder.take()).ok());
  for (int round = 0; round < 2; ++round) {
    CHECK(setup.json(
              "SELECT total::VARCHAR FROM conformed.events WHERE visitor_id = 'v4' ORDER BY \"offset\"") ==
          R"([["999999999999.999999"],["-999999999999.999999"],[null],[null]])");
    REQUIRE(setup.fixture.lake().commit().ok());
  }
}

TEST_CASE("values keep their exactness in JSON") {
  SqlFixture setup("sql-values");
  CHECK(setup.json("SELECT 9007199254740992, 9007199254740993, -9007199254740993") ==
        R"([[9007199254740992,"9007199254740993","-9007199254740993"]])");
  CHECK(setup.json("SELECT 12.500000::DECIMAL(18,6), -0.000001::DECIMAL(18,6), 3::DECIMAL(18,6), "
                   "123456789012.345678::DECIMAL(18,6)") == R"([[12.5,-0.000001,3,"123456789012.345678"]])");
  CHECK(setup.json("SELECT 170141183460469231731687303715884105727::HUGEINT, 'nan'::DOUBLE, 0.1, 1e300") ==
        R"([["170141183460469231731687303715884105727","NaN",0.1,1e+300]])");
  CHECK(setup.json("SELECT NULL, true, 'a\"b\\c' || chr(10), ''") == R"([[null,true,"a\"b\\c\u000a",""]])");
  CHECK(setup.json("SELECT [1,2,NULL], {'a': 1, 'b': 'x'}, MAP {'k': 1.5}, ['x']::VARCHAR[1]") ==
        R"([[[1,2,null],{"a":1,"b":"x"},{"k":1.5},["x"]]])");
  CHECK(setup.json("SELECT DATE '2026-02-03', TIME '01:02:03.5', TIMESTAMP '2026-02-03 04:05:06.789012', "
                   "INTERVAL 90 MINUTE") ==
        R"([["2026-02-03","01:02:03.500000","2026-02-03T04:05:06.789012Z","01:30:00"]])");
  CHECK(setup.json("SELECT '0f0e0d0c-0b0a-0908-0706-050403020100'::UUID, 'a'::ENUM('b','a'), '\\xff'::BLOB, "
                   "'ok'::BLOB") == R"([["0f0e0d0c-0b0a-0908-0706-050403020100","a","\\xff","ok"]])");
  CHECK(setup.json("SELECT '101'::BIT").starts_with("error: values of type OTHER cannot be returned"));
}

TEST_CASE("no statement reads a file, writes, attaches, installs or asks about the machine") {
  SqlFixture setup("sql-hostile");
  const std::string root = setup.fixture.path();
  std::ofstream(root + "/lake/secret.csv") << "a\n1\n";
  const std::string file = root + "/lake/secret.csv";
  const std::string hostile[] = {
      "", ";", "SELECT 1; SELECT 2", "SELECT 1; DROP VIEW conformed.events", "CREATE TABLE t (a INT)",
      "CREATE TEMP TABLE t AS SELECT 1", "CREATE VIEW v AS SELECT 1", "CREATE MACRO m() AS 1",
      "INSERT INTO conformed.events DEFAULT VALUES", "UPDATE raw.events SET source = ''",
      "DELETE FROM raw.events", "DROP VIEW conformed.events", "ALTER VIEW conformed.events RENAME TO x",
      "TRUNCATE raw.events", "COPY (SELECT 1) TO '" + root + "/lake/out.csv'",
      "COPY raw.events TO '/tmp/x.parquet'", "EXPORT DATABASE '/tmp/x'", "IMPORT DATABASE '/tmp/x'",
      "ATTACH '/tmp/x.db'", "DETACH memory", "USE raw", "INSTALL httpfs", "LOAD httpfs", "SET threads = 8",
      "SET GLOBAL enable_external_access = true", "RESET lock_configuration", "PRAGMA database_list",
      "PRAGMA table_info('raw.events')", "CALL pragma_version()", "CHECKPOINT", "VACUUM", "ANALYZE", "BEGIN",
      "COMMIT", "PREPARE p AS SELECT 1", "EXECUTE p", "EXPLAIN ANALYZE SELECT 1", "SET VARIABLE x = 1",
      "COMMENT ON VIEW raw.events IS 'x'", "SELECT * FROM read_csv('" + file + "')",
      "SELECT * FROM read_csv_auto('/etc/passwd')", "SELECT * FROM '" + file + "'",
      "SELECT * FROM \"" + file + "\"", "FROM '" + file + "'", "SELECT * FROM read_text('/etc/passwd')",
      "SELECT * FROM read_blob('" + root + "/lake/**')", "SELECT * FROM glob('*')",
      "SELECT * FROM glob('" + root + "/**')",
      "SELECT * FROM read_parquet('" + root + "/lake/raw/events/data/**/*.parquet')",
      "SELECT * FROM parquet_scan('x.parquet')",
      "SELECT * FROM parquet_metadata('" + root + "/lake/x.parquet')",
      "SELECT * FROM sniff_csv('" + file + "')", "SELECT * FROM read_json('/etc/hosts')",
      "SELECT * FROM read_duckdb('x')", "SELECT * FROM data.parquet",
      "SELECT (SELECT count(*) FROM read_text('/etc/passwd'))",
      "SELECT 1 WHERE EXISTS (FROM read_text('/etc/passwd'))",
      "WITH x AS (FROM read_csv('" + file + "')) FROM x",
      "SELECT 1 UNION ALL SELECT a FROM read_csv('" + file + "')",
      "SELECT * FROM conformed.events POSITIONAL JOIN '" + file + "'",
      "SELECT * FROM (VALUES (1)) v, LATERAL (FROM read_text('x'))",
      "WITH \"" + file + "\" AS (SELECT 1) SELECT * FROM (SELECT * FROM \"" + file + "\")",
      "SELECT * FROM query('SELECT 1')", "SELECT * FROM query_table('raw.events')",
      "FROM query('FROM read_text(''/etc/passwd'')')",
      "SELECT * FROM json_execute_serialized_sql(json_serialize_sql('SELECT 1'))", "SELECT getenv('HOME')",
      "SELECT current_setting('temp_directory')", "SELECT pg_catalog.current_setting('threads')",
      "SELECT system.main.getvariable('x')", "SELECT GetEnv('HOME')", "SELECT sleep_ms(1)",
      "SELECT write_log('x')", "SELECT [current_setting(x) FOR x IN ['threads']]",
      "SELECT list_transform(['a'], lambda x : getenv(x))", "SELECT * FROM duckdb_secrets()",
      "SELECT * FROM duckdb_settings()", "SELECT * FROM duckdb_views()", "SELECT * FROM duckdb_databases()",
      "SELECT * FROM duckdb_extensions()", "SELECT * FROM which_secret('s3://x', 's3')",
      "SELECT * FROM pragma_database_size()", "SELECT * FROM information_schema.views",
      "SELECT * FROM pg_catalog.pg_views", "SELECT * FROM sqlite_master", "SELECT * FROM duckdb_logs",
      "SELECT * FROM pg_settings", "SELECT * FROM tail_raw_events(0)", "SELECT * FROM sorted_raw_events()",
      "SELECT * FROM 'http://localhost/x.csv'", "SELECT * FROM read_csv('http://localhost/x.csv')",
      "SELECT * FROM read_parquet('s3://b/x')", "SHOW \"" + file + "\"", "DESCRIBE '" + file + "'",
      "SUMMARIZE '" + file + "'", "SELECT * FROM memory.main.x", "SELECT * FROM other.raw.events",
      "SELECT * FROM conformed.\"events.parquet\"", "SELECT ?", "SELECT $1", "PIVOT '" + file + "' ON a",
      "SELECT * FROM (PIVOT '" + file + "' ON a USING count(*))", "SELECT * FROM test_all_types()",
      "SELECT * FROM seq_scan('x')", "INSERT INTO t SELECT 1 RETURNING *",
      "WITH x AS (DELETE FROM raw.events RETURNING *) FROM x", "MERGE INTO a USING b ON true",
      std::string("SELECT 1\0; DROP VIEW raw.events", 31), "SELECT * FROM unnest(glob('*'))",
      "SELECT count(*) FROM range(10) WHERE 'x' IN (SELECT content FROM read_text('/etc/passwd'))",
      "SELECT * FROM conformed.events AT (VERSION => 1)",
      "SELECT json_serialize_plan('SELECT nothing FROM read_csv(''" + file + "'')')",
      "SELECT json_serialize_sql('SELECT 1')", "SELECT [json_serialize_plan(x) FOR x IN ['SELECT 1']]",
      "SELECT json_pretty(repeat('[', 40000) || repeat(']', 40000)) IS NULL", "SELECT setseed(0.5)",
      "SELECT no_such_function(1)",
      "SELECT list_transform([1], lambda x : __internal_decompress_string(x::UTINYINT))",
      // Each ended the process.
      "SELECT json_structure(repeat('{\"a\":', 20000) || '1' || repeat('}', 20000))",
      "SELECT from_json('1', repeat('[', 20000) || '\"INT\"' || repeat(']', 20000))",
      "SELECT (repeat('[', 40000) || repeat(']', 40000))::JSON::VARIANT IS NULL",
      "SELECT TRY_CAST(x AS STRUCT(a main.variant)[]) FROM (VALUES (NULL)) t(x)",
      "SELECT lag(range, -9223372036854775808) OVER () FROM range(10)",
      "SELECT lead(range, range - 9223372036854775808) OVER () FROM range(10)",
      // A name of the catalog's own outside of the WITH that has it.
      "SELECT (WITH sqlite_master AS (SELECT 1 AS a) SELECT a FROM sqlite_master), sql FROM sqlite_master",
      "WITH duckdb_views AS (FROM duckdb_views) FROM duckdb_views"};
  for (const auto& sql : hostile) {
    const auto result = setup.engine.run(sql);
    CAPTURE(sql);
    CHECK_FALSE(result.ok());
    if (!result.ok()) CHECK(result.error().code() == base::ErrorCode::invalid_argument);
  }
  CHECK_FALSE(std::filesystem::exists(root + "/lake/out.csv"));
  CHECK(setup.json("SELECT count(*) FROM conformed.events") == "[[3]]");
}

TEST_CASE("behind the guard, the database itself opens nothing outside the lake and can not be unlocked") {
  SqlFixture setup("sql-walls");
  auto connection = *setup.fixture.lake().database().connect();
  const std::string root = setup.fixture.path() + "/lake/";
  std::filesystem::create_directory(root + "privacy");
  std::ofstream(root + "privacy/keys") << "suppression 00ff\n";
  for (const std::string& sql :
       {std::string("FROM read_text('/etc/passwd')"), std::string("FROM glob('/etc/*')"),
        "FROM read_text('" + root + "privacy/keys')", "FROM read_text('" + root + "raw/../privacy/keys')",
        "SELECT nothing FROM read_csv('" + root + "privacy/keys')", "FROM glob('" + root + "*')",
        std::string("COPY (SELECT 1) TO '/tmp/millrace-x.csv'"), std::string("ATTACH '/tmp/millrace-x.db'"),
        std::string("INSTALL httpfs"), std::string("LOAD httpfs"),
        std::string("SET enable_external_access = true"), std::string("SET lock_configuration = false"),
        std::string("SET memory_limit = '100GB'"), std::string("SET allowed_directories = ['/']")}) {
    CAPTURE(sql);
    CHECK_FALSE(connection->execute(sql).ok());
  }
}

TEST_CASE("everything SQL is written with may be called") {
  SqlFixture setup("sql-functions");
  const char* fine[] = {
      "coalesce(NULL, 1), ifnull(NULL, 1), nullif(1, 2), if(true, 1, 2), try(1 // 0)",
      "current_date IS NULL, now() AT TIME ZONE 'UTC' IS NULL, current_timestamp IS NULL",
      "extract(year FROM DATE '2026-01-01'), position('a' IN 'ba'), substring('abc' FROM 2)",
      "trim(BOTH 'x' FROM 'xax'), 'a' LIKE 'b' ESCAPE 'c', 'a' NOT ILIKE 'b', 'a' GLOB 'b'",
      "'a' SIMILAR TO 'b', 'a' ~ 'b', 'a' || 'b', 5!, 2 ** 3, 7 // 2, @ -1, ~1, -1, 1 << 2",
      "[x + 1 FOR x IN [1, 2] IF x > 1], [1, 2][1], [1, 2][1:1], {'a': 1}.a, MAP {'a': 1}['a']",
      "unnest([1]), 1 = ANY([1]), 1 IN (SELECT 1), EXISTS (FROM range(1)), ARRAY(SELECT 1)",
      "INTERVAL 1 DAY, INTERVAL (1 + 1) MONTH, DATE '2026-01-01' + 1, '1'::INT, '{}'::JSON",
      "count(*), count(DISTINCT 1), sum(1) FILTER (WHERE true), string_agg('a', ',' ORDER BY 1)",
      "percentile_cont(0.5) WITHIN GROUP (ORDER BY 1), mode() WITHIN GROUP (ORDER BY 1)",
      "row_number() OVER (), lag(1, 2, 0) OVER (), lead(1, -1) OVER (), ntile(2) OVER ()",
      "'{\"a\":1}' -> '$.a', '{\"a\":1}' ->> 'a', from_json('[1]', '[\"INT\"]')",
      "'b'::ENUM('a', 'b'), 'a' COLLATE NOCASE, strftime(now(), '%Y') > '2', list_sum([1, 2])"};
  for (const char* list : fine) {
    CAPTURE(list);
    const auto result = setup.engine.run(std::string("SELECT ") + list);
    CHECK_MESSAGE(result.ok(), (result.ok() ? "" : result.error().message()));
  }
}

TEST_CASE("a query that is over its time ends, and its session serves the next one") {
  SqlFixture setup("sql-time", SqlSettings{.timeout_ms = 100, .concurrent_max = 1});
  std::atomic<bool> done = false;
  std::thread watchdog([&] {
    while (!done) {
      setup.fixture.clock().advance_ms(1);
      setup.engine.interrupt_expired();
      std::this_thread::yield();
    }
  });
  for (const char* sql : {"SELECT sum(a.range * b.range) FROM range(10000000) a, range(10000000) b",
                          "SELECT count(*) FROM range(100000000000) WHERE range = -1"}) {
    const auto result = setup.engine.run(sql);
    REQUIRE_FALSE(result.ok());
    CHECK(result.error().code() == base::ErrorCode::unavailable);
  }
  done = true;
  watchdog.join();
  CHECK(setup.json("SELECT 1") == "[[1]]");
  CHECK(setup.engine.running() == 0);
}

TEST_CASE("a query that keeps more on the heap than it may is stopped, and the next one is not") {
  std::atomic<std::int64_t> heap = 5000;
  SqlSettings settings{.concurrent_max = 1, .heap_bytes_max = 1000};
  settings.heap_meter = [&heap] { return [&heap] { return heap.load(); }; };
  SqlFixture setup("sql-heap", settings);
  std::atomic<bool> done = false;
  std::thread watchdog([&] {
    while (!done) {
      setup.engine.interrupt_expired();
      if (setup.engine.running() > 0) ++heap;
      std::this_thread::yield();
    }
  });
  const auto result =
      setup.engine.run("SELECT sum(a.range * b.range) FROM range(10000000) a, range(10000000) b");
  done = true;
  watchdog.join();
  REQUIRE_FALSE(result.ok());
  CHECK(result.error().code() == base::ErrorCode::exhausted);
  setup.engine.interrupt_expired();
  CHECK(setup.json("SELECT 1") == "[[1]]");
}

TEST_CASE("rows, bytes and queries at a time have limits") {
  SqlFixture setup("sql-limits", SqlSettings{.rows_max = 5, .result_bytes_max = 1000});
  auto result = setup.engine.run("FROM range(10)");
  REQUIRE(result.ok());
  CHECK(result->rows.size() == 5);
  CHECK(result->truncated);
  result = setup.engine.run("FROM range(5)");
  CHECK_FALSE(result->truncated);
  result = setup.engine.run("FROM range(10)", {.rows_max = 2});
  CHECK(result->rows.size() == 2);
  result = setup.engine.run("SELECT repeat('x', 900) FROM range(5)");
  CHECK(result->rows.size() == 2);
  CHECK(result->truncated);
  CHECK_FALSE(setup.engine.run("SELECT '" + std::string(70'000, 'x') + "'").ok());
}

TEST_CASE("a query that needs more memory than there is fails, and nothing else does") {
  lake::LakeSettings settings;
  settings.duck.memory_bytes_max = 64 << 20;
  settings.duck.spill_bytes_max = 16 << 20;
  lake::LakeFixture fixture("sql-memory", settings);
  SqlEngine engine(fixture.lake(), fixture.clock(), {});
  const auto result = engine.run("SELECT count(DISTINCT range || repeat('x', 100)) FROM range(5000000)");
  REQUIRE_FALSE(result.ok());
  CHECK(result.error().code() == base::ErrorCode::exhausted);
  CHECK(result.error().message().find("SET ") == std::string::npos);
  CHECK(engine.run("SELECT 1").ok());
}

TEST_CASE("queries that run while rows are committed and compacted see every row once") {
  lake::LakeSettings settings;
  settings.compaction.files_min = 4;
  lake::LakeFixture fixture("sql-concurrent", settings);
  SqlEngine engine(fixture.lake(), fixture.clock(), {});
  std::atomic<std::int64_t> begun = 0, appended = 0;
  std::atomic<bool> done = false;
  std::atomic<int> checks = 0;
  std::thread reader([&] {
    std::int64_t last = 0;
    while (!done) {
      const std::int64_t least = appended;
      const auto result = engine.run(
          "SELECT (SELECT count(*) FROM conformed.events), (SELECT count(DISTINCT \"offset\") FROM "
          "raw.events)");
      const std::int64_t most = begun;
      if (!result.ok()) {
        FAIL_CHECK(result.error().message());
        continue;
      }
      const auto events = std::stoll(result->rows[0][0].text), raw = std::stoll(result->rows[0][1].text);
      CHECK(events == raw);
      CHECK(events >= least);
      CHECK(events <= most);
      CHECK(events >= last);
      last = events;
      ++checks;
    }
  });
  lake::GroupBuilder builder;
  for (int round = 0; round < 60; ++round) {
    for (int group = 0; group < 20; ++group) {
      for (int i = 0; i < 10; ++i) builder.event(lake::make_event(fmt::format("v{}", i), "{}"));
      begun += 10;
      CHECK(fixture.lake().append(builder.take()).ok());
      appended += 10;
    }
    CHECK(fixture.lake().commit().ok());
    if (round % 4 == 3) CHECK(fixture.lake().compact().ok());
  }
  done = true;
  reader.join();
  CHECK(checks > 3);
  CHECK(engine.run("SELECT count(*) FROM conformed.events")->rows[0][0].text == "12000");
}
