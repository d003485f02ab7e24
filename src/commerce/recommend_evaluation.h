#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace millrace::commerce {

// Sessions as lists of item ids in click order, oldest session first.
using SessionList = std::vector<std::vector<std::string>>;

// Next-item questions: what was clicked so far, and what came next.
struct NextItemCase {
  std::vector<std::string> prefix;
  std::string next;
};

// Reads either of two forms: one session per line, item ids separated by spaces; or rows of
// SessionId TAB ItemId TAB Time under a header line, sessions ordered by their last time (ties: as in the file).
base::Result<SessionList> parse_sessions(std::string_view text);
// Reads `prefix items TAB next item` lines, or the row form, where every proper prefix of every session is a case.
base::Result<std::vector<NextItemCase>> parse_cases(std::string_view text);

enum class LastItem : std::uint8_t { counted, left_out };

struct EvaluationReport {
  std::size_t steps = 0;
  double hit_rate_20 = 0;
  double mrr_20 = 0;
  double p50_us = 0, p90_us = 0, p99_us = 0;
};

// Learns the training sessions, asks every case with the default parameters, and learns nothing from the cases: no session is in
// the index when its own next item is predicted. With LastItem::left_out the item on screen is taken out of the answer first.
EvaluationReport evaluate_recommender(const SessionList& train, const std::vector<NextItemCase>& cases,
                                      LastItem rule, const base::Clock& clock);

}  // namespace millrace::commerce
