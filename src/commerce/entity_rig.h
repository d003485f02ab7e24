#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "commerce/entity_stage.h"
#include "event/fact.h"
#include "event/record.h"
#include "process/memory_state_store.h"

namespace millrace::commerce {

// Drives an EntityStage as its partition's owner does, over a journal in memory: what it emits to the facts
// comes back to it, once. For tests.
class EntityRig {
 public:
  explicit EntityRig(EntitySettings settings) : settings_(settings) { open(); }

  std::uint64_t tick(std::int64_t at_ms) {
    std::string payload;
    event::encode_tick({{at_ms}}, payload);
    return append(std::move(payload));
  }
  std::uint64_t fact(const event::Fact& fact) {
    std::string payload;
    event::encode_fact({event::Topic::events, 0, next_source_++, 0}, fact, payload);
    return append(std::move(payload));
  }
  std::uint64_t command(std::int64_t at_ms, const event::StockCommand& command) {
    std::string payload;
    event::encode_command({at_ms}, command, payload);
    return append(std::move(payload));
  }
  std::uint64_t append(std::string payload) {
    journal_.push_back(std::move(payload));
    return first_ + journal_.size() - 1;
  }

  // Processes all there is, batches of `batch` records, and what that emits.
  void run(std::size_t batch = 64) {
    while (applied_ < end()) {
      for (std::size_t i = 0; i < batch && applied_ < end(); ++i) step();
      stage_->on_batch_end(out_);
      collect();
    }
  }
  // The answer to a command, which must be the last record.
  process::Outcome ask(std::int64_t at_ms, const event::StockCommand& ask) {
    const std::uint64_t offset = command(at_ms, ask);
    run();
    REQUIRE_FALSE(outcomes.empty());
    REQUIRE_EQ(outcomes.back().offset, offset);
    return outcomes.back();
  }

  void checkpoint() {
    stage_->freeze();
    process::StateBatch batch;
    while (!stage_->drain(batch, 100)) {
    }
    REQUIRE(store_->commit(batch).ok());
    stage_->committed();
    journal_.erase(journal_.begin(), journal_.begin() + static_cast<std::ptrdiff_t>(applied_ - first_));
    first_ = applied_;
  }
  // Loses what is in memory and begins again at the last checkpoint.
  void crash() {
    applied_ = first_;
    open();
  }

  // All stored state as bytes; a checkpoint must have been taken just before.
  std::vector<std::pair<std::string, std::string>> state() const {
    std::vector<std::pair<std::string, std::string>> result;
    REQUIRE(store_
                ->scan("",
                       [&](std::string_view key, std::string_view value) {
                         result.emplace_back(key, value);
                         return true;
                       })
                .ok());
    return result;
  }

  EntityStage& stage() { return *stage_; }
  const process::StateStore& store() const { return *store_; }
  std::uint64_t end() const { return first_ + journal_.size(); }

  // What came out so far, each once however often records were replayed; views newest per key.
  std::vector<process::Outcome> outcomes;
  std::vector<event::OrderRow> orders;
  std::vector<std::uint64_t> poisoned;
  std::map<std::string, std::shared_ptr<const event::ProductView>> products;
  std::map<std::string, std::shared_ptr<const event::TrendingView>> trending;
  std::uint64_t trending_views = 0;

 private:
  void open() {
    stage_ = std::make_unique<EntityStage>(*store_, settings_);
    out_.clear();
    REQUIRE(stage_->restore(out_, [] {}).ok());
    collect();
  }

  void step() {
    const std::uint64_t offset = applied_++;
    process::Outputs out;
    const auto status = stage_->on_record({0, {offset}, 0}, journal_[offset - first_], out);
    if (store_->fault().has_value()) FAIL("the store failed");
    const bool first_time = offset >= seen_;
    seen_ = std::max(seen_, offset + 1);
    if (!status.ok()) {
      if (status.error().code() != base::ErrorCode::invalid_argument) FAIL(status.error().message());
      if (first_time) poisoned.push_back(offset);
      return;
    }
    for (auto& view : out.views) out_.views.push_back(std::move(view));
    if (!first_time) return check_repeated(out);
    for (auto& outcome : out.outcomes) outcomes.push_back(std::move(outcome));
    for (auto& row : out.orders) orders.push_back(std::move(row));
    std::uint32_t index = 0;
    for (std::size_t i = 0; i < out.emissions.size(); ++i) {
      if (out.emissions[i].offset != offset) FAIL("an emission names another record");
      std::string payload;
      event::encode_fact_position({event::Topic::facts, 0, offset, index++}, payload);
      payload.append(out.body(i));
      append(std::move(payload));
    }
  }

  // A command that is processed again after a crash is answered the same.
  void check_repeated(const process::Outputs& out) {
    for (const auto& outcome : out.outcomes) {
      auto it =
          std::lower_bound(outcomes.begin(), outcomes.end(), outcome.offset,
                           [](const auto& known, std::uint64_t offset) { return known.offset < offset; });
      const bool same = it != outcomes.end() && it->offset == outcome.offset && it->body == outcome.body;
      if (!same) FAIL("a repeated command was answered differently: " << outcome.body);
    }
  }

  void collect() {
    for (auto& view : out_.views) {
      if (const auto* product = std::get_if<std::shared_ptr<const event::ProductView>>(&view)) {
        products[(*product)->product_id] = *product;
      }
      if (const auto* ranking = std::get_if<std::shared_ptr<const event::TrendingView>>(&view)) {
        trending[(*ranking)->category] = *ranking;
        ++trending_views;
      }
    }
    out_.clear();
  }

  EntitySettings settings_;
  std::unique_ptr<process::MemoryStateStore> store_ = std::make_unique<process::MemoryStateStore>();
  std::unique_ptr<EntityStage> stage_;
  std::deque<std::string> journal_;  // From the last checkpoint on.
  std::uint64_t first_ = 0;
  std::uint64_t applied_ = 0;
  std::uint64_t seen_ = 0;  // Offsets below this were processed before.
  std::uint64_t next_source_ = 0;
  process::Outputs out_;
};

}  // namespace millrace::commerce
