#pragma once

namespace millrace::commerce {

// Where the parts of the visitor stage's state lie in its store; docs/formats/visitor_state.md. No prefix begins another.
constexpr char kVisitorsPrefix[] = "v/";
constexpr char kUsersPrefix[] = "u/";
constexpr char kTimersPrefix[] = "t/";
constexpr char kRepurchasesPrefix[] = "b/";
constexpr char kFunnelPrefix[] = "f/";
constexpr char kLedgerPrefix[] = "l/";
constexpr char kMessagesPrefix[] = "m/";
constexpr char kWatermarkKey[] = "w";
constexpr char kTotalsKey[] = "n";
// Queues of what is to be forgotten in its time.
constexpr char kVisitorQueuePrefix[] = "q/v/";
constexpr char kUserQueuePrefix[] = "q/u/";
constexpr char kRepurchasesQueuePrefix[] = "q/b/";
constexpr char kFunnelQueuePrefix[] = "q/f/";
constexpr char kLedgerQueuePrefix[] = "q/l/";

}  // namespace millrace::commerce
