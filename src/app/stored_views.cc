#include "app/stored_views.h"

#include <string>

#include "commerce/product_state.h"
#include "commerce/visitor_keys.h"
#include "commerce/visitor_state.h"

namespace millrace::app {

namespace {

template <class T>
bool load(const process::StateStore& store, std::string_view prefix, std::string_view id, T& into) {
  std::string key(prefix);
  key += id;
  const auto value = store.get(key);
  return value.ok() && value->has_value() && T::decode(**value, into);
}

}  // namespace

serve::VisitorPointer stored_visitor_view(const process::StateStore& store, std::string_view visitor_id,
                                          const commerce::CartSettings& cart) {
  commerce::VisitorState state;
  if (!load(store, commerce::kVisitorsPrefix, visitor_id, state)) return nullptr;
  auto view = std::make_shared<event::VisitorView>();
  commerce::fill_visitor_view(visitor_id, state, cart, *view);
  if (state.refuses(event::Purpose::personalisation)) return view;
  commerce::fill_bought(state.purchases, *view, [&](const std::string& product_id) {
    commerce::Repurchases known;
    return load(store, commerce::kRepurchasesPrefix, product_id, known) && known.replenished();
  });
  return view;
}

std::uint8_t stored_refusals(const process::StateStore& store, std::string_view visitor_id) {
  commerce::VisitorState state;
  return load(store, commerce::kVisitorsPrefix, visitor_id, state) ? state.refused : std::uint8_t{0};
}

serve::ProductPointer stored_product_view(const process::StateStore& store, std::string_view product_id) {
  commerce::Product product;
  if (!load(store, commerce::kProductPrefix, product_id, product)) return nullptr;
  return std::make_shared<const event::ProductView>(
      commerce::product_view(product_id, product.counters, product.stock));
}

}  // namespace millrace::app
