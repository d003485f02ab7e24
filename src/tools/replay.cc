#include "tools/replay.h"

#include "base/iso_time.h"
#include "tools/batch_sender.h"

namespace millrace::tools {

namespace {

constexpr std::int64_t kNanosecondsPerMs = 1'000'000;
constexpr std::size_t kBatchBytes =
    2 * 1024 * 1024;  // Half of what a server takes unless it is told otherwise.

}  // namespace

base::Result<ReplayReport> replay(const std::vector<ReplayItem>& items, const ReplaySettings& settings,
                                  const base::Clock& clock,
                                  const std::function<void(std::uint64_t)>& progress) {
  BatchSender sender(settings.to, "/v1/import", settings.write_key, clock);
  const std::int64_t started_ns = clock.now().ns;
  for (std::size_t at = 0; at < items.size();) {
    const std::size_t begin = at;
    std::string body;
    for (; at < items.size() && at - begin < settings.batch_items; ++at) {
      if (settings.speed > 0) {
        const double data_ms = static_cast<double>(items[at].at_ms - items.front().at_ms) / settings.speed;
        const double passed_ms = static_cast<double>(clock.now().ns - started_ns) / kNanosecondsPerMs;
        if (data_ms > passed_ms) {
          if (at > begin) break;
          sender.pause(static_cast<std::int64_t>(data_ms - passed_ms) + 1);
        }
      }
      if (at > begin && body.size() + items[at].json.size() > kBatchBytes) break;
      if (at > begin) body += ',';
      body += items[at].json;
    }
    TRY(sender.send(body, at - begin));
    progress(sender.report().items);
  }
  if (settings.finish == ReplaySettings::Finish::advance_clock && !items.empty()) {
    std::string to;
    base::append_iso_time(to, {items.back().at_ms + base::kDayMs});
    TRY(sender.post("/v1/clock", "{\"advance_to\":\"" + to + "\"}"));
  }
  return sender.report();
}

}  // namespace millrace::tools
