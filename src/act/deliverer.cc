#include "act/deliverer.h"

#include <algorithm>
#include <utility>

#include "act/signature.h"
#include "base/iso_time.h"
#include "event/record.h"
#include "http/http.h"

namespace millrace::act {

namespace {

constexpr std::size_t kReadBytes = 256 * 1024;

std::vector<std::string> names_of(const std::vector<Target>& targets) {
  std::vector<std::string> names;
  for (const Target& target : targets) names.push_back(target.name);
  return names;
}

std::string hex_id(std::uint64_t id) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string text(16, '0');
  for (std::size_t i = 0; i < 16; ++i) text[i] = kHex[(id >> (60 - 4 * i)) & 15];
  return text;
}

std::string body_of(const event::Action& action) {
  std::string body = "{\"id\":\"" + hex_id(action.id) + "\",\"kind\":";
  http::append_json_string(body, event::to_string(action.kind));
  body += ",\"visitor_id\":";
  http::append_json_string(body, action.visitor_id);
  body += ",\"user_id\":";
  if (action.user_id.empty()) {
    body += "null";
  } else {
    http::append_json_string(body, action.user_id);
  }
  body += ",\"at\":\"";
  base::append_iso_time(body, action.at);
  body += "\",\"payload\":";
  body += action.payload.empty() ? "{}" : action.payload;
  body += '}';
  return body;
}

// A receiver that is overloaded or broken is left alone for a while; what it dislikes about one action holds
// up no other.
AttemptResult judge(const base::Result<Receipt>& receipt) {
  using Kind = AttemptResult::Kind;
  if (!receipt.ok()) return {Kind::unreachable, receipt.error().message(), 0};
  const int status = receipt->status;
  if (status >= 200 && status < 300) return {};
  AttemptResult result{Kind::rejected, "status " + std::to_string(status), receipt->retry_after_s * 1000};
  if (status == 410) result.kind = Kind::refused;
  if (status == 408 || status == 429 || status >= 500) result.kind = Kind::unreachable;
  return result;
}

}  // namespace

Deliverer::Deliverer(const journal::Journal& actions, disk::Disk& disk, std::vector<Target> targets,
                     Transport& transport, const base::Clock& clock, base::Random& random,
                     DelivererSettings settings)
    : journal_(actions),
      disk_(disk),
      targets_(std::move(targets)),
      transport_(transport),
      clock_(clock),
      settings_(std::move(settings)),
      outbox_(names_of(targets_), settings_.limits, random) {}

base::Status Deliverer::open() {
  std::lock_guard lock(mutex_);
  const auto bytes = disk::read_file(disk_, settings_.state_path);
  if (bytes.ok()) {
    TRY(outbox_.restore(*bytes));
  } else if (bytes.error().code() != base::ErrorCode::not_found) {
    return bytes.error();
  }
  outbox_.skip_to(journal_.begin().value);
  announced_ = journal_.durable_end().value;
  saved_at_ = clock_.now();
  // From the first start on there is a state, so that a target which is configured later does not get
  // history.
  return disk::write_file_atomically(disk_, settings_.state_path, outbox_.encode());
}

base::Result<std::size_t> Deliverer::pump() {
  std::size_t count = 0;
  std::vector<event::Action> fresh;
  for (;;) {
    std::unique_lock lock(mutex_);
    const journal::Offset from{std::max(outbox_.next_offset(), journal_.begin().value)};
    // Only what a power cut cannot take back may leave.
    if (!outbox_.wants_more() || from >= journal_.durable_end()) break;
    lock.unlock();
    TRY_ASSIGN(const journal::RecordBatch batch, journal_.read(from, kReadBytes));
    if (batch.empty()) break;
    lock.lock();
    for (std::size_t i = 0; i < batch.payloads.size() && outbox_.wants_more(); ++i) {
      const std::uint64_t offset = batch.first.value + i;
      if (offset >= journal_.durable_end().value) break;
      const auto fact = event::decode_fact(batch.payloads[i]);
      const auto* action = fact.ok() ? std::get_if<event::Action>(&fact->fact) : nullptr;
      if (action == nullptr) {
        outbox_.skip_to(offset + 1);
      } else if (outbox_.add(offset, *action, clock_.wall())) {
        ++count;
        if (offset >= announced_) fresh.push_back(*action);
      }
      changed_ = true;
    }
  }
  if (observer_) {
    for (const event::Action& action : fresh) observer_(action);
  }
  bool due;
  {
    std::lock_guard lock(mutex_);
    due = changed_ && clock_.now() - saved_at_ >= settings_.save_interval_ms * 1'000'000;
  }
  if (due) TRY(save());
  return count;
}

base::Status Deliverer::save() {
  std::string state;
  {
    std::lock_guard lock(mutex_);
    state = outbox_.encode();
    changed_ = false;
    saved_at_ = clock_.now();
  }
  return disk::write_file_atomically(disk_, settings_.state_path, state);
}

Delivery Deliverer::compose(const Target& target, const event::Action& action) const {
  Delivery delivery;
  delivery.body = leaving_ ? leaving_(body_of(action)) : body_of(action);
  delivery.headers = {{"Content-Type", "application/json"}, {"Millrace-Action-Id", hex_id(action.id)}};
  if (!target.secret.empty()) {
    delivery.headers.emplace_back("Millrace-Signature",
                                  sign(target.secret, clock_.wall().ms / 1000, delivery.body));
  }
  return delivery;
}

bool Deliverer::deliver_one(std::size_t target) {
  std::optional<Attempt> attempt;
  {
    std::lock_guard lock(mutex_);
    attempt = outbox_.take(target, clock_.wall());
    if (!attempt) return false;
    ++figures_.attempts;
  }
  const auto receipt = transport_.post(targets_[target], compose(targets_[target], attempt->action));
  const AttemptResult result = judge(receipt);
  std::lock_guard lock(mutex_);
  const std::size_t pending_before = outbox_.pending();
  outbox_.finish(*attempt, result, clock_.wall());
  changed_ = true;
  if (result.kind == AttemptResult::Kind::delivered) {
    ++figures_.delivered;
  } else {
    ++figures_.errors;
    if (outbox_.pending() < pending_before) ++figures_.failed;
  }
  return true;
}

std::vector<OutboxEntry> Deliverer::list(std::size_t n, std::optional<DeliveryState> state) const {
  std::lock_guard lock(mutex_);
  return outbox_.list(n, state);
}

DelivererFigures Deliverer::figures() const {
  std::lock_guard lock(mutex_);
  DelivererFigures figures = figures_;
  figures.pending = outbox_.pending();
  return figures;
}

}  // namespace millrace::act
