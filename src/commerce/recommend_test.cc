#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "base/random.h"
#include "commerce/hybrid_recommender.h"
#include "commerce/recommend_evaluation.h"
#include "commerce/recommendation_index.h"

using namespace millrace;
using namespace millrace::commerce;

namespace {

using Sessions = std::vector<std::vector<ItemNumber>>;

Sessions random_sessions(base::SeededRandom& random, std::size_t count, std::size_t items) {
  Sessions sessions(count);
  for (auto& session : sessions) {
    for (std::size_t i = 1 + random.below(7); i > 0; --i) {
      session.push_back(static_cast<ItemNumber>(std::min(random.below(items), random.below(items))));
    }
  }
  return sessions;
}

template <class Model>
void learn(Model& model, const Sessions& sessions) {
  std::uint64_t id = 0;
  for (const auto& session : sessions) {
    ++id;
    for (const ItemNumber item : session) model.click(id, item, 0, 1);
    model.close(id);
  }
}

// V-STAN as written down, over all sessions at once: no rings, no heap, no arena.
std::map<ItemNumber, double> naive_neighbours(const Sessions& sessions, const std::vector<ItemNumber>& query,
                                              const NearestSessionsSettings& settings) {
  struct Candidate {
    std::size_t session;
    double similarity = 0;
    std::size_t step = 0;
  };
  std::map<ItemNumber, double> frequency;
  for (const auto& session : sessions) {
    for (const ItemNumber item : std::set<ItemNumber>(session.begin(), session.end())) ++frequency[item];
  }
  std::map<ItemNumber, std::size_t> steps;  // Distance from the end, most recent occurrence.
  for (std::size_t back = 0; back < std::min(query.size(), settings.query_items); ++back) {
    steps.try_emplace(query[query.size() - 1 - back], back);
  }
  double norm = 0;
  for (const auto& [item, step] : steps)
    norm += std::exp(-2.0 * static_cast<double>(step) / settings.position_decay);
  std::vector<Candidate> candidates;
  for (std::size_t s = 0; s < sessions.size(); ++s) {
    const std::set<ItemNumber> distinct(sessions[s].begin(), sessions[s].end());
    Candidate candidate{s, 0, SIZE_MAX};
    for (const auto& [item, step] : steps) {
      if (!distinct.contains(item)) continue;
      candidate.similarity += std::exp(-static_cast<double>(step) / settings.position_decay);
      candidate.step = std::min(candidate.step, step);
    }
    if (candidate.step == SIZE_MAX) continue;
    candidate.similarity /= std::sqrt(norm) * std::sqrt(static_cast<double>(distinct.size()));
    candidates.push_back(candidate);
  }
  std::map<ItemNumber, double> scores;
  for (const auto& candidate : candidates) {
    const auto& items = sessions[candidate.session];
    std::map<ItemNumber, std::size_t> last;
    for (std::size_t i = 0; i < items.size(); ++i) last[items[i]] = i;
    std::size_t shared = 0;
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (steps.contains(items[i])) shared = i;
    }
    for (const auto& [item, place] : last) {
      const double away = std::abs(static_cast<double>(place) - static_cast<double>(shared));
      const double rarity =
          1 + settings.rarity * std::log(static_cast<double>(sessions.size()) / frequency[item]);
      scores[item] += candidate.similarity *
                      std::exp(-static_cast<double>(candidate.step) / settings.step_decay) *
                      std::exp(-away / settings.neighbour_decay) * rarity;
    }
  }
  return scores;
}

}  // namespace

TEST_CASE("neighbours score as the written formula does") {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    CAPTURE(seed);
    base::SeededRandom random(seed);
    const Sessions sessions = random_sessions(random, 80, 25);
    NearestSessionsSettings settings;
    settings.sessions_max = 1000;
    NearestSessions model(settings);
    learn(model, sessions);
    std::vector<ItemNumber> query;
    for (std::size_t i = 1 + random.below(12); i > 0; --i)
      query.push_back(static_cast<ItemNumber>(random.below(25)));
    ScoreBoard board;
    board.reset(25);
    model.score({query, 0}, board);
    const auto expected = naive_neighbours(sessions, query, settings);
    for (ItemNumber item = 0; item < 25; ++item) {
      const auto found = expected.find(item);
      CHECK(board.score(item) == doctest::Approx(found == expected.end() ? 0 : found->second).epsilon(1e-4));
    }
  }
}

TEST_CASE("rules are the sums of 1/j^2 over the clicks that followed") {
  SequentialRulesSettings settings;
  SequentialRules model(settings);
  learn(model, {{1, 2, 3}, {1, 3}});
  ScoreBoard board;
  board.reset(10);
  const std::vector<ItemNumber> query{1};
  model.score({query, 0}, board);
  // Item 1 occurred twice: 2 followed at once, 3 followed once at distance 2 and once at distance 1.
  CHECK(board.score(2) == doctest::Approx(0.5));
  CHECK(board.score(3) == doctest::Approx((0.25 + 1) / 2));
}

TEST_CASE("old rules fade with their half-life") {
  SequentialRulesSettings settings;
  settings.half_life_ms = 1000;
  SequentialRules model(settings);
  model.click(1, 1, 0, 1);
  model.click(1, 2, 0, 1);
  for (int i = 0; i < 200; ++i) model.click(9, 7, i * 1000, 1);  // Far enough for a rebase.
  model.click(2, 1, 200'000, 1);
  model.click(2, 3, 200'000, 1);
  ScoreBoard board;
  board.reset(10);
  const std::vector<ItemNumber> query{1};
  model.score({query, 0}, board);
  CHECK(board.score(3) == doctest::Approx(1.0));
  CHECK(board.score(2) < 1e-6);
}

TEST_CASE("an item keeps its heaviest successors") {
  SequentialRulesSettings settings;
  settings.successors_max = 2;
  SequentialRules model(settings);
  learn(model, {{1, 2}, {1, 2}, {1, 2}, {1, 3}, {1, 3}, {1, 4}});
  ScoreBoard board;
  board.reset(10);
  const std::vector<ItemNumber> query{1};
  model.score({query, 0}, board);
  CHECK(board.score(2) == doctest::Approx(3.0 / 6));
  CHECK(board.score(3) == 0);
  CHECK(board.score(4) == doctest::Approx(3.0 / 6));  // Space-Saving: took the place and the weight of 3.
}

TEST_CASE("a session is evidence from its first click, but not for itself") {
  NearestSessionsSettings settings;
  settings.sessions_max = 10;
  NearestSessions model(settings);
  model.click(5, 1, 0, 1);
  model.click(5, 2, 0, 1);
  ScoreBoard board;
  const std::vector<ItemNumber> query{1};
  board.reset(5);
  model.score({query, 5}, board);
  CHECK(board.touched().empty());
  board.reset(5);
  model.score({query, 6}, board);
  CHECK(board.score(2) > 0);
}

TEST_CASE("the oldest sessions leave a full index, and their memory is used again") {
  NearestSessionsSettings settings;
  settings.sessions_max = 100;
  NearestSessions model(settings);
  base::SeededRandom random(3);
  learn(model, random_sessions(random, 100, 50));
  Sessions later = random_sessions(random, 5000, 50);
  std::uint64_t id = 1000;
  for (const auto& session : later) {
    ++id;
    for (const ItemNumber item : session) model.click(id, item, 0, 1);
    model.close(id);
  }
  CHECK_EQ(model.sessions(), 100);
  // 8 slots of 4 bytes a session at the most, plus rings of at most `candidates` entries for 50 items.
  CHECK(model.memory_bytes() < 100 * 64 + 50 * (1024 * 4 * 2 + 64) + 4096);
}

TEST_CASE("the index answers by product id and leaves out the item on screen") {
  RecommendationIndex index({}, std::make_unique<HybridRecommender>(HybridSettings{}));
  for (std::uint64_t s = 1; s <= 5; ++s) {
    const std::vector<event::ClickView> clicks = {{s, "tea", "", {}, false}, {s, "pot", "", {}, false}};
    index.apply(clicks);
  }
  RecommendationQuery query;
  query.items = {"tea"};
  auto answer = index.recommend(query);
  REQUIRE_EQ(answer.size(), 1);
  CHECK_EQ(answer[0].product_id, "pot");
  query.last_item = RecommendationQuery::LastItem::allowed;
  CHECK_EQ(index.recommend(query).size(), 2);
  query.items = {"nothing we know"};
  CHECK(index.recommend(query).empty());
}

TEST_CASE("a closed session adds what its clicks had not said yet") {
  event::SessionClosed closed;
  closed.row.session_id = 4;
  closed.items = {"a", "b", "c"};
  RecommendationIndex whole({}, std::make_unique<HybridRecommender>(HybridSettings{}));
  whole.apply(closed);
  RecommendationIndex partly({}, std::make_unique<HybridRecommender>(HybridSettings{}));
  const std::vector<event::ClickView> clicks = {{4, "a", "", {}, false}, {4, "b", "", {}, false}};
  partly.apply(clicks);
  partly.apply(closed);
  RecommendationQuery query;
  query.items = {"a"};
  const auto expected = whole.recommend(query);
  const auto answer = partly.recommend(query);
  REQUIRE_EQ(answer.size(), expected.size());
  for (std::size_t i = 0; i < answer.size(); ++i) CHECK_EQ(answer[i].product_id, expected[i].product_id);
}

TEST_CASE("a session that late events opened again teaches nothing twice") {
  event::SessionClosed closed;
  closed.row.session_id = 4;
  closed.row.version = 1;
  closed.items = {"a", "b", "c"};
  const std::vector<event::ClickView> late = {{4, "d", "", {}, false}};
  const auto learn = [&](bool close_again) {
    RecommendationIndex index({}, std::make_unique<HybridRecommender>(HybridSettings{}));
    index.apply(closed);
    index.apply(late);
    if (close_again) {
      event::SessionClosed corrected = closed;
      corrected.row.version = 2;
      corrected.items.emplace_back("d");
      index.apply(corrected);
    }
    RecommendationQuery query;
    query.items = {"a"};
    return index.recommend(query);
  };
  const auto once = learn(false), again = learn(true);
  REQUIRE_EQ(again.size(), once.size());
  for (std::size_t i = 0; i < once.size(); ++i) {
    CHECK_EQ(again[i].product_id, once[i].product_id);
    CHECK(again[i].score == doctest::Approx(once[i].score));
  }
}

TEST_CASE("session files are read in both forms, and what is wrong is said with its line") {
  const auto lines = parse_sessions("1 2 3\r\n\n4 5\n");
  REQUIRE(lines.ok());
  CHECK_EQ(lines->size(), 2);
  const auto rows = parse_sessions("SessionId\tItemId\tTime\n9\ta\t5.5\n8\tb\t1\n9\tc\t5.0\n");
  REQUIRE(rows.ok());
  CHECK((*rows == SessionList{{"b"}, {"c", "a"}}));
  CHECK_EQ(parse_sessions("SessionId\tItemId\tTime\n9\ta\n").error().message(),
           "line 2: expected SessionId, ItemId and Time");
  const auto cases = parse_cases("1 2   \t3\n");
  REQUIRE(cases.ok());
  CHECK_EQ(cases->at(0).prefix.size(), 2);
  CHECK_EQ(cases->at(0).next, "3");
  CHECK_FALSE(parse_cases("1 2 3\n").ok());
  CHECK_EQ(parse_cases("SessionId\tItemId\tTime\n9\ta\t1\n9\tc\t2\n9\td\t3\n")->size(), 2);
}
