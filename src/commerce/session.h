#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "commerce/event_mark.h"
#include "commerce/funnel.h"
#include "event/event.h"
#include "event/row.h"

namespace millrace::commerce {

// An accepted event on its way through the operators.
struct Arrival {
  const event::Event& event;
  EventMark mark;
  std::int64_t watermark_ms = 0;  // Before this event.
  std::uint64_t visitor_hash = 0;
  event::Money order_net;  // Of an order_completed.
};

struct SessionItem {
  EventMark mark;
  std::string product_id;
};

// What the first event of a session says of all of it.
struct FirstTouch {
  event::Channel channel = event::Channel::direct;
  event::Device device = event::Device::unknown;
  std::string campaign_source;
  std::string campaign_medium;
  std::string campaign_name;
  std::string country;
  std::string entry_page;
};

// One visit. Everything in it can be joined with another visit's, whatever order their events came in.
struct Session {
  std::uint64_t id = 0;
  std::uint32_t version = 0;  // Rows that told of it so far.
  bool closed = false;        // The last of them is still true.
  EventMark first;
  EventMark last;
  std::int64_t due_ms = 0;  // It closes when the watermark is past this.
  std::uint32_t events = 0;
  std::uint32_t page_views = 0;
  std::uint32_t product_views = 0;
  std::uint32_t cart_adds = 0;
  std::uint32_t orders = 0;
  event::Money revenue;
  event::Currency
      currency;  // Of the first order seen; orders in another one count but do not add to revenue.
  event::FunnelStep step = event::FunnelStep::landing;  // The highest that a single event reached.
  FirstTouch touch;
  EventMark category_mark;  // Of the first product with a category; set with it.
  std::string category;
  EventMark exit_mark;
  std::string exit_page;
  std::vector<SessionItem> items;  // In order of mark.

  event::FunnelStep level() const {
    return page_views > 1 && step < event::FunnelStep::browse ? event::FunnelStep::browse : step;
  }
  FunnelPlace place() const;
  // Counts an event in; any order gives the same session.
  void absorb(const Arrival& arrival, std::size_t items_max);
  // Takes over all that the other one holds. The id stays.
  void join(Session&& other, std::size_t items_max);
  // Without offset, visitor and user.
  event::SessionRow row() const;
  void encode(base::ByteWriter& writer) const;
  bool decode(base::ByteReader& reader);
};

}  // namespace millrace::commerce
