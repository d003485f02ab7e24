#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "commerce/cart.h"
#include "commerce/funnel.h"
#include "commerce/identity.h"
#include "commerce/ledger.h"
#include "commerce/purchases.h"
#include "commerce/retention_queue.h"
#include "commerce/session_history.h"
#include "commerce/visitor_state.h"
#include "commerce/visitor_totals.h"
#include "process/dedup_index.h"
#include "process/keyed_state.h"
#include "process/stage.h"
#include "process/timers.h"
#include "process/watermark.h"

namespace millrace::commerce {

struct VisitorSettings {
  SessionSettings session;
  CartSettings cart;
  process::WatermarkSettings watermark;
  process::DedupSettings dedup;
  // By the watermark: a visitor, a user with all its visitors, and how often a product is bought again, is forgotten between once and
  // twice this long after the last event; a cell of the funnel or the ledger once this long has passed since it was made and since its minute.
  std::int64_t visitor_retention_ms = 90 * base::kDayMs;
  std::int64_t cell_retention_ms = 35 * base::kDayMs;
  // Visitors whose sessions and carts one record ends; the records behind it go on. After a pause the first tick would end nearly all
  // there are, with gigabytes of output. Where events move time on, the last tick has no record behind it: there it ends all.
  std::size_t timers_per_record_max = 2'000;
  // Entries kept in memory beyond those that wait for a checkpoint.
  std::size_t visitors_cached_max = 200'000;
  std::size_t users_cached_max = 50'000;
  std::size_t repurchases_cached_max = 50'000;
  std::size_t cells_cached_max = 100'000;
};

// The first stage: over one partition of the events journal, so over all events of its visitors, in order of arrival. An event is checked
// against what came before (duplicate?), joined to its visitor's user, session, funnel and cart, and counted in the
// ledger, whatever becomes of it.
//
// Out come: an EventRow for every event, sessions as they close or are corrected, funnel cells; facts about products and orders
// for the second stage, closed sessions, abandoned carts as actions; views of visitors, cells and clicks.
class VisitorStage final : public process::Stage {
 public:
  // `store` must outlive the stage.
  VisitorStage(const process::StateStore& store, VisitorSettings settings);

  base::Status restore(process::Outputs& out, const process::Publish& publish) override;
  void expect(std::string_view payload) override;
  base::Status on_record(const process::Position& position, std::string_view payload,
                         process::Outputs& out) override;
  void on_batch_end(process::Outputs& out) override;

  void freeze() override { parts_.freeze(); }
  bool drain(process::StateBatch& batch, std::size_t entries) override {
    return parts_.drain(batch, entries);
  }
  void committed() override { parts_.committed(); }
  std::vector<process::StageFigure> figures() const override;

  // All time, this partition's. Only for the thread that runs the stage.
  const VisitorTotals& totals() const { return totals_.values(); }
  base::WallTime watermark() const { return watermark_.now(); }
  std::size_t timers_armed() const { return timers_.size(); }

 private:
  // The record being processed.
  struct Step {
    std::uint64_t offset = 0;
    process::Outputs& out;
  };

  base::Status on_event(const process::Position& position, std::string_view payload, process::Outputs& out);
  void accept(std::string_view visitor_id, VisitorState& state, std::uint64_t visitor_hash, Step& step,
              std::uint64_t& session_id);
  event::Verdict judge(std::string_view visitor_id, Step& step, std::uint64_t& session_id);
  // An event of nobody: its order counts, and nothing else is known of it.
  bool bought_as_another(std::string_view visitor_id);
  void accept_anonymous(Step& step);
  void identify(std::string_view visitor_id, VisitorState& state, Step& step);
  void take_cart(std::string_view from_id, std::string_view visitor_id, VisitorState& state, Step& step);
  void change_cart(std::string_view visitor_id, VisitorState& state, const Arrival& arrival, Step& step);
  void buy_elsewhere(std::string_view visitor_id, const VisitorState& state, const Arrival& arrival,
                     Step& step);
  void tell_products(const Arrival& arrival, std::uint64_t session_id, Step& step);
  void tell_order(const VisitorState& state, std::uint64_t session_id, event::OrderRow order, Step& step);
  void fire_timers(Step& step);
  bool has_due_timer();
  void forget();
  UserVisitors& edit_user(std::string_view user_id);
  void remember_purchase(VisitorState& state, const Arrival& arrival);
  void fill_view(std::string_view visitor_id, const VisitorState& state);
  void publish_sessions(std::string_view visitor_id, const VisitorState& state, Step& step);
  void publish_carts(std::string_view visitor_id, VisitorState& state, Step& step);
  void set_timer(std::string_view visitor_id, VisitorState& state);
  void publish(std::string_view visitor_id, const VisitorState& state, Step& step);

  const process::StateStore& store_;
  const VisitorSettings settings_;
  process::Watermark watermark_;
  process::DedupIndex messages_;
  process::KeyedState<VisitorState> visitors_;
  process::KeyedState<UserVisitors> users_;
  process::KeyedState<Repurchases> repurchases_;
  process::Timers timers_;
  bool timers_wait_ = false;  // One is due.
  RetentionQueue known_visitors_;
  RetentionQueue known_users_;
  RetentionQueue known_repurchases_;
  FunnelCells funnel_;
  Ledger ledger_;
  StoredTotals totals_;
  process::CheckpointedParts parts_;

  // Reused between records.
  event::Event event_;
  SessionEffects session_effects_;
  CartEffects cart_effects_;
  process::Timers::Due due_;
  event::ProductActivity activity_;
  event::VisitorView view_;

  // Hashes of the visitors of the last records expected.
  static constexpr std::size_t kExpectedMax = 16;
  std::array<std::uint64_t, kExpectedMax> expected_{};
  std::size_t expected_count_ = 0;
};

}  // namespace millrace::commerce
