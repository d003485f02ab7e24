#include "commerce/recommend_evaluation.h"

#include <algorithm>
#include <charconv>
#include <unordered_map>

#include "commerce/hybrid_recommender.h"
#include "commerce/recommendation_index.h"

namespace millrace::commerce {

namespace {

constexpr std::size_t kCutOff = 20;

std::vector<std::string_view> split(std::string_view line, std::string_view separators) {
  std::vector<std::string_view> words;
  std::size_t at = 0;
  while ((at = line.find_first_not_of(separators, at)) != std::string_view::npos) {
    const std::size_t end = std::min(line.find_first_of(separators, at), line.size());
    words.push_back(line.substr(at, end - at));
    at = end;
  }
  return words;
}

template <class Visit>
base::Status for_each_line(std::string_view text, Visit visit) {
  std::size_t number = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    if (line.empty()) continue;
    if (auto status = visit(line, number); !status.ok()) {
      return std::move(status).error().with_context("line " + std::to_string(number));
    }
  }
  return base::Ok{};
}

bool is_row_form(std::string_view text) { return text.starts_with("SessionId\t"); }

struct TimedSession {
  std::vector<std::pair<double, std::string>> clicks;
};

base::Result<SessionList> parse_rows(std::string_view text) {
  std::vector<TimedSession> sessions;
  std::unordered_map<std::string, std::size_t> places;
  TRY(for_each_line(text, [&](std::string_view line, std::size_t number) -> base::Status {
    if (number == 1) return base::Ok{};
    const auto words = split(line, "\t");
    double time = 0;
    if (words.size() < 3 ||
        std::from_chars(words[2].data(), words[2].data() + words[2].size(), time).ec != std::errc()) {
      return base::Error(base::ErrorCode::invalid_argument, "expected SessionId, ItemId and Time");
    }
    const auto [place, is_new] = places.try_emplace(std::string(words[0]), sessions.size());
    if (is_new) sessions.emplace_back();
    sessions[place->second].clicks.emplace_back(time, std::string(words[1]));
    return base::Ok{};
  }));
  const auto by_time = [](const auto& a, const auto& b) { return a.first < b.first; };
  for (auto& session : sessions) std::stable_sort(session.clicks.begin(), session.clicks.end(), by_time);
  std::stable_sort(sessions.begin(), sessions.end(), [](const TimedSession& a, const TimedSession& b) {
    return a.clicks.back().first < b.clicks.back().first;
  });
  SessionList list;
  for (auto& session : sessions) {
    auto& items = list.emplace_back();
    for (auto& click : session.clicks) items.push_back(std::move(click.second));
  }
  return list;
}

}  // namespace

base::Result<SessionList> parse_sessions(std::string_view text) {
  if (is_row_form(text)) return parse_rows(text);
  SessionList list;
  TRY(for_each_line(text, [&](std::string_view line, std::size_t) -> base::Status {
    const auto words = split(line, " \t");
    list.emplace_back(words.begin(), words.end());
    return base::Ok{};
  }));
  return list;
}

base::Result<std::vector<NextItemCase>> parse_cases(std::string_view text) {
  std::vector<NextItemCase> cases;
  if (is_row_form(text)) {
    TRY_ASSIGN(const SessionList sessions, parse_rows(text));
    for (const auto& session : sessions) {
      for (std::size_t i = 1; i < session.size(); ++i) {
        cases.push_back({{session.begin(), session.begin() + static_cast<std::ptrdiff_t>(i)}, session[i]});
      }
    }
    return cases;
  }
  TRY(for_each_line(text, [&](std::string_view line, std::size_t) -> base::Status {
    const std::size_t tab = line.find('\t');
    if (tab == std::string_view::npos) {
      return base::Error(base::ErrorCode::invalid_argument, "expected the prefix, a tab and the next item");
    }
    const auto prefix = split(line.substr(0, tab), " ");
    const auto next = split(line.substr(tab + 1), " ");
    if (prefix.empty() || next.size() != 1) {
      return base::Error(base::ErrorCode::invalid_argument,
                         "expected at least one item before the tab and one after it");
    }
    cases.push_back({{prefix.begin(), prefix.end()}, std::string(next.front())});
    return base::Ok{};
  }));
  return cases;
}

EvaluationReport evaluate_recommender(const SessionList& train, const std::vector<NextItemCase>& cases,
                                      LastItem rule, const base::Clock& clock) {
  HybridRecommender recommender{HybridSettings{}};
  ItemNames names;
  std::uint64_t session_id = 0;
  for (const auto& session : train) {
    ++session_id;
    for (const auto& item : session) {
      recommender.click(session_id, names.intern(item, ItemNames::kUnknown), 0, 1.0f);
    }
    recommender.close(session_id);
  }
  EvaluationReport report;
  std::vector<double> micros;
  micros.reserve(cases.size());
  ScoreBoard board;
  std::vector<ScoredItem> best;
  std::vector<ItemNumber> prefix;
  for (const auto& question : cases) {
    const base::Instant start = clock.now();
    prefix.clear();
    for (const auto& id : question.prefix) {
      if (const ItemNumber item = names.find(id); item != ItemNames::kUnknown) prefix.push_back(item);
    }
    board.reset(names.size());
    if (!prefix.empty()) recommender.score({prefix, 0}, board);
    board.best(kCutOff + 1, best);
    micros.push_back(static_cast<double>(clock.now() - start) / 1000.0);
    std::size_t rank = 0;
    for (const auto& scored : best) {
      if (rule == LastItem::left_out && names.name(scored.item) == question.prefix.back()) continue;
      if (++rank > kCutOff) break;
      if (names.name(scored.item) == question.next) {
        report.hit_rate_20 += 1;
        report.mrr_20 += 1.0 / static_cast<double>(rank);
        break;
      }
    }
  }
  report.steps = cases.size();
  if (cases.empty()) return report;
  report.hit_rate_20 /= static_cast<double>(cases.size());
  report.mrr_20 /= static_cast<double>(cases.size());
  std::sort(micros.begin(), micros.end());
  const auto quantile = [&](double q) {
    return micros[static_cast<std::size_t>(q * static_cast<double>(micros.size() - 1))];
  };
  report.p50_us = quantile(0.5);
  report.p90_us = quantile(0.9);
  report.p99_us = quantile(0.99);
  return report;
}

}  // namespace millrace::commerce
