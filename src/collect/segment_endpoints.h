#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "collect/dialect.h"
#include "collect/event_mapper.h"

namespace millrace::collect {

// How the items of a Segment / RudderStack request are packed.
enum class SegmentShape : std::uint8_t {
  one,                   // The body is the item, its call is in the path.
  batch,                 // {"batch": [...], "context"?, "integrations"?, "sentAt"?, "writeKey"?}
  history,               // The same; event times are taken as they are.
  pixel,                 // The query is the item; the answer is an image, whatever happens.
  settings,              // What analytics.js must read before it sends.
  source_configuration,  // The same for RudderStack's.
  health,
  preflight,
};

struct SegmentEndpoint {
  http::Method method;
  std::string_view pattern;
  SegmentShape shape;
  Call call = Call::track;
};

// Positions in it are the endpoint ids. Every POST path has a preflight too; their ids follow.
std::span<const SegmentEndpoint> segment_endpoints();

}  // namespace millrace::collect
