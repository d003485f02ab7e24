#include "commerce/hybrid_recommender.h"

namespace millrace::commerce {

void HybridRecommender::score(const SessionQuery& query, ScoreBoard& board) const {
  thread_local ScoreBoard rules;
  rules.reset(board.size());
  rules_.score(query, rules);
  sessions_.score(query, board);
  const float neighbours_best = board.highest();
  const float rules_best = rules.highest();
  if (rules_best <= 0) return;
  const float seen_before = query.items.empty() ? 0.0f : rules_.occurrences(query.items.back());
  const float trust = seen_before / (seen_before + static_cast<float>(settings_.evidence_half));
  const float scale = trust * static_cast<float>(settings_.rules_weight) *
                      (neighbours_best > 0 ? neighbours_best : 1) / rules_best;
  for (const ItemNumber item : rules.touched()) board.add(item, scale * rules.score(item));
}

}  // namespace millrace::commerce
