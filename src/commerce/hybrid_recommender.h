#pragma once

#include "commerce/nearest_sessions.h"
#include "commerce/sequential_rules.h"

namespace millrace::commerce {

struct HybridSettings {
  SequentialRulesSettings rules;
  NearestSessionsSettings sessions;
  double rules_weight = 4.0;  // Of the rules' scores against the neighbours', each scaled to a highest of 1.
  double evidence_half = 150.0;  // Clicks on the last item at which the rules have half of their weight.
};

// The sum of both recommenders' scores, each scaled to a highest of 1: the neighbours find what goes together, the rules what comes
// next. Rules need evidence that neighbours do not: on an item clicked a few times they are noise, on one clicked
// often they are the better ranking. So their weight is rules_weight * n / (n + evidence_half) for an item clicked n times.
class HybridRecommender final : public Recommender {
 public:
  explicit HybridRecommender(HybridSettings settings)
      : settings_(settings), rules_(settings.rules), sessions_(settings.sessions) {}

  void click(std::uint64_t session, ItemNumber item, std::int64_t at_ms, float weight) override {
    rules_.click(session, item, at_ms, weight);
    sessions_.click(session, item, at_ms, weight);
  }
  void prefetch(std::uint64_t session) const override {
    rules_.prefetch(session);
    sessions_.prefetch(session);
  }
  void close(std::uint64_t session) override {
    rules_.close(session);
    sessions_.close(session);
  }
  void score(const SessionQuery& query, ScoreBoard& board) const override;
  std::size_t memory_bytes() const override { return rules_.memory_bytes() + sessions_.memory_bytes(); }

 private:
  HybridSettings settings_;
  SequentialRules rules_;
  NearestSessions sessions_;
};

}  // namespace millrace::commerce
