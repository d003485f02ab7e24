#pragma once

#include <string_view>

#include "commerce/cart.h"
#include "process/state_store.h"
#include "serve/views.h"

namespace millrace::app {

// Views made from the state of the last checkpoint, for what serving no longer has in memory: exact, because what
// changed since then was published since then. Null when the partition does not know the id. Any thread.
serve::VisitorPointer stored_visitor_view(const process::StateStore& store, std::string_view visitor_id,
                                          const commerce::CartSettings& cart);
// The purposes that a visitor refuses (bits of event::Purpose); none of who is not in that state.
std::uint8_t stored_refusals(const process::StateStore& store, std::string_view visitor_id);
serve::ProductPointer stored_product_view(const process::StateStore& store, std::string_view product_id);

}  // namespace millrace::app
