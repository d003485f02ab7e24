#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "act/deliverer.h"
#include "act/http_transport.h"
#include "app/offer_board.h"
#include "app/settings.h"
#include "app/worker.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "disk/disk.h"
#include "journal/journal.h"
#include "serve/metrics.h"
#include "serve/sources.h"

namespace millrace::app {

// The threads of act::Deliverer: one reads the `actions` topic, the others post, which may block.
class ActionRunner {
 public:
  static base::Result<std::unique_ptr<ActionRunner>> open(const WebhookSettings& settings, disk::Disk& disk,
                                                          const journal::Journal& journal,
                                                          const base::Clock& clock, base::Random& random);
  ~ActionRunner() { stop(); }
  void start();
  void stop();
  void wake() { reader_->wake(); }
  // Runs on the reader's thread for each new action; set before start().
  void on_action(std::function<void(const event::Action&)> observer) {
    deliverer_->on_action([this, observer = std::move(observer)](const event::Action& action) {
      offers_.apply(action);
      observer(action);
    });
  }
  const OfferBoard& offers() const { return offers_; }

  void on_leaving(std::function<std::string(std::string body)> rewrite) {
    deliverer_->on_leaving(std::move(rewrite));
  }

  std::vector<serve::ActionEntry> list(const serve::ActionQuery& query) const;
  void collect(serve::MetricSamples& samples) const;

 private:
  ActionRunner() : transport_(act::HttpTransportSettings{}) {}
  std::int64_t read();

  act::HttpTransport transport_;
  OfferBoard offers_;
  std::unique_ptr<act::Deliverer> deliverer_;
  std::unique_ptr<Worker> reader_;
  std::vector<std::unique_ptr<Worker>> senders_;
};

}  // namespace millrace::app
