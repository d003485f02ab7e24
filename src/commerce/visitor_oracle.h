#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "commerce/visitor_harness.h"

namespace millrace::commerce {

// What the visitor stage should come to, computed the slow way: the whole history is known, sorted, and walked once for each
// question. It shares the classification of single events with the stage (funnel_step, channels), and nothing else.
// Histories must keep to what it leaves out: no users, no session near 24 hours, carts within their limits.
class VisitorOracle {
 public:
  struct SessionFigures {
    std::int64_t start = 0, end = 0;
    std::uint32_t events = 0, pages = 0, product_views = 0, cart_adds = 0, orders = 0;
    std::int64_t revenue = 0;
    event::FunnelStep level = event::FunnelStep::landing;
    std::string campaign, category, entry, exit;
    std::vector<std::string> items;
    auto operator<=>(const SessionFigures&) const = default;
  };
  using CellKey = std::tuple<std::int64_t, std::string>;
  struct Figures {
    std::vector<event::Verdict> verdicts;
    std::map<std::string, std::vector<SessionFigures>> sessions;
    std::map<CellKey, std::array<std::uint32_t, event::kFunnelStepCount>> funnel;
    std::map<std::string, std::multiset<std::int64_t>> abandoned;  // When, by visitor.
    std::map<std::string, std::size_t> cancelled;
    std::map<std::pair<std::uint16_t, std::int64_t>, std::array<std::uint64_t, event::kVerdictCount>> ledger;
    // By the same key: events that consent pseudonymised, and anonymised.
    std::map<std::pair<std::uint16_t, std::int64_t>, std::array<std::uint64_t, 2>> consent;
    std::uint64_t late = 0;
  };

  explicit VisitorOracle(VisitorSettings settings) : settings_(settings) {}

  Figures compute(const std::vector<TestEvent>& history) {
    Figures figures;
    judge(history, figures);
    std::set<std::string> visitors;
    for (const auto& event : history) visitors.insert(event.visitor);
    for (const auto& visitor : visitors) {
      figures.sessions[visitor] = sessions(history, visitor, figures);
      carts(history, visitor, figures);
    }
    return figures;
  }

 private:
  // How each event was received: its verdict, the watermark before it, and whether it came too late.
  void judge(const std::vector<TestEvent>& history, Figures& figures) {
    watermark_.assign(history.size(), 0);
    late_.assign(history.size(), false);
    std::int64_t watermark = 0;
    std::set<std::tuple<std::uint16_t, std::string, std::string>> messages;
    std::set<std::pair<std::string, std::string>> orders;
    std::map<std::string, std::int64_t> newest;
    for (std::size_t i = 0; i < history.size(); ++i) {
      const TestEvent& event = history[i];
      std::string id, order;
      for (const auto& [field, text] : event.texts) {
        if (field == event::Text::message_id) id = text;
        if (field == event::Text::order_id && event.type == event::EventType::order_completed) order = text;
      }
      bool duplicate = !messages.emplace(event.source, event.visitor, id).second;
      if (!duplicate && !order.empty()) duplicate = !orders.emplace(event.visitor, order).second;
      figures.verdicts.push_back(duplicate ? event::Verdict::duplicate : event::Verdict::accepted);
      ++figures.ledger[{event.source, event.received() / base::kMinuteMs}]
                      [static_cast<std::size_t>(figures.verdicts[i])];
      auto& consent = figures.consent[{event.source, event.received() / base::kMinuteMs}];
      consent[0] += event.has(event::Flag::pseudonymised);
      consent[1] += event.has(event::Flag::anonymised);
      watermark_[i] = watermark;
      if (duplicate) continue;
      const auto known = newest.find(event.visitor);
      late_[i] = known != newest.end() &&
                 event.at_ms < std::min(watermark, known->second) - settings_.session.lateness_ms;
      figures.late += late_[i] ? 1 : 0;
      if (known == newest.end() || (known->second < event.at_ms && !late_[i]))
        newest[event.visitor] = event.at_ms;
      watermark =
          std::max(watermark, std::min(event.at_ms, event.received()) - settings_.watermark.lateness_ms);
    }
    verdicts_ = figures.verdicts;
  }

  bool counts(const std::vector<TestEvent>& history, std::size_t i, const std::string& visitor) const {
    return history[i].visitor == visitor && verdicts_[i] == event::Verdict::accepted;
  }

  std::vector<SessionFigures> sessions(const std::vector<TestEvent>& history, const std::string& visitor,
                                       Figures& figures) {
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < history.size(); ++i) {
      if (counts(history, i, visitor) && !late_[i]) order.push_back(i);
    }
    std::stable_sort(order.begin(), order.end(),
                     [&](auto a, auto b) { return history[a].at_ms < history[b].at_ms; });
    std::vector<SessionFigures> found;
    for (const std::size_t i : order) {
      const TestEvent& event = history[i];
      const bool fresh = found.empty() || event.at_ms - found.back().end > settings_.session.gap_ms;
      if (fresh) found.emplace_back().start = event.at_ms;
      add(found.back(), event, fresh);
    }
    for (auto& session : found) {
      if (session.pages > 1) session.level = std::max(session.level, event::FunnelStep::browse);
      auto& cell = figures.funnel[{session.start / base::kMinuteMs * base::kMinuteMs, session.category}];
      for (std::size_t step = 0; step <= static_cast<std::size_t>(session.level); ++step) ++cell[step];
    }
    return found;
  }

  static void add(SessionFigures& session, const TestEvent& event, bool fresh) {
    using event::EventType;
    ++session.events;
    session.end = event.at_ms;
    for (const auto& [field, text] : event.texts) {
      if (field == event::Text::page_path && fresh) session.entry = text;
      if (field == event::Text::page_path && !text.empty()) session.exit = text;
      if (field == event::Text::campaign_name && fresh) session.campaign = text;
    }
    session.pages += event.type == EventType::page_viewed;
    session.product_views += event.type == EventType::product_viewed;
    session.cart_adds += event.type == EventType::product_added;
    event::Event typed;
    typed.type = event.type;
    session.level = std::max(session.level, funnel_step(typed));
    if (event.type == EventType::order_completed) {
      ++session.orders;
      session.revenue += event.revenue_micros;
    }
    if (event.type != EventType::product_viewed && event.type != EventType::product_added) return;
    for (const auto& line : event.lines) {
      session.items.push_back(line.product_id);
      if (session.category.empty()) session.category = line.category;
    }
  }

  // Changes stand where the watermark let them take effect: at their own time, or at the watermark they came behind.
  void carts(const std::vector<TestEvent>& history, const std::string& visitor, Figures& figures) {
    using event::EventType;
    std::vector<std::pair<std::int64_t, std::size_t>> line;
    for (std::size_t i = 0; i < history.size(); ++i) {
      const EventType type = history[i].type;
      const bool cart = type == EventType::product_added || type == EventType::product_removed ||
                        type == EventType::order_completed;
      if (!cart || !counts(history, i, visitor) || (late_[i] && type != EventType::order_completed)) continue;
      line.emplace_back(std::max(history[i].at_ms, watermark_[i]), i);
    }
    std::sort(line.begin(), line.end());
    std::map<std::string, std::int64_t> contents;
    std::int64_t armed = -1, expires = 0, bought = -1, last = std::numeric_limits<std::int64_t>::min() / 2;
    std::size_t outstanding = 0;
    const std::int64_t hour = settings_.cart.abandoned_after_ms;
    const auto abandon = [&] {
      const std::int64_t at = armed + hour;
      armed = -1;
      if (settings_.cart.silence_ms > 0 && at < last + settings_.cart.silence_ms) return;
      last = at;
      outstanding = std::min(outstanding + 1, settings_.cart.outstanding_max);
      figures.abandoned[visitor].insert(at);
    };
    for (const auto& [effect, i] : line) {
      const TestEvent& event = history[i];
      if (armed >= 0 && (event.at_ms > armed + hour || effect > expires)) abandon();
      if (event.type == EventType::order_completed) {
        figures.cancelled[visitor] += outstanding;
        outstanding = 0;
        armed = -1;
        bought = std::max(bought, event.at_ms);
        contents.clear();
        continue;
      }
      if (event.at_ms < bought) continue;
      for (const auto& product : event.lines) {
        auto& quantity = contents[product.product_id];
        quantity += event.type == EventType::product_added ? product.quantity : -product.quantity;
        if (quantity <= 0) contents.erase(product.product_id);
      }
      armed = contents.empty() ? -1 : std::max(armed, event.at_ms);
      expires = std::max(armed + hour, effect + settings_.cart.straggler_ms);
    }
    if (armed >= 0) abandon();
  }

  VisitorSettings settings_;
  std::vector<std::int64_t> watermark_;
  std::vector<bool> late_;
  std::vector<event::Verdict> verdicts_;
};

}  // namespace millrace::commerce
