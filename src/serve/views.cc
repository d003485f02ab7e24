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

Applied Views::apply(const event::ViewGroup& group, std::optional<base::Instant> durable_at) {
  if (group.empty()) return Applied::yes;
  PartitionMark& mark = mark_of(group.topic, group.partition);
  std::lock_guard lock(mark.mutex);
  if (mark.any && group.epoch < mark.epoch) {
    counters_.stale.fetch_add(1, std::memory_order_relaxed);
    return Applied::stale_epoch;
  }
  if (mark.any && group.epoch == mark.epoch &&
      std::pair(group.offset, group.part) <= std::pair(mark.offset, mark.part)) {
    counters_.repeated.fetch_add(1, std::memory_order_relaxed);
    return Applied::repeated;
  }
  mark.any = true;
  mark.epoch = group.epoch;
  mark.offset = group.offset;
  mark.part = group.part;

  bool has_cells = false;
  for (const event::ViewUpdate& update : group.updates) {
    std::visit(
        Overloaded{
            [&](const ProductPointer& view) { apply_product(view); },
            [&](const std::shared_ptr<const event::TrendingView>& view) {
              // A ranking follows from facts and from time, which no client sent.
              trending_.apply(group.partition, view, clock_.wall());
            },
            [&](const event::FunnelCell&) { has_cells = true; },
            [&](const event::LedgerCell&) { has_cells = true; },
            [&](const event::ClickView&) {},  // The recommendation index's alone.
            [&](const std::shared_ptr<const event::SessionClosedView>& closed) { apply_closed(*closed); },
        },
        update);
  }
  for (std::size_t i = 0; i < group.visitors.size(); ++i) apply_visitor(group.visitors[i]);
  if (has_cells) apply_cells(group);
  if (group.cells_from.ms > 0) {
    funnel_.incomplete_before(group.cells_from);
    ledger_.incomplete_before(group.cells_from);
  }
  counters_.groups.fetch_add(1, std::memory_order_relaxed);
  counters_.updates.fetch_add(group.updates.size() + group.visitors.size(), std::memory_order_relaxed);
  if (durable_at && group.received_at.ms > 0) {
    visible_us_.record(static_cast<std::uint64_t>((clock_.now() - *durable_at) / 1000));
  }
  return Applied::yes;
}

void Views::apply_visitor(std::string_view encoded) {
  const event::VisitorHead head = event::visitor_head(encoded);
  event::VisitorHead previous;
  visitors_.put(head.visitor_id, encoded, [&](const std::string& replaced) {
    previous = event::visitor_head(replaced);
    previous.visitor_id = {};
  });
  if (head.session_id == 0) return;
  const bool same = previous.session_id == head.session_id;
  if (same && previous.open == head.open && previous.level == head.level) return;
  // A newer session ends the one before it, whose closing may be announced later.
  if (!same && previous.open) open_sessions_.closed(previous.session_id);
  if (head.open) {
    open_sessions_.opened(head.session_id);
  } else {
    open_sessions_.closed(head.session_id);
  }
  if (const auto view = event::decode_visitor(encoded); view.ok())
    recent_sessions_.changed(summary_of(*view));
}

void Views::apply_product(const ProductPointer& view) {
  ProductPointer previous;
  products_.put(view->product_id, view, [&](const ProductPointer& replaced) { previous = replaced; });
  top_.update(view, previous.get());
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
  auto encoded = visitors_.find(visitor_id);
  if (!encoded) {
    if (!loaders_.visitor) return nullptr;
    counters_.visitor_loads.fetch_add(1, std::memory_order_relaxed);
    const VisitorPointer loaded = loaders_.visitor(visitor_id);
    if (!loaded) return nullptr;
    encoded.emplace();
    event::encode_visitor(*loaded, *encoded);
    encoded = visitors_.put_if_absent(visitor_id, *std::move(encoded));
  }
  auto view = event::decode_visitor(*encoded);
  return view.ok() ? std::make_shared<const event::VisitorView>(*std::move(view)) : nullptr;
}

ProductPointer Views::product(std::string_view product_id) {
  if (auto view = products_.find(product_id)) return *std::move(view);
  if (!loaders_.product) return nullptr;
  counters_.product_loads.fetch_add(1, std::memory_order_relaxed);
  auto loaded = loaders_.product(product_id);
  return loaded ? products_.put_if_absent(product_id, std::move(loaded)) : nullptr;
}

std::vector<ProductPointer> Views::top_products(ProductOrder order, std::size_t n) const {
  return top_.best(order, n);
}

Views::Sizes Views::sizes() const {
  return {visitors_.size(),      products_.size(),    trending_.size(),   funnel_.size(),
          open_sessions_.size(), visitors_.evicted(), products_.evicted()};
}

}  // namespace millrace::serve
