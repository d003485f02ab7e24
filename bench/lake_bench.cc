// Rows through the lake: append, query of the tail, commit; and what fraction of the JSON the Parquet files take.
//
//   lake_bench [events] [events per commit] [visitors active at a time] [seed]
//
// The events are Segment track calls of about 420 bytes with UUID message and visitor ids.

#include <fmt/format.h>
#include <sys/resource.h>
#include <time.h>

#include <cstdio>
#include <cstdlib>

#include "lake/lake_fixture.h"

namespace {

using namespace millrace;

double cpu_seconds() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

std::string uuid(base::SeededRandom& random) {
  const auto a = random.next(), b = random.next();
  return fmt::format("{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}", a >> 32, (a >> 16) & 0xffff, a & 0xfff,
                     (b >> 52) & 0xfff, b & 0xffffffffffff);
}

std::string iso(std::int64_t ms) {
  const std::int64_t second = ms / 1000 % 86400;
  return fmt::format("2026-11-21T{:02}:{:02}:{:02}.{:03}Z", second / 3600, second / 60 % 60, second % 60,
                     ms % 1000);
}

struct Visitor {
  std::string id;
  std::uint64_t session_id = 0;
  const char* device = "mobile";
  const char* locale = "en-US";
  int left = 0;
};

// A shop's traffic: `active` visitors at a time, each with a geometric number of events.
class Traffic {
 public:
  Traffic(std::uint64_t seed, std::size_t active) : random_(seed), visitors_(active) {}

  void add(lake::GroupBuilder& builder, std::int64_t now_ms) {
    constexpr const char* kDevices[] = {"mobile", "mobile", "desktop", "tablet"};
    constexpr const char* kLocales[] = {"en-US", "de-DE", "fr-FR"};
    constexpr std::pair<event::EventType, const char*> kTypes[] = {
        {event::EventType::product_viewed, "Product Viewed"},
        {event::EventType::product_viewed, "Product Viewed"},
        {event::EventType::product_viewed, "Product Viewed"},
        {event::EventType::product_list_viewed, "Product List Viewed"},
        {event::EventType::product_clicked, "Product Clicked"},
        {event::EventType::product_added, "Product Added"}};
    auto& visitor = visitors_[random_.below(visitors_.size())];
    if (visitor.left-- <= 0) {
      visitor = {uuid(random_), random_.next() | 1, kDevices[random_.below(4)], kLocales[random_.below(3)],
                 0};
      while (!random_.chance(1.0 / 8)) ++visitor.left;
    }
    const auto [type, name] = kTypes[random_.below(6)];
    const auto sku = static_cast<std::uint64_t>(5000 * random_.unit() * random_.unit() * random_.unit());
    const auto price = static_cast<std::int64_t>(sku * 37 % 20000 + 100);
    raw_ = fmt::format(
        R"({{"type":"track","event":"{}","messageId":"{}","anonymousId":"{}","timestamp":"{}","properties":{{"product_id":"sku-{:05}",)"
        R"("name":"Product number {}","category":"category-{}","price":{}.{:02},"quantity":1,"currency":"EUR"}},)"
        R"("context":{{"library":{{"name":"@segment/analytics-node","version":"2.1.0"}},"locale":"{}","device":{{"type":"{}"}}}}}})",
        name, uuid(random_), visitor.id, iso(now_ms - static_cast<std::int64_t>(random_.below(400))), sku,
        sku, sku % 40, price / 100, price % 100, visitor.locale, visitor.device);
    event::Event out;
    out.type = type;
    out.received_at = {now_ms};
    out.event_time = {now_ms - static_cast<std::int64_t>(random_.below(400))};
    out.raw = raw_;
    const auto inside = [this](std::string_view text) {
      return std::string_view(raw_).substr(raw_.find(text), text.size());
    };
    out[event::Text::anonymous_id] = inside(visitor.id);
    out[event::Text::event_name] = inside(name);
    out[event::Text::locale] = inside(visitor.locale);
    out[event::Text::device_type] = inside(visitor.device);
    out[event::Text::library_name] = inside("@segment/analytics-node");
    out.currency = event::parse_currency("EUR");
    event::ProductLine line;
    line.product_id = inside(fmt::format("sku-{:05}", sku));
    line.name = inside(fmt::format("Product number {}", sku));
    line.category = inside(fmt::format("category-{}", sku % 40));
    line.price = {price * 10'000};
    line.has_price = true;
    out.products = {line};
    json_bytes_ += static_cast<std::int64_t>(raw_.size());
    builder.event(out, event::Verdict::accepted, visitor.session_id);
  }
  std::int64_t json_bytes() const { return json_bytes_; }

 private:
  base::SeededRandom random_;
  std::vector<Visitor> visitors_;
  std::string raw_;
  std::int64_t json_bytes_ = 0;
};

void print_columns(lake::Lake& lake, lake::LakeFixture& fixture) {
  for (const auto table : {lake::Table::raw_events, lake::Table::events}) {
    const auto& spec = lake::spec_of(table);
    std::string files;
    lake.iceberg(table).state()->for_each_file([&](const lake::LiveFile& file) {
      files += (files.empty() ? "'" : ", '") + *lake::local_path(fixture.store(), file.object) + "'";
    });
    std::string report = fixture.scalar(fmt::format(
        "SELECT string_agg(line, ', ') FROM (SELECT path_in_schema || ' ' || "
        "round(sum(total_compressed_size) / (SELECT sum(num_rows) "
        "FROM parquet_file_metadata([{0}])), 2) AS line FROM parquet_metadata([{0}]) GROUP BY path_in_schema "
        "HAVING sum(total_compressed_size) / (SELECT sum(num_rows) FROM parquet_file_metadata([{0}])) > 0.15 "
        "ORDER BY sum(total_compressed_size) DESC)",
        files));
    std::printf("  bytes per event, %s.%s: %s\n", spec.name_space.c_str(), spec.name.c_str(), report.c_str());
  }
}

}  // namespace

int main(int argc, char** argv) {
  const auto argument = [&](int i, std::int64_t otherwise) {
    return argc > i ? std::atoll(argv[i]) : otherwise;
  };
  const std::int64_t events = argument(1, 400'000);
  const std::int64_t per_commit = argument(2, 100'000);
  const auto active = static_cast<std::size_t>(argument(3, 2'000));
  lake::LakeFixture fixture("lake-bench");
  auto& lake = fixture.lake();
  Traffic traffic(static_cast<std::uint64_t>(argument(4, 1)), active);
  lake::GroupBuilder builder;
  double append_s = 0, commit_s = 0, query_s = 0, count_s = 0;
  std::int64_t done = 0;
  while (done < events) {
    for (std::int64_t i = 0; i < per_commit;) {
      for (int j = 0; j < 500; ++j, ++i, ++done) traffic.add(builder, lake::kNoonMs + done / 50);
      auto group = builder.take();
      const double start = cpu_seconds();
      INVARIANT(lake.append(std::move(group)).ok());
      append_s += cpu_seconds() - start;
    }
    double start = cpu_seconds();
    fixture.scalar("SELECT count(*) FROM conformed.events");
    count_s += cpu_seconds() - start;
    start = cpu_seconds();
    fixture.scalar(
        "SELECT count(*) FROM (SELECT event_type, count(*), sum(price) FROM conformed.events GROUP BY ALL)");
    query_s += cpu_seconds() - start;
    start = cpu_seconds();
    const auto committed = lake.commit();
    if (!committed.ok()) std::fprintf(stderr, "%s\n", committed.error().message().c_str());
    commit_s += cpu_seconds() - start;
  }
  const auto report = [&](const char* what) {
    const auto status = lake.status();
    std::printf("%s: JSON %.1f B/event, Parquet %.1f B/event = %.2f %%\n", what,
                static_cast<double>(status.json_bytes) / static_cast<double>(done),
                static_cast<double>(status.parquet_bytes) / static_cast<double>(done),
                100.0 * static_cast<double>(status.parquet_bytes) / static_cast<double>(status.json_bytes));
    print_columns(lake, fixture);
  };
  std::printf("%lld events in commits of %lld, %zu visitors at a time\n", static_cast<long long>(done),
              static_cast<long long>(per_commit), active);
  std::printf("append %.2f us/event, commit %.2f us/event CPU\n", append_s * 1e6 / static_cast<double>(done),
              commit_s * 1e6 / static_cast<double>(done));
  const auto rounds = static_cast<double>(done / per_commit);
  std::printf("a tail of %lld: count(*) %.1f ms, a group-by of three columns %.1f ms\n",
              static_cast<long long>(per_commit), count_s * 1e3 / rounds, query_s * 1e3 / rounds);
  report("committed");
  const double start = cpu_seconds();
  int merged = 0;
  while (true) {
    const auto compacted = lake.compact();
    if (!compacted.ok()) std::fprintf(stderr, "%s\n", compacted.error().message().c_str());
    if (!compacted.ok() || *compacted == lake::LakeTable::Compacted::nothing_to_do) break;
    ++merged;
  }
  if (merged > 0) {
    std::printf("compaction made %d files in %.2f s\n", merged, cpu_seconds() - start);
    report("compacted");
  }
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  std::printf("peak memory %ld MB\n", usage.ru_maxrss / 1024);
  return 0;
}
