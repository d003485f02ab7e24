#pragma once

#include <memory>

#include "app/settings.h"
#include "event/fact.h"
#include "process/stage.h"
#include "process/state_store.h"

namespace millrace::app {

// The stage that runs over a topic, as the settings have it.
std::unique_ptr<process::Stage> make_stage(event::Topic topic, const Settings& settings,
                                           const process::StateStore& store);

}  // namespace millrace::app
