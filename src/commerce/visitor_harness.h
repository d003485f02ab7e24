#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "commerce/visitor_stage.h"
#include "event/record.h"
#include "event/visitor_codec.h"
#include "process/memory_state_store.h"

namespace millrace::commerce {

// An event with its own text, for tests.
struct TestEvent {
  event::EventType type = event::EventType::page_viewed;
  std::string visitor = "v1";
  std::int64_t at_ms = 0;
  std::int64_t received_ms = -1;  // -1: when it happened.
  std::uint16_t source = 0;
  std::vector<std::pair<event::Text, std::string>> texts = {};
  struct Line {
    std::string product_id;
    std::string category;
    std::int64_t quantity = 1;
    std::int64_t price_micros = 0;
  };
  std::vector<Line> lines = {};
  std::int64_t revenue_micros = -1;  // -1: none.
  std::string currency = {};
  event::Purposes purposes = {};
  std::uint32_t flags = 0;

  std::int64_t received() const { return received_ms < 0 ? at_ms : received_ms; }
  void set(event::Flag flag) { flags |= 1u << static_cast<unsigned>(flag); }
  bool has(event::Flag flag) const { return (flags >> static_cast<unsigned>(flag)) & 1u; }

  std::string payload() const {
    event::Event event;
    event.type = type;
    event.source = source;
    event.received_at = {received()};
    event.event_time = {at_ms};
    event[event::Text::anonymous_id] = visitor;
    for (const auto& [field, text] : texts) event[field] = text;
    for (const auto& line : lines) {
      auto& product = event.products.emplace_back();
      product.product_id = line.product_id;
      product.category = line.category;
      product.quantity = line.quantity;
      product.price.micros = line.price_micros;
      product.has_price = line.price_micros != 0;
    }
    if (revenue_micros >= 0) event.set(event::Amount::revenue, {revenue_micros});
    event.currency = event::parse_currency(currency);
    event.purposes = purposes;
    event.flags = flags;
    std::string out;
    event::encode_event(event, out);
    return out;
  }
};

// Drives a stage as the owner of its partition does, one record a batch unless said otherwise, and keeps what comes out.
class VisitorHarness {
 public:
  explicit VisitorHarness(VisitorSettings settings = {}) : settings_(settings) { restart(); }

  void feed(const TestEvent& event) { feed(event.payload()); }
  void feed(std::string_view payload) {
    const auto status = stage_->on_record({0, {offset_++}, index_++}, payload, out_);
    if (!status.ok()) ++refused_;
  }
  void tick(std::int64_t at_ms) {
    std::string payload;
    event::encode_tick({{at_ms}}, payload);
    feed(payload);
  }
  void end_batch() {
    stage_->on_batch_end(out_);
    index_ = 0;
  }
  void checkpoint() {
    stage_->freeze();
    process::StateBatch batch;
    while (!stage_->drain(batch, 7)) {
    }
    INVARIANT(store_.commit(batch).ok());
    stage_->committed();
    checkpoint_ = offset_;
  }
  // As after a crash: what was not in a checkpoint is gone. The records since checkpoint_offset() must be fed again.
  void restart() {
    stage_ = std::make_unique<VisitorStage>(store_, settings_);
    offset_ = checkpoint_;
    index_ = 0;
    restored_.clear();
    INVARIANT(stage_->restore(restored_, [] {}).ok());
  }

  VisitorStage& stage() { return *stage_; }
  process::Outputs& out() { return out_; }
  process::Outputs& restored() { return restored_; }
  const process::MemoryStateStore& store() const { return store_; }
  std::uint64_t checkpoint_offset() const { return checkpoint_; }
  int refused() const { return refused_; }

  template <class Fact>
  std::vector<Fact> facts() const {
    std::vector<Fact> found;
    for (std::size_t i = 0; i < out_.emissions.size(); ++i) {
      const auto emitted = out_.fact(i);
      INVARIANT(emitted.ok());
      if (const auto* fact = std::get_if<Fact>(&*emitted)) found.push_back(*fact);
    }
    return found;
  }
  template <class View>
  static std::vector<View> views(const process::Outputs& out) {
    std::vector<View> found;
    for (const auto& update : out.views) {
      if (const auto* view = std::get_if<View>(&update)) found.push_back(*view);
    }
    return found;
  }
  template <class View>
  std::vector<View> views() const {
    return views<View>(out_);
  }
  static std::vector<event::VisitorView> visitors(const process::Outputs& out) {
    std::vector<event::VisitorView> found;
    for (std::size_t i = 0; i < out.visitors.size(); ++i) {
      auto view = event::decode_visitor(out.visitors[i]);
      INVARIANT(view.ok());
      found.push_back(*std::move(view));
    }
    return found;
  }
  std::shared_ptr<const event::VisitorView> visitor(std::string_view id) const {
    for (std::size_t i = out_.visitors.size(); i > 0; --i) {
      if (event::visitor_head(out_.visitors[i - 1]).visitor_id != id) continue;
      auto view = event::decode_visitor(out_.visitors[i - 1]);
      INVARIANT(view.ok());
      return std::make_shared<const event::VisitorView>(*std::move(view));
    }
    return nullptr;
  }

 private:
  VisitorSettings settings_;
  process::MemoryStateStore store_;
  std::unique_ptr<VisitorStage> stage_;
  process::Outputs out_;
  process::Outputs restored_;
  std::uint64_t offset_ = 0;
  std::uint64_t checkpoint_ = 0;
  std::uint32_t index_ = 0;
  int refused_ = 0;
};

}  // namespace millrace::commerce
