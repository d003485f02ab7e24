#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "tools/batch_sender.h"
#include "tools/replay_formats.h"

namespace millrace::tools {

struct ReplaySettings {
  Endpoint to;
  std::string write_key = "replay";
  double speed = 0;  // Times the data's own pace; 0: as fast as the server takes it.
  std::size_t batch_items = 500;
  // Afterwards move the server's event time on by a day, so that sessions close and carts are abandoned.
  enum class Finish : std::uint8_t { leave_open, advance_clock } finish = Finish::leave_open;
};

using ReplayReport = SendReport;

// Posts the items in order, over one connection, so that they arrive in order. A batch that the server was too busy for, or whose answer
// was lost, is sent again: message ids make that harmless. unavailable when the server stays away. `progress` runs
// after every batch with how many items were acknowledged.
base::Result<ReplayReport> replay(const std::vector<ReplayItem>& items, const ReplaySettings& settings,
                                  const base::Clock& clock,
                                  const std::function<void(std::uint64_t)>& progress);

}  // namespace millrace::tools
