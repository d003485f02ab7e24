#include "app/stages.h"

#include "commerce/entity_stage.h"
#include "commerce/visitor_stage.h"

namespace millrace::app {

std::unique_ptr<process::Stage> make_stage(event::Topic topic, const Settings& settings,
                                           const process::StateStore& store) {
  if (topic == event::Topic::facts) {
    commerce::EntitySettings entities = settings.entities;
    entities.time = settings.time;
    return std::make_unique<commerce::EntityStage>(store, entities);
  }
  commerce::VisitorSettings visitors = settings.visitors;
  visitors.watermark.mode = settings.time;
  return std::make_unique<commerce::VisitorStage>(store, visitors);
}

}  // namespace millrace::app
