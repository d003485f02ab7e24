#include "serve/metrics.h"

#include <charconv>
#include <cmath>
#include <span>

#include "base/result.h"
#include "serve/routes.h"

namespace millrace::serve {

namespace {

bool name_character(char c, std::size_t position) {
  const bool letter = (c >= 'a' && c <= 'z') || c == '_';
  return letter || (position > 0 && c >= '0' && c <= '9');
}

bool valid_name(std::string_view name) {
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (!name_character(name[i], i)) return false;
  }
  return !name.empty();
}

void append_number(std::string& out, double value) {
  if (std::isnan(value)) {
    out += "NaN";
  } else if (std::isinf(value)) {
    out += value > 0 ? "+Inf" : "-Inf";
  } else {
    // Plain digits where they are short: bucket edges are compared as text.
    const double size = std::fabs(value);
    char buffer[64];
    char* const end = buffer + sizeof(buffer);
    const bool plain = size == 0 || (size >= 1e-9 && size < 1e18);
    out.append(buffer, plain ? std::to_chars(buffer, end, value, std::chars_format::fixed).ptr
                             : std::to_chars(buffer, end, value).ptr);
  }
}

void append_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '"') {
      out += "\\\"";
    } else if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
}

void append_sample(std::string& out, std::string_view name, std::string_view suffix,
                   std::span<const Label> labels, std::string_view bucket, double value) {
  out.append(name).append(suffix);
  char separator = '{';
  const auto append_label = [&](std::string_view key, std::string_view text) {
    out += separator;
    separator = ',';
    out.append(key).append("=\"");
    append_escaped(out, text);
    out += '"';
  };
  for (const auto& [key, text] : labels) append_label(key, text);
  if (!bucket.empty()) append_label("le", bucket);
  if (separator == ',') out += '}';
  out += ' ';
  append_number(out, value);
  out += '\n';
}

double unit_scale(HistogramUnit unit) {
  switch (unit) {
    case HistogramUnit::nanoseconds: return 1e9;
    case HistogramUnit::microseconds: return 1e6;
    case HistogramUnit::milliseconds: return 1e3;
    case HistogramUnit::bytes: return 1;
  }
  return 1;
}

constexpr double kSecondEdges[] = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                   0.05,   0.1,     0.25,   0.5,   1,      2.5,   5,    10};
constexpr double kByteEdges[] = {64,     256,     1024,    4096,     16384,   65536,
                                 262144, 1048576, 4194304, 16777216, 67108864};

}  // namespace

MetricSamples::Family& MetricSamples::family(std::string_view name, std::string_view type,
                                             std::string_view help) {
  INVARIANT(valid_name(name) && name.starts_with("millrace_"));
  const auto found = families_.find(name);
  if (found != families_.end()) {
    INVARIANT(found->second.type == type);
    return found->second;
  }
  return families_.emplace(std::string(name), Family{type, std::string(help), {}}).first->second;
}

void MetricSamples::counter(std::string_view name, std::string_view help, double value, Labels labels) {
  INVARIANT(name.ends_with("_total"));
  append_sample(family(name, "counter", help).samples, name, "", labels, "", value);
}

void MetricSamples::gauge(std::string_view name, std::string_view help, double value, Labels labels) {
  append_sample(family(name, "gauge", help).samples, name, "", labels, "", value);
}

void MetricSamples::histogram(std::string_view name, std::string_view help,
                              const base::HistogramSnapshot& snapshot, HistogramUnit unit, Labels labels) {
  INVARIANT(name.ends_with(unit == HistogramUnit::bytes ? "_bytes" : "_seconds"));
  std::string& out = family(name, "histogram", help).samples;
  const double scale = unit_scale(unit);
  const std::span<const double> edges = unit == HistogramUnit::bytes ? std::span<const double>(kByteEdges)
                                                                     : std::span<const double>(kSecondEdges);
  for (const double edge : edges) {
    std::string le;
    append_number(le, edge);
    // Values are whole units: those below one of them fall under the first edge that reaches it.
    const auto at_most = static_cast<std::uint64_t>(edge * scale);
    append_sample(out, name, "_bucket", labels, le, static_cast<double>(snapshot.count_at_most(at_most)));
  }
  append_sample(out, name, "_bucket", labels, "+Inf", static_cast<double>(snapshot.count()));
  append_sample(out, name, "_sum", labels, "", static_cast<double>(snapshot.sum()) / scale);
  append_sample(out, name, "_count", labels, "", static_cast<double>(snapshot.count()));
}

std::string MetricSamples::text() const {
  std::string out;
  for (const auto& [name, family] : families_) {
    out.append("# HELP ").append(name).append(" ").append(family.help).append("\n");
    out.append("# TYPE ").append(name).append(" ").append(family.type).append("\n");
    out.append(family.samples);
  }
  return out;
}

std::string Metrics::text() const {
  MetricSamples samples;
  for (const MetricSource* source : sources_) source->collect(samples);
  return samples.text();
}

void add_metrics_routes(RouteTable& table, const Metrics& metrics) {
  table.answer(http::Method::get, "/metrics", [&metrics](const http::Request&) {
    http::Response response;
    response.content_type = "text/plain; version=0.0.4; charset=utf-8";
    response.body = metrics.text();
    return response;
  });
}

}  // namespace millrace::serve
