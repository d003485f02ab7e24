#pragma once

#include <functional>
#include <memory>

#include "app/lake_runner.h"
#include "app/outcome_board.h"
#include "process/emission_writer.h"
#include "process/output_sink.h"
#include "serve/views.h"

namespace millrace::app {

// Hands a partition's outputs on: emissions to their journals, rows to the lake, views to serving, outcomes to who waits.
class StageSink final : public process::OutputSink {
 public:
  struct Targets {
    process::EmissionWriter::Journals journals;
    std::function<void()> wake;  // The partition's runner: an emission was appended or synced.
    LakeRunner* lake = nullptr;
    std::function<void(const event::ViewGroup&)> views;
    OutcomeBoard* outcomes = nullptr;
  };
  explicit StageSink(Targets targets)
      : targets_(std::move(targets)), emissions_(targets_.journals, {}, targets_.wake) {}

  bool ready() override { return emissions_.ready() && targets_.lake->ready(); }
  const base::Error* fault() override { return emissions_.fault(); }
  std::uint32_t partitions(event::Topic topic) const override { return emissions_.partitions(topic); }
  void emit(event::Topic topic, std::uint32_t partition, std::string_view payload) override {
    emissions_.emit(topic, partition, payload);
  }
  void flush() override { emissions_.flush(); }
  void sync_emissions() override { emissions_.sync(); }
  bool emissions_durable() override { return emissions_.durable(); }
  void rows(process::RowBatch&& batch) override { targets_.lake->append(std::move(batch)); }
  void views(event::ViewGroup&& group) override { targets_.views(group); }
  void outcomes(std::vector<process::Outcome>&& outcomes) override {
    if (targets_.outcomes) targets_.outcomes->publish(std::move(outcomes));
  }

 private:
  Targets targets_;
  process::EmissionWriter emissions_;
};

}  // namespace millrace::app
