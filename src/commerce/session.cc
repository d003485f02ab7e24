#include "commerce/session.h"

#include <algorithm>

#include "commerce/channel.h"
#include "commerce/device.h"

namespace millrace::commerce {

namespace {

using event::EventType;
using event::Text;

FirstTouch first_touch(const event::Event& event) {
  FirstTouch touch;
  touch.channel = classify_channel(event);
  touch.device = classify_device(event);
  touch.campaign_source = event[Text::campaign_source];
  touch.campaign_medium = event[Text::campaign_medium];
  touch.campaign_name = event[Text::campaign_name];
  const auto country = classify_country(event);
  if (country[0] != 0) touch.country.assign(country.data(), country.size());
  touch.entry_page = event[Text::page_path];
  return touch;
}

event::Money saturating_add(event::Money a, event::Money b) {
  if (const auto sum = event::add(a, b)) return *sum;
  return {a.micros > 0 ? event::kMicrosMax : -event::kMicrosMax};
}

bool shows_product(EventType type) {
  return type == EventType::product_viewed || type == EventType::product_added ||
         type == EventType::wishlist_moved_to_cart;
}

template <class Enum>
bool read_enum(base::ByteReader& reader, Enum& into, std::size_t count) {
  const auto value = reader.u8();
  into = static_cast<Enum>(value);
  return value < count;
}

}  // namespace

FunnelPlace Session::place() const {
  std::int64_t minute = first.at_ms / base::kMinuteMs;
  if (first.at_ms < 0 && first.at_ms % base::kMinuteMs != 0) --minute;
  return {minute * base::kMinuteMs, touch.channel, touch.device, category, level()};
}

void Session::absorb(const Arrival& arrival, std::size_t items_max) {
  const event::Event& event = arrival.event;
  if (events == 0 || arrival.mark < first) {
    first = arrival.mark;
    touch = first_touch(event);
  }
  if (events == 0 || last < arrival.mark) last = arrival.mark;
  ++events;
  step = std::max(step, funnel_step(event));
  const auto page = event[Text::page_path];
  if (!page.empty() && (exit_page.empty() || exit_mark < arrival.mark)) {
    exit_mark = arrival.mark;
    exit_page = page;
  }
  switch (event.type) {
    case EventType::page_viewed:
    case EventType::screen_viewed: ++page_views; break;
    case EventType::product_viewed: ++product_views; break;
    case EventType::product_added:
    case EventType::wishlist_moved_to_cart: ++cart_adds; break;
    case EventType::order_completed:
      ++orders;
      if (!currency.known()) currency = event.currency;
      if (currency == event.currency) revenue = saturating_add(revenue, arrival.order_net);
      break;
    default: break;
  }
  if (!shows_product(event.type)) return;
  for (const auto& line : event.products) {
    if (!line.category.empty() && (category.empty() || arrival.mark < category_mark)) {
      category_mark = arrival.mark;
      category = line.category;
    }
    if (line.product_id.empty()) continue;
    auto at = items.end();
    while (at != items.begin() && arrival.mark < std::prev(at)->mark) --at;
    items.insert(at, SessionItem{arrival.mark, std::string(line.product_id)});
    if (items.size() > items_max) items.erase(items.begin());
  }
}

void Session::join(Session&& other, std::size_t items_max) {
  if (other.first < first) {
    first = other.first;
    touch = std::move(other.touch);
  }
  last = std::max(last, other.last);
  closed = closed && other.closed;
  due_ms = std::max(due_ms, other.due_ms);
  events += other.events;
  page_views += other.page_views;
  product_views += other.product_views;
  cart_adds += other.cart_adds;
  orders += other.orders;
  if (!currency.known()) currency = other.currency;
  if (currency == other.currency) revenue = saturating_add(revenue, other.revenue);
  step = std::max(step, other.step);
  if (!other.category.empty() && (category.empty() || other.category_mark < category_mark)) {
    category_mark = other.category_mark;
    category = std::move(other.category);
  }
  if (!other.exit_page.empty() && (exit_page.empty() || exit_mark < other.exit_mark)) {
    exit_mark = other.exit_mark;
    exit_page = std::move(other.exit_page);
  }
  const auto middle = static_cast<std::ptrdiff_t>(items.size());
  std::move(other.items.begin(), other.items.end(), std::back_inserter(items));
  std::inplace_merge(items.begin(), items.begin() + middle, items.end(),
                     [](const SessionItem& a, const SessionItem& b) { return a.mark < b.mark; });
  if (items.size() > items_max)
    items.erase(items.begin(), items.end() - static_cast<std::ptrdiff_t>(items_max));
}

event::SessionRow Session::row() const {
  event::SessionRow row;
  row.session_id = id;
  row.version = version;
  row.started_at = {first.at_ms};
  row.ended_at = {last.at_ms};
  row.events = events;
  row.page_views = page_views;
  row.product_views = product_views;
  row.cart_adds = cart_adds;
  row.orders = orders;
  row.revenue = revenue;
  row.currency = currency;
  row.channel = touch.channel;
  row.device = touch.device;
  row.level = level();
  row.campaign_source = touch.campaign_source;
  row.campaign_medium = touch.campaign_medium;
  row.campaign_name = touch.campaign_name;
  row.country = touch.country;
  row.category = category;
  row.entry_page = touch.entry_page;
  row.exit_page = exit_page;
  return row;
}

void Session::encode(base::ByteWriter& writer) const {
  writer.u64(id);
  writer.varint(version);
  writer.u8(closed ? 1 : 0);
  write_mark(first, writer);
  write_mark(last, writer);
  writer.zigzag(due_ms);
  for (const auto count : {events, page_views, product_views, cart_adds, orders}) writer.varint(count);
  writer.zigzag(revenue.micros);
  writer.text(currency.text());
  writer.u8(static_cast<std::uint8_t>(step));
  writer.u8(static_cast<std::uint8_t>(touch.channel));
  writer.u8(static_cast<std::uint8_t>(touch.device));
  writer.text(touch.campaign_source);
  writer.text(touch.campaign_medium);
  writer.text(touch.campaign_name);
  writer.text(touch.country);
  writer.text(touch.entry_page);
  write_mark(category_mark, writer);
  writer.text(category);
  write_mark(exit_mark, writer);
  writer.text(exit_page);
  writer.varint(items.size());
  for (const auto& item : items) {
    write_mark(item.mark, writer);
    writer.text(item.product_id);
  }
}

bool Session::decode(base::ByteReader& reader) {
  id = reader.u64();
  version = static_cast<std::uint32_t>(reader.varint());
  closed = reader.u8() != 0;
  first = read_mark(reader);
  last = read_mark(reader);
  due_ms = reader.zigzag();
  for (auto* count : {&events, &page_views, &product_views, &cart_adds, &orders}) {
    *count = static_cast<std::uint32_t>(reader.varint());
  }
  revenue.micros = reader.zigzag();
  currency = event::parse_currency(reader.text());
  const bool enums = read_enum(reader, step, event::kFunnelStepCount) &&
                     read_enum(reader, touch.channel, event::kChannelCount) &&
                     read_enum(reader, touch.device, event::kDeviceCount);
  touch.campaign_source = reader.text();
  touch.campaign_medium = reader.text();
  touch.campaign_name = reader.text();
  touch.country = reader.text();
  touch.entry_page = reader.text();
  category_mark = read_mark(reader);
  category = reader.text();
  exit_mark = read_mark(reader);
  exit_page = reader.text();
  const auto count = reader.varint();
  if (!reader.ok() || !enums || count > reader.remaining()) return false;
  items.clear();
  items.reserve(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    const EventMark mark = read_mark(reader);
    items.push_back({mark, std::string(reader.text())});
  }
  return reader.ok();
}

}  // namespace millrace::commerce
