#include "commerce/session_history.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/hash.h"

namespace millrace::commerce {

namespace {

void emit(Session& session, SessionEffects& effects) {
  session.closed = true;
  ++session.version;
  auto& row = effects.rows.emplace_back();
  row.row = session.row();
  row.items.reserve(session.items.size());
  for (const auto& item : session.items) row.items.push_back(item.product_id);
}

void retract(Session& session, SessionEffects& effects) {
  if (session.version == 0) return;  // Nobody was told of it.
  ++session.version;
  auto& row = effects.rows.emplace_back();
  row.row = session.row();
  row.row.retracted = true;
}

// Where a session would be counted after its first event; before it, nowhere.
class Counted {
 public:
  explicit Counted(const Session& session) : before_(session.place()) {}
  void settle(const Session& session, SessionEffects& effects) {
    FunnelPlace after = session.place();
    if (after == before_) return;
    effects.left.push_back(std::move(before_));
    effects.entered.push_back(std::move(after));
  }

 private:
  FunnelPlace before_;
};

bool near(const Session& session, const SessionSettings& settings, std::int64_t at_ms) {
  return at_ms >= session.first.at_ms - settings.gap_ms && at_ms <= session.last.at_ms + settings.gap_ms;
}

bool fits(const Session& session, const SessionSettings& settings, std::int64_t at_ms) {
  return std::max(session.last.at_ms, at_ms) - std::min(session.first.at_ms, at_ms) <= settings.length_ms_max;
}

void touch(Session& session, const SessionSettings& settings, const Arrival& arrival) {
  session.absorb(arrival, settings.items_max);
  session.closed = false;
  session.due_ms =
      std::max(session.last.at_ms + settings.gap_ms, arrival.watermark_ms + settings.straggler_ms);
}

std::size_t open_session(SessionHistory& history, const SessionSettings& settings, const Arrival& arrival,
                         SessionEffects& effects) {
  Session session;
  session.id = base::mix(arrival.visitor_hash, arrival.mark.offset);
  if (session.id == 0) session.id = 1;
  touch(session, settings, arrival);
  auto at = history.sessions.end();
  while (at != history.sessions.begin() && session.first < std::prev(at)->first) --at;
  // A new visit says that the earlier ones are over, whatever the watermark still waits for.
  if (at == history.sessions.end()) {
    for (auto& earlier : history.sessions) {
      if (!earlier.closed) emit(earlier, effects);
    }
  }
  const auto index = static_cast<std::size_t>(at - history.sessions.begin());
  effects.entered.push_back(session.place());
  history.sessions.insert(at, std::move(session));
  ++history.count;
  ++effects.opened;
  return index;
}

// Joins history[later] into history[earlier].
void join(SessionHistory& history, const SessionSettings& settings, std::size_t earlier, std::size_t later,
          SessionEffects& effects) {
  Session& from = history.sessions[later];
  retract(from, effects);
  effects.left.push_back(from.place());
  Session& into = history.sessions[earlier];
  Counted counted(into);
  into.join(std::move(from), settings.items_max);
  counted.settle(into, effects);
  history.sessions.erase(history.sessions.begin() + static_cast<std::ptrdiff_t>(later));
  --history.count;
  ++effects.merged;
}

// The session the event goes to, joined with the next one when the event is the bridge between them.
std::size_t place(SessionHistory& history, const SessionSettings& settings, const Arrival& arrival,
                  SessionEffects& effects) {
  auto& sessions = history.sessions;
  const std::int64_t at = arrival.mark.at_ms;
  for (std::size_t i = 0; i < sessions.size(); ++i) {
    if (!near(sessions[i], settings, at) || !fits(sessions[i], settings, at)) continue;
    Counted counted(sessions[i]);
    touch(sessions[i], settings, arrival);
    counted.settle(sessions[i], effects);
    if (i + 1 < sessions.size() && near(sessions[i + 1], settings, at)) {
      const std::int64_t span =
          std::max(sessions[i].last.at_ms, sessions[i + 1].last.at_ms) - sessions[i].first.at_ms;
      if (span <= settings.length_ms_max) join(history, settings, i, i + 1, effects);
    }
    return i;
  }
  return open_session(history, settings, arrival, effects);
}

// Forgets sessions that no event can change any more; `keep` is the one just touched.
void prune(SessionHistory& history, const SessionSettings& settings, std::int64_t watermark_ms,
           std::uint64_t keep, SessionEffects& effects) {
  auto& sessions = history.sessions;
  const std::int64_t bound = std::min(watermark_ms, history.newest_ms) - settings.lateness_ms;
  while (sessions.size() > 1 && sessions.front().id != keep) {
    Session& oldest = sessions.front();
    const bool settled = oldest.closed && oldest.last.at_ms + settings.gap_ms < bound;
    if (!settled && sessions.size() <= settings.kept_max) break;
    if (!oldest.closed) emit(oldest, effects);
    sessions.erase(sessions.begin());
  }
}

}  // namespace

void SessionEffects::clear() {
  rows.clear();
  left.clear();
  entered.clear();
  opened = 0;
  merged = 0;
}

bool too_late(const SessionHistory& history, const SessionSettings& settings, std::int64_t at_ms,
              std::int64_t watermark_ms) {
  return history.count > 0 && at_ms < std::min(watermark_ms, history.newest_ms) - settings.lateness_ms;
}

std::uint64_t observe(SessionHistory& history, const SessionSettings& settings, const Arrival& arrival,
                      SessionEffects& effects) {
  const bool first_ever = history.count == 0;
  history.newest_ms = first_ever ? arrival.mark.at_ms : std::max(history.newest_ms, arrival.mark.at_ms);
  const std::size_t index = place(history, settings, arrival, effects);
  const Session& session = history.sessions[index];
  const std::uint64_t id = session.id;
  if (first_ever || session.first < history.first || session.first == history.first) {
    history.first = session.first;
    history.first_channel = session.touch.channel;
  }
  if (history.sessions.size() > 1) prune(history, settings, arrival.watermark_ms, id, effects);
  return id;
}

void close_due(SessionHistory& history, std::int64_t watermark_ms, SessionEffects& effects) {
  for (auto& session : history.sessions) {
    if (!session.closed && session.due_ms < watermark_ms) emit(session, effects);
  }
}

std::int64_t next_due(const SessionHistory& history) {
  std::int64_t due = std::numeric_limits<std::int64_t>::max();
  for (const auto& session : history.sessions) {
    if (!session.closed) due = std::min(due, session.due_ms);
  }
  return due;
}

void SessionHistory::encode(base::ByteWriter& writer) const {
  writer.varint(count);
  write_mark(first, writer);
  writer.u8(static_cast<std::uint8_t>(first_channel));
  writer.zigzag(newest_ms);
  writer.varint(sessions.size());
  for (const auto& session : sessions) session.encode(writer);
}

bool SessionHistory::decode(base::ByteReader& reader) {
  count = static_cast<std::uint32_t>(reader.varint());
  first = read_mark(reader);
  const auto channel = reader.u8();
  first_channel = static_cast<event::Channel>(channel);
  newest_ms = reader.zigzag();
  const auto size = reader.varint();
  if (!reader.ok() || channel >= event::kChannelCount || size > reader.remaining()) return false;
  sessions.resize(size);
  for (auto& session : sessions) {
    if (!session.decode(reader)) return false;
  }
  return true;
}

}  // namespace millrace::commerce
