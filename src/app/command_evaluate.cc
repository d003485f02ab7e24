#include <fmt/format.h>

#include <memory>

#include "app/command.h"
#include "app/commands.h"
#include "app/system_clock.h"
#include "commerce/recommend_evaluation.h"
#include "tools/file_text.h"

namespace millrace::app {

namespace {

struct Options {
  std::string train;
  std::string test;
  bool hide_last = false;
};

base::Status evaluate(const Options& options) {
  TRY_ASSIGN(const std::string train_text, tools::read_text(options.train));
  TRY_ASSIGN(const std::string test_text, tools::read_text(options.test));
  auto train = commerce::parse_sessions(train_text);
  if (!train.ok()) return std::move(train).error().with_context(options.train);
  auto cases = commerce::parse_cases(test_text);
  if (!cases.ok()) return std::move(cases).error().with_context(options.test);
  const SystemClock clock;
  const auto rule = options.hide_last ? commerce::LastItem::left_out : commerce::LastItem::counted;
  const auto report = commerce::evaluate_recommender(*train, *cases, rule, clock);
  fmt::print(
      "{{\"steps\":{},\"hr20\":{:.4f},\"mrr20\":{:.4f},\"p50_us\":{:.1f},\"p90_us\":{:.1f},\"p99_us\":{:.1f}}"
      "}\n",
      report.steps, report.hit_rate_20, report.mrr_20, report.p50_us, report.p90_us, report.p99_us);
  return base::Ok{};
}

}  // namespace

void add_evaluate_command(Command program) {
  Command command = program.add("evaluate", "Measure a model on recorded data");
  Command recommend = command.add(
      "recommend",
      "Next-item recommendations: hit rate and mean reciprocal rank at 20, with the default parameters.\n"
      "Files, plain or gzipped: one session per line (items separated by spaces) and `prefix TAB next item` "
      "for the test;\n"
      "or SessionId TAB ItemId TAB Time rows under a header line, for both.");
  auto options = std::make_shared<Options>();
  recommend.option("--train", options->train, "Sessions to learn, oldest first").required();
  recommend.option("--test", options->test, "What to ask; nothing is learned from it").required();
  recommend.flag("--hide-last", options->hide_last, "Take the item on screen out of each answer first");
  recommend.run([options] { return evaluate(*options); });
}

}  // namespace millrace::app
