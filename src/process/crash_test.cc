#include <doctest/doctest.h>

#include <algorithm>

#include "process/crash_world.h"
#include "process/verify.h"

namespace millrace::process {

namespace {

constexpr std::size_t kPartitions = 2;
constexpr std::int64_t kStart = 1'700'000'000'000;

// The records that a partition of visitors is given.
std::vector<std::string> make_input(std::uint64_t seed, std::size_t records) {
  base::SeededRandom random(seed);
  std::vector<std::string> input;
  std::int64_t now = kStart;
  for (std::size_t i = 0; i < records; ++i) {
    now += static_cast<std::int64_t>(random.below(200));
    if (random.chance(0.01)) now += 90'000;
    std::string payload;
    if (random.chance(0.1)) {
      event::encode_tick({{now}}, payload);
    } else if (random.chance(0.01)) {
      payload = "\xfenot a record";
    } else {
      event::Event event;
      const std::string visitor = "v" + std::to_string(random.below(40));
      const std::string message = "m" + std::to_string(random.below(records));
      std::string name = "p" + std::to_string(random.below(7));
      if (random.chance(0.02)) name = "poison";
      if (random.chance(0.02)) name = "throw";
      event[event::Text::anonymous_id] = visitor;
      event[event::Text::message_id] = message;
      event[event::Text::event_name] = name;
      event.received_at = {now};
      event.event_time = {now - static_cast<std::int64_t>(random.below(1000))};
      event::encode_event(event, payload);
    }
    input.push_back(std::move(payload));
  }
  return input;
}

// Within an offset the kinds of rows come in an order of their own, which depends on where batches end.
template <class Partition>
std::vector<std::pair<std::uint64_t, std::string>> sorted_rows(const Partition& partition) {
  auto rows = partition.lake.rows;
  std::sort(rows.begin(), rows.end());
  return rows;
}

enum class Crashes { none, some };

class World {
 public:
  World(std::uint64_t seed, const std::vector<std::vector<std::string>>& input)
      : random_(seed), input_(input) {
    for (std::uint32_t i = 0; i < kPartitions; ++i) {
      visitors_.push_back(std::make_unique<ToyPartition<ToyVisitors>>(
          events_[i],
          OwnerSettings{.partition = i, .read_bytes_max = 300, .drain_entries = 5, .held_batches_max = 4}));
      products_.push_back(std::make_unique<ToyPartition<ToyProducts>>(
          facts_[i], OwnerSettings{.topic = event::Topic::facts,
                                   .partition = i,
                                   .read_limit = ReadLimit::appended,
                                   .read_bytes_max = 300,
                                   .drain_entries = 5,
                                   .held_batches_max = 4}));
    }
    start();
  }

  void run(Crashes crashes) {
    for (;;) {
      if (crashes == Crashes::some && random_.chance(0.004)) crash();
      if (random_.chance(0.3)) ingest();
      for (auto& commit : commits_) {
        if (random_.chance(0.2)) commit->run_once();
      }
      for (auto& partition : visitors_) drive(*partition);
      for (auto& partition : products_) drive(*partition);
      if (random_.chance(0.02) && finished()) break;
    }
    for (auto& partition : visitors_) settle(*partition);
    for (auto& partition : products_) settle(*partition);
  }

  // The facts of a journal as its reader sees them: by source, repeats dropped.
  static std::map<std::uint32_t, std::vector<std::string>> distinct_facts(const CrashJournal& journal) {
    std::map<std::uint32_t, std::vector<std::string>> facts;
    std::map<std::uint32_t, event::SourcePosition> highest;
    for (const std::string& record : journal.records()) {
      const auto position = event::fact_position(record);
      if (!position.ok()) continue;
      const auto [known, is_new] = highest.try_emplace(position->partition, *position);
      if (!is_new && *position <= known->second) continue;
      known->second = *position;
      facts[position->partition].push_back(record);
    }
    return facts;
  }

  std::vector<std::unique_ptr<ToyPartition<ToyVisitors>>> visitors_;
  std::vector<std::unique_ptr<ToyPartition<ToyProducts>>> products_;
  std::array<CrashJournal, kPartitions> events_, facts_;
  CrashJournal sessions_, actions_;
  int crashes_ = 0;

 private:
  void start() {
    commits_.clear();
    EmissionWriter::Journals journals;
    const auto add = [&](event::Topic topic, CrashJournal& journal) {
      commits_.push_back(
          std::make_unique<journal::GroupCommit>(journal, clock_, journal::GroupCommitSettings{}));
      journals[static_cast<std::size_t>(topic)].push_back(commits_.back().get());
    };
    for (auto& journal : facts_) add(event::Topic::facts, journal);
    add(event::Topic::sessions, sessions_);
    add(event::Topic::actions, actions_);
    for (auto& partition : visitors_) partition->start(journals);
    for (auto& partition : products_) partition->start(journals);
  }

  void crash() {
    ++crashes_;
    for (auto& partition : visitors_) partition->crash();
    for (auto& partition : products_) partition->crash();
    commits_.clear();
    if (random_.chance(0.5)) {  // A power cut keeps any part of what was not synced.
      const auto cut = [&](CrashJournal& journal) {
        journal.cut_power(random_.below(journal.end().value + 1));
      };
      for (auto& journal : events_) cut(journal);
      for (auto& journal : facts_) cut(journal);
      cut(sessions_);
      cut(actions_);
    }
    start();
  }

  void ingest() {
    const std::size_t i = random_.below(kPartitions);
    journal::RecordBuffer records;
    for (std::uint64_t n = random_.below(8); n > 0; --n) {
      const std::size_t at = events_[i].end().value + records.count();
      if (at < input_[i].size()) records.add(input_[i][at]);
    }
    if (!records.empty()) REQUIRE(events_[i].append(records).ok());
    if (random_.chance(0.5)) REQUIRE(events_[i].sync().ok());
    if (random_.chance(0.1)) REQUIRE(facts_[i].sync().ok());
  }

  template <class Partition>
  void drive(Partition& partition) {
    const std::uint64_t dice = random_.below(20);
    if (dice < 10) {
      REQUIRE(partition.owner->step() != PartitionOwner::Progress::stopped);
    } else if (dice == 10) {
      partition.owner->begin_checkpoint();
    } else if (dice == 11) {
      partition.lake.commit();
    } else if (dice == 12 && partition.commit()) {
      // A crash may fall between the store's commit and the owner hearing of it.
      if (random_.chance(0.1)) {
        crash();
      } else {
        partition.owner->finish_checkpoint();
      }
    }
  }

  bool finished() {
    for (std::size_t i = 0; i < kPartitions; ++i) {
      if (visitors_[i]->owner->position().value < input_[i].size()) return false;
      if (visitors_[i]->owner->released() < visitors_[i]->owner->position()) return false;
      visitors_[i]->sink->sync_emissions();
      if (!visitors_[i]->sink->emissions_durable()) return false;
    }
    for (auto& partition : products_) {
      if (partition->owner->position() < partition->journal.end()) return false;
      if (partition->owner->released() < partition->owner->position()) return false;
    }
    return true;
  }

  // Ends with a checkpoint of everything.
  template <class Partition>
  void settle(Partition& partition) {
    for (int i = 0; i < 10'000 && partition.owner->committed() < partition.owner->position(); ++i) {
      partition.owner->begin_checkpoint();
      partition.owner->step();
      partition.lake.commit();
      for (auto& commit : commits_) commit->run_once();
      if (partition.commit()) partition.owner->finish_checkpoint();
    }
    REQUIRE(partition.owner->committed() == partition.owner->position());
  }

  base::SeededRandom random_;
  const std::vector<std::vector<std::string>>& input_;
  StillClock clock_;
  std::vector<std::unique_ptr<journal::GroupCommit>> commits_;
};

}  // namespace

TEST_CASE("crashes change neither the state, nor the rows, nor the facts") {
  int crashes = 0;
  for (std::uint64_t seed = 1; seed <= 25; ++seed) {
    CAPTURE(seed);
    std::vector<std::vector<std::string>> input;
    for (std::size_t i = 0; i < kPartitions; ++i) input.push_back(make_input(seed * 100 + i, 600));
    World calm(seed, input), stormy(seed + 1000, input);
    calm.run(Crashes::none);
    stormy.run(Crashes::some);
    crashes += stormy.crashes_;

    for (std::size_t i = 0; i < kPartitions; ++i) {
      const auto report = compare_states(calm.visitors_[i]->store, stormy.visitors_[i]->store, 5);
      REQUIRE(report.ok());
      CHECK(report->entries_live >= 10);
      if (!report->same()) CHECK(report->differences.front().key == "");
      CHECK(report->digest_live == report->digest_recomputed);
      CHECK(sorted_rows(*calm.visitors_[i]) == sorted_rows(*stormy.visitors_[i]));
      CHECK(World::distinct_facts(calm.facts_[i]) == World::distinct_facts(stormy.facts_[i]));
    }
    CHECK(World::distinct_facts(calm.sessions_) == World::distinct_facts(stormy.sessions_));

    // The second stage's order of input is what its own journal says, so it is held against that.
    for (std::size_t i = 0; i < kPartitions; ++i) {
      const auto report =
          verify_partition(stormy.facts_[i], stormy.products_[i]->store,
                           [](StateStore& store) { return std::make_unique<ToyProducts>(store); },
                           {.owner = stormy.products_[i]->settings, .checkpoint_records = 50});
      REQUIRE(report.ok());
      CHECK(report->same());
      CHECK(report->entries_live > 2);
      std::size_t facts = 0, orders = 0;
      for (const auto& [source, list] : World::distinct_facts(stormy.facts_[i])) facts += list.size();
      std::set<std::uint64_t> offsets;
      for (const auto& [offset, row] : stormy.products_[i]->lake.rows) {
        orders += row == "order";
        CHECK(offsets.insert(offset).second);
      }
      CHECK(orders == facts);
    }
    // Which product's third activity it is depends on the order, that there is one does not.
    const auto actions = [](const World& world) {
      std::multiset<std::string> names;
      for (const auto& [source, list] : World::distinct_facts(world.actions_)) {
        for (const std::string& record : list) {
          names.insert(std::get<event::Action>(event::decode_fact(record)->fact).visitor_id);
        }
      }
      return names;
    };
    CHECK(actions(calm) == actions(stormy));
    CHECK(actions(calm).size() > 50);
  }
  CHECK(crashes > 100);
}

TEST_CASE("verify finds what is wrong in a state") {
  const std::vector<std::vector<std::string>> input{make_input(1, 300), make_input(2, 300)};
  World world(1, input);
  world.run(Crashes::none);
  auto& partition = *world.visitors_[0];
  const MakeStage make = [](StateStore& store) { return std::make_unique<ToyVisitors>(store); };
  auto report = verify_partition(world.events_[0], partition.store, make, {.owner = partition.settings});
  REQUIRE(report.ok());
  CHECK(report->same());
  CHECK(report->upto.value == 300);
  CHECK(report->digest_live == report->digest_recomputed);

  StateBatch damage;
  damage.put("v/nobody", "x");
  damage.put("w", "y");
  damage.put("~filter", "not compared");
  REQUIRE(partition.store.commit(damage).ok());
  report = verify_partition(world.events_[0], partition.store, make, {.owner = partition.settings});
  REQUIRE(report.ok());
  CHECK_FALSE(report->same());
  CHECK(report->digest_live != report->digest_recomputed);
  REQUIRE(report->differences.size() == 2);
  CHECK(report->differences[0].key == "v/nobody");
  CHECK(report->differences[0].kind == StateDifference::Kind::only_live);
  CHECK(report->differences[1].key == "w");
  CHECK(report->differences[1].kind == StateDifference::Kind::value);

  REQUIRE(world.events_[0].trim({10}).ok());
  const auto trimmed =
      verify_partition(world.events_[0], partition.store, make, {.owner = partition.settings});
  REQUIRE_FALSE(trimmed.ok());
  CHECK(trimmed.error().code() == base::ErrorCode::not_found);
}

}  // namespace millrace::process
