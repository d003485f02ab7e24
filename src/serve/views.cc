#include "serve/views.h"

#include <utility>

namespace millrace::serve {

namespace {

template <class... Fs>
struct Overloaded : Fs... {
  using Fs::operator()...;
};
template <class... Fs>
Overloaded(Fs...) -> Overloaded<Fs...>;

SessionSummary summary_of(const event::VisitorView& view) {
  return {view.session_id,
          view.visitor_id,
          view.open,
          view.channel,
          view.device,
          view.country,
          view.level,
          view.session_events,
          view.entry_page,
          view.session_started,
          view.items.empty() ? "" : view.items.back()};
}

SessionSummary summary_of(const event::SessionClosedView& closed) {
  const event::SessionRow& row = closed.row;
  return {closed.session_id,
          row.visitor_id,
          false,
          row.channel,
          row.device,
          row.country,
          row.level,
          row.events,
          row.entry_page,
          row.started_at,
          closed.items.empty() ? "" : closed.items.back()};
}

}  // namespace

Views::Views(ViewLimits limits, ViewLoaders loaders, const base::Clock& clock)
    : limits_(limits),
      loaders_(std::move(loaders)),
      clock_(clock),
      visitors_(limits.visitors_max),
      products_(limits.products_max),
      top_{TopProducts(ProductOrder::revenue), TopProducts(ProductOrder::views),
           TopProducts(ProductOrder::purchases)},
      trending_(limits.trending_categories_max),
      funnel_(limits.funnel),
      ledger_(limits.ledger_cells_max),
      recent_sessions_(limits.recent_sessions_max),
      open_sessions_(limits.open_sessions_max) {}

Views::PartitionMark& Views::mark_of(std::uint8_t topic, std::uint32_t partition) {
  std::lock_guard lock(marks_mutex_);
  auto& mark = marks_[{topic, partition}];
  if (!mark) mark = std::make_unique<PartitionMark>();
  return *mark;
}

Applied Views::apply(const event::ViewGroup& group) {
  if (group.updates.empty()) return Applied::yes;
  PartitionMark& mark = mark_of(group.topic, group.partition);
  std::lock_guard lock(mark.mutex);
  if (mark.any && group.epoch < mark.epoch) {
    counters_.stale.fetch_add(1, std::memory_order_relaxed);
    return Applied::stale_epoch;
  }
  if (mark.any && group.epoch == mark.epoch && group.offset <= mark.offset) {
    counters_.repeated.fetch_add(1, std::memory_order_relaxed);
    return Applied::repeated;
  }
  mark.any = true;
  mark.epoch = group.epoch;
  mark.offset = group.offset;

  bool has_cells = false;
  for (const event::ViewUpdate& update : group.updates) {
    std::visit(Overloaded{
                   [&](const VisitorPointer& view) { apply_visitor(view); },
                   [&](const ProductPointer& view) { apply_product(view); },
                   [&](const std::shared_ptr<const event::TrendingView>& view) {
                     trending_.apply(group.partition, view, group.received_at);
                   },
                   [&](const event::FunnelCell&) { has_cells = true; },
                   [&](const event::LedgerCell&) { has_cells = true; },
                   [&](const event::ClickView&) {},  // The recommendation index's alone.
                   [&](const event::SessionClosedView& closed) { apply_closed(closed); },
               },
               update);
  }
  if (has_cells) apply_cells(group);
  counters_.groups.fetch_add(1, std::memory_order_relaxed);
  counters_.updates.fetch_add(group.updates.size(), std::memory_order_relaxed);
  if (group.received_at.ms > 0) {
    const std::int64_t elapsed_ms = clock_.wall() - group.received_at;
    visible_ms_.record(static_cast<std::uint64_t>(elapsed_ms < 0 ? 0 : elapsed_ms));
  }
  return Applied::yes;
}

void Views::apply_visitor(const VisitorPointer& view) {
  const VisitorPointer previous = visitors_.put(view);
  if (view->session_id == 0) return;
  const bool same = previous && previous->session_id == view->session_id;
  if (same && previous->open == view->open && previous->level == view->level) return;
  // A newer session ends the one before it, whose closing may be announced later.
  if (!same && previous && previous->open) open_sessions_.closed(previous->session_id);
  if (view->open) {
    open_sessions_.opened(view->session_id);
  } else {
    open_sessions_.closed(view->session_id);
  }
  recent_sessions_.changed(summary_of(*view));
}

void Views::apply_product(const ProductPointer& view) {
  const ProductPointer previous = products_.put(view);
  for (TopProducts& top : top_) top.update(view, previous.get());
}

void Views::apply_closed(const event::SessionClosedView& closed) {
  open_sessions_.closed(closed.session_id);
  if (closed.row.retracted) {
    recent_sessions_.retracted(closed.session_id);
  } else {
    recent_sessions_.changed(summary_of(closed));
  }
}

void Views::apply_cells(const event::ViewGroup& group) {
  std::vector<const event::FunnelCell*> funnel;
  std::vector<const event::LedgerCell*> ledger;
  for (const event::ViewUpdate& update : group.updates) {
    if (const auto* cell = std::get_if<event::FunnelCell>(&update)) funnel.push_back(cell);
    if (const auto* cell = std::get_if<event::LedgerCell>(&update)) ledger.push_back(cell);
  }
  if (!funnel.empty()) funnel_.apply(group.partition, funnel);
  if (!ledger.empty()) ledger_.apply(group.partition, ledger);
}

VisitorPointer Views::visitor(std::string_view visitor_id) {
  if (auto view = visitors_.find(visitor_id)) return view;
  if (!loaders_.visitor) return nullptr;
  counters_.visitor_loads.fetch_add(1, std::memory_order_relaxed);
  auto loaded = loaders_.visitor(visitor_id);
  return loaded ? visitors_.put_if_absent(std::move(loaded)) : nullptr;
}

ProductPointer Views::product(std::string_view product_id) {
  if (auto view = products_.find(product_id)) return view;
  if (!loaders_.product) return nullptr;
  counters_.product_loads.fetch_add(1, std::memory_order_relaxed);
  auto loaded = loaders_.product(product_id);
  return loaded ? products_.put_if_absent(std::move(loaded)) : nullptr;
}

std::vector<ProductPointer> Views::top_products(ProductOrder order, std::size_t n) const {
  return top_[static_cast<std::size_t>(order)].best(n);
}

Views::Sizes Views::sizes() const {
  return {visitors_.size(),      products_.size(),    trending_.size(),   funnel_.size(),
          open_sessions_.size(), visitors_.evicted(), products_.evicted()};
}

}  // namespace millrace::serve
