#include "app/platform_metrics.h"

#include <fmt/format.h>

#include "app/action_runner.h"
#include "app/admin_runner.h"
#include "app/collect_door.h"
#include "app/contract_runner.h"
#include "app/privacy_guard.h"

namespace millrace::app {

using serve::HistogramUnit;
using serve::MetricSamples;

namespace {
constexpr std::array kTopics = {event::Topic::events, event::Topic::facts, event::Topic::sessions,
                                event::Topic::actions};
double number(auto value) { return static_cast<double>(value); }
}  // namespace

void PlatformMetrics::collect(MetricSamples& samples) const {
  collect_journals(samples);
  collect_stages(samples);
  collect_lake(samples);
  collect_http(samples);
  parts_.door->collect(samples);
  parts_.contracts->collect(samples);
  parts_.actions->collect(samples);
  parts_.privacy->collect(samples);
  parts_.admin->collect(samples);
  samples.gauge("millrace_recommendation_index_bytes", "Memory of the recommendation index, about.",
                number(parts_.recommendations->memory_bytes()));
}

void PlatformMetrics::collect_journals(MetricSamples& samples) const {
  for (const event::Topic topic : kTopics) {
    for (std::uint32_t partition = 0; partition < parts_.journals->partitions(topic); ++partition) {
      const auto& journal = parts_.journals->journal(topic, partition);
      const auto& commit = parts_.journals->commit(topic, partition);
      const std::string name = fmt::format("{}/{}", event::to_string(topic), partition);
      const serve::Labels labels = {{"journal", name}};
      samples.gauge("millrace_journal_bytes", "Size of the journal's segment files.", number(journal.bytes()),
                    labels);
      samples.gauge("millrace_journal_end_offset", "Offset the next record will get.",
                    number(journal.end().value), labels);
      samples.gauge("millrace_journal_begin_offset", "First offset still held.",
                    number(journal.begin().value), labels);
      samples.gauge("millrace_journal_pending_bytes", "Taken and not yet on disk.",
                    number(commit.pending_bytes()), labels);
      samples.gauge("millrace_journal_stopped", "1 when a failed write or sync stopped it.",
                    commit.stopped() ? 1 : 0, labels);
      samples.gauge("millrace_journal_disk_full", "1 when its last append found the disk full.",
                    commit.disk_full() ? 1 : 0, labels);
      samples.counter("millrace_journal_prepare_failures_total",
                      "Times the next segment could not be prepared ahead.",
                      number(parts_.journals->prepare_failures(topic, partition)), labels);
      const auto& metrics = commit.metrics();
      samples.counter("millrace_journal_records_total", "Records appended.", number(metrics.records.load()),
                      labels);
      samples.counter("millrace_journal_submissions_refused_total", "Refused because too much was pending.",
                      number(metrics.submissions_refused.load()), labels);
      samples.histogram("millrace_fsync_seconds", "Time of one fdatasync.", metrics.sync_ns.snapshot(),
                        HistogramUnit::nanoseconds, labels);
      samples.histogram("millrace_journal_group_bytes", "Bytes made durable by one fdatasync.",
                        metrics.group_bytes.snapshot(), HistogramUnit::bytes, labels);
    }
  }
}

void PlatformMetrics::collect_stages(MetricSamples& samples) const {
  for (const auto& stage : *parts_.stages) {
    const std::string name = fmt::format("{}/{}", event::to_string(stage->topic()), stage->partition());
    const serve::Labels labels = {{"partition", name}};
    const auto end = parts_.journals->journal(stage->topic(), stage->partition()).end().value;
    samples.counter("millrace_stage_records_total", "Records processed, as an offset.",
                    number(stage->position()), labels);
    samples.gauge("millrace_stage_lag_records", "Records in the journal and not yet processed.",
                  number(end - std::min(end, stage->position())), labels);
    samples.gauge("millrace_stage_checkpoint_offset", "Where a restart would resume.",
                  number(stage->committed()), labels);
    samples.counter("millrace_stage_poisoned_total", "Records quarantined because a step refused them twice.",
                    number(stage->poisoned()), labels);
    samples.gauge("millrace_stage_stopped", "1 when an error stopped the partition.",
                  stage->stopped_by().empty() ? 0 : 1, labels);
    for (const auto& figure : stage->stage_figures()) {
      if (figure.kind == process::StageFigure::Kind::counter) {
        samples.counter(figure.name, figure.help, number(figure.value), labels);
      } else {
        samples.gauge(figure.name, figure.help, number(figure.value), labels);
      }
    }
  }
}

void PlatformMetrics::collect_lake(MetricSamples& samples) const {
  const auto status = parts_.lake->status();
  for (const auto& table : status.tables) {
    const std::string name = lake::qualified_name(table.table);
    const serve::Labels labels = {{"table", name}};
    samples.gauge("millrace_lake_rows", "Rows committed to the table.", number(table.rows_committed), labels);
    samples.gauge("millrace_lake_tail_rows", "Rows visible to SQL and not yet committed.",
                  number(table.rows_tail), labels);
    samples.gauge("millrace_lake_files", "Data files of the current snapshot.", number(table.files), labels);
    samples.gauge("millrace_lake_bytes", "Bytes of those files.", number(table.bytes), labels);
  }
  samples.counter("millrace_lake_commits_total", "Commits that succeeded.", number(status.commits));
  samples.counter("millrace_lake_commits_failed_total", "Commits that failed and are tried again.",
                  number(status.commits_failed));
  samples.gauge("millrace_lake_tail_bytes", "Memory of rows not yet committed, about.",
                number(status.tail_bytes));
  samples.gauge("millrace_lake_commit_lag_seconds", "Age of the oldest row not yet committed.",
                parts_.lake_runner->lag_s());
}

void PlatformMetrics::collect_http(MetricSamples& samples) const {
  const http::ServerCounters* const http = http_;
  if (http == nullptr) return;
  samples.gauge("millrace_http_connections", "Open connections.", number(http->connections.load()));
  samples.counter("millrace_http_connections_total", "Connections accepted.", number(http->accepted.load()));
  samples.counter("millrace_http_requests_total", "Requests read.", number(http->requests.load()));
  samples.counter("millrace_http_refused_total", "Requests over a limit, or malformed.",
                  number(http->refused.load()));
  samples.counter("millrace_http_received_bytes_total", "Bytes read.", number(http->bytes_in.load()));
  samples.counter("millrace_tls_handshakes_total", "TLS handshakes that succeeded.",
                  number(http->tls_handshakes.load()));
  samples.counter("millrace_tls_handshakes_failed_total", "TLS handshakes that came to nothing.",
                  number(http->tls_failed.load()));
  samples.counter("millrace_http_sent_bytes_total", "Bytes written.", number(http->bytes_out.load()));
}

}  // namespace millrace::app
