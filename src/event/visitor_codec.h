#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "event/view.h"

namespace millrace::event {

// Appends the view as bytes. Not persisted: readers and writers are of one process.
void encode_visitor(const VisitorView& view, std::string& out);
base::Result<VisitorView> decode_visitor(std::string_view encoded);

// What is cheap to read of an encoded view. The text points into it.
struct VisitorHead {
  std::string_view visitor_id;
  std::uint64_t session_id = 0;
  bool open = false;
  FunnelStep level = FunnelStep::landing;
};
// All zero when the bytes are not what encode_visitor() wrote.
VisitorHead visitor_head(std::string_view encoded);

}  // namespace millrace::event
