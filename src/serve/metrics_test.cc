#include "serve/metrics.h"

#include <doctest/doctest.h>

#include <map>
#include <set>
#include <sstream>

#include "serve/api_bench.h"

using namespace millrace;
using namespace millrace::serve;

namespace {

bool name_ok(std::string_view name) {
  if (name.empty() || (name[0] >= '0' && name[0] <= '9')) return false;
  return name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_:") ==
         std::string_view::npos;
}

// What `promtool check metrics` looks for: the grammar, HELP and TYPE once and before the samples, one block
// per family, unit and counter suffixes, and histograms whose buckets grow, end in +Inf and agree with
// _count.
std::string exposition_problem(const std::string& text) {
  std::istringstream lines(text);
  std::string line, family, type;
  std::set<std::string> seen;
  std::map<std::string, double> last_bucket;  // By labels but le.
  std::map<std::string, double> infinity;
  bool helped = false;
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    if (line.starts_with("# HELP ")) {
      std::string skip;
      words >> skip >> skip >> family;
      if (!seen.insert(family).second) return "family twice: " + family;
      if (line.size() < 8 + family.size() + 2) return "no help: " + family;
      helped = true;
      type.clear();
      last_bucket.clear();
      infinity.clear();
      continue;
    }
    if (line.starts_with("# TYPE ")) {
      std::string skip, name;
      words >> skip >> skip >> name >> type;
      if (!helped || name != family) return "TYPE without HELP: " + line;
      if (type == "counter" && !family.ends_with("_total")) return "counter without _total: " + family;
      if (type == "histogram" && !family.ends_with("_seconds") && !family.ends_with("_bytes"))
        return "no unit: " + family;
      continue;
    }
    const auto space = line.rfind(' ');
    const auto brace = line.find('{');
    const std::string name = line.substr(0, std::min(brace, space));
    if (!name_ok(name) || type.empty()) return "bad sample: " + line;
    std::size_t parsed = 0;
    const double value = std::stod(line.substr(space + 1), &parsed);
    if (parsed != line.size() - space - 1) return "bad value: " + line;
    if (type != "histogram") {
      if (name != family) return "sample outside its family: " + line;
      continue;
    }
    std::string labels = brace == std::string::npos ? "" : line.substr(brace, space - brace);
    if (name == family + "_bucket") {
      const auto le = labels.find("le=\"");
      if (le == std::string::npos) return "bucket without le: " + line;
      const std::string edge = labels.substr(le + 4, labels.find('"', le + 4) - le - 4);
      labels.erase(le == 1 ? 0 : le - 1);
      if (last_bucket.contains(labels) && value < last_bucket[labels]) return "buckets shrink: " + line;
      last_bucket[labels] = value;
      if (edge == "+Inf") infinity[labels] = value;
    } else if (name == family + "_count") {
      if (!labels.empty()) labels.pop_back();
      if (!infinity.contains(labels) || infinity[labels] != value) return "count differs from +Inf: " + line;
    } else if (name != family + "_sum") {
      return "sample outside its family: " + line;
    }
  }
  return {};
}

}  // namespace

TEST_CASE("samples of several sources are written by family, escaped and with their units") {
  MetricSamples samples;
  base::Histogram fsync_ns;
  fsync_ns.record(90'000);
  fsync_ns.record(700'000);
  samples.counter("millrace_things_total", "Things.", 3, {{"kind", "a\"b\\c\n"}});
  samples.gauge("millrace_depth", "Depth.", 1.5);
  samples.counter("millrace_things_total", "Things.", 4, {{"kind", "d"}});
  samples.histogram("millrace_fsync_seconds", "Time of an fsync.", fsync_ns.snapshot(),
                    HistogramUnit::nanoseconds, {{"disk", "0"}});
  const std::string text = samples.text();
  CHECK_EQ(exposition_problem(text), "");
  CHECK_NE(
      text.find("millrace_things_total{kind=\"a\\\"b\\\\c\\n\"} 3\nmillrace_things_total{kind=\"d\"} 4\n"),
      std::string::npos);
  CHECK_NE(text.find("millrace_fsync_seconds_bucket{disk=\"0\",le=\"0.0001\"} 1\n"), std::string::npos);
  CHECK_NE(text.find("millrace_fsync_seconds_bucket{disk=\"0\",le=\"0.001\"} 2\n"), std::string::npos);
  CHECK_NE(text.find("millrace_fsync_seconds_sum{disk=\"0\"} 0.00079\n"), std::string::npos);
}

TEST_CASE("the check of the exposition notices what promtool would") {
  CHECK_NE(exposition_problem("x 1\n"), "");
  CHECK_NE(exposition_problem("# HELP x X.\n# TYPE x counter\nx 1\n"), "");
  CHECK_NE(exposition_problem("# HELP x X.\n# TYPE x gauge\ny 1\n"), "");
  CHECK_NE(
      exposition_problem("# HELP x_seconds X.\n# TYPE x_seconds histogram\nx_seconds_bucket{le=\"1\"} 2\n"
                         "x_seconds_bucket{le=\"+Inf\"} 1\nx_seconds_sum 1\nx_seconds_count 1\n"),
      "");
  CHECK_EQ(exposition_problem("# HELP x X.\n# TYPE x gauge\nx 1\n"), "");
}

TEST_CASE("/metrics is a valid exposition that counts the answers") {
  ApiBench bench;
  bench.get("/v1/trending");
  bench.get("/v1/trending?n=0");
  bench.get("/v1/visitors/nobody");
  const auto response = bench.get("/metrics");
  CHECK_EQ(response.content_type, "text/plain; version=0.0.4; charset=utf-8");
  CHECK_EQ(exposition_problem(response.body), "");
  CHECK_NE(
      response.body.find(R"(millrace_api_answers_total{method="GET",route="/v1/trending",status="2xx"} 1)"),
      std::string::npos);
  CHECK_NE(
      response.body.find(R"(millrace_api_answers_total{method="GET",route="/v1/trending",status="4xx"} 1)"),
      std::string::npos);
  CHECK_NE(
      response.body.find(R"(millrace_api_answer_seconds_count{method="GET",route="/v1/visitors/{id}"} 1)"),
      std::string::npos);
}
