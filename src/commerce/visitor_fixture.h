#pragma once

#include <cstdint>
#include <string>

#include "commerce/visitor_harness.h"

// What visitors do, in the words of the stage's tests.
namespace millrace::commerce {

constexpr std::int64_t kStart = 1'700'000'040'000;  // On a minute.
constexpr std::int64_t kMinute = base::kMinuteMs;
constexpr std::int64_t kHour = base::kHourMs;

// An event with an id of its own.
inline TestEvent at(std::int64_t after_ms, event::EventType type, std::string product = {}) {
  static int number = 0;
  TestEvent event{.type = type, .at_ms = kStart + after_ms};
  event.texts.emplace_back(event::Text::message_id, "message-" + std::to_string(number++));
  if (!product.empty()) event.lines.push_back({product, "shoes", 1, 10'000'000});
  return event;
}
inline TestEvent page(std::int64_t after_ms) { return at(after_ms, event::EventType::page_viewed); }
inline TestEvent add(std::int64_t after_ms, std::string product = "p1") {
  return at(after_ms, event::EventType::product_added, product);
}
inline TestEvent buy(std::int64_t after_ms, std::string order = "order-1") {
  TestEvent event = at(after_ms, event::EventType::order_completed, "p1");
  event.texts.emplace_back(event::Text::order_id, order);
  return event;
}
inline TestEvent by(std::string visitor, TestEvent event, std::string user = {}) {
  event.visitor = visitor;
  if (!user.empty()) event.texts.emplace_back(event::Text::user_id, user);
  return event;
}

// Event time past everything that is armed.
inline void finish(VisitorHarness& harness) {
  harness.tick(kStart + 10 * base::kDayMs);
  harness.end_batch();
}

inline std::size_t actions(const VisitorHarness& harness, event::ActionKind kind) {
  std::size_t count = 0;
  for (const auto& action : harness.facts<event::Action>()) count += action.kind == kind;
  return count;
}
inline std::size_t abandoned(const VisitorHarness& harness) {
  return actions(harness, event::ActionKind::cart_abandoned);
}
inline std::size_t cancelled(const VisitorHarness& harness) {
  return actions(harness, event::ActionKind::cart_abandonment_cancelled);
}

// One abandonment does not silence the next.
inline VisitorSettings unsilenced() {
  VisitorSettings settings;
  settings.cart.silence_ms = 0;
  return settings;
}

}  // namespace millrace::commerce
