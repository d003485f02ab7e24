#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "app/data_directory.h"
#include "app/settings.h"
#include "base/random.h"
#include "event/fact.h"
#include "privacy/bot_gate.h"
#include "privacy/consent_gate.h"
#include "privacy/personal_gate.h"
#include "privacy/suppression_gate.h"
#include "privacy/vault.h"
#include "serve/metrics.h"
#include "serve/sources.h"

namespace millrace::app {

// The keys of a data directory: read, and made the first time. docs/formats/privacy.md
std::string key_file_of(const std::string& data_directory);
base::Result<privacy::Keys> load_or_make_keys(const std::string& file, base::Random& random,
                                              const base::Clock& clock);

bool holds_card(std::string_view text);
// Whether an id in the command has the form of a card number. What commands name is kept as it is.
bool names_card(const event::StockCommand& command);

// Privacy as the platform wires it: keys, suppressed ids, and the gates that every event passes.
class PrivacyGuard {
 public:
  static base::Result<std::unique_ptr<PrivacyGuard>> open(const PrivacySettings& settings,
                                                          DataDirectory& directory, base::Random& random,
                                                          const base::Clock& clock,
                                                          privacy::GrantedBefore granted_before = {});

  // Those that decide about an event; whatever else rules on its content comes between them and the last,
  // which takes the personal values out.
  std::vector<const collect::GateMaker*> first_gates() const;
  const collect::GateMaker* last_gate() const { return personal_.get(); }
  // A text as that would keep it, but that nothing goes into the vault for it. Any thread.
  std::string cleansed(std::string_view text);

  // Follows the key file, and rotates the key when it is time. Call at least once a second.
  void tick();
  // Whether the vault holds values for marketing, which actions are.
  bool opens_for_marketing() const;
  // A JSON text with the values that its tokens stand for, as far as their persons grant marketing.
  std::string opened(std::string json);
  void serve(serve::Sources& sources);
  void serve_vault(serve::Sources& sources);
  void collect(serve::MetricSamples& samples) const;
  void collect_vault(serve::MetricSamples& samples) const;

 private:
  base::Status open_vault(const PrivacySettings& settings, disk::Disk& disk, base::Random& random);
  PrivacyGuard(std::string key_file, privacy::Keys keys, int key_rotation_days, base::Random& random,
               const base::Clock& clock)
      : key_file_(std::move(key_file)),
        key_rotation_days_(key_rotation_days),
        random_(random),
        clock_(clock),
        ring_(std::move(keys)) {}

  const std::string key_file_;
  const int key_rotation_days_;
  base::Random& random_;
  const base::Clock& clock_;
  privacy::KeyRing ring_;
  std::uint64_t key_version_ = 0;
  std::int64_t looked_at_ms_ = 0;
  privacy::PrivacyCounters counters_;
  std::unique_ptr<privacy::Suppressions> suppressions_;
  std::unique_ptr<privacy::Vault> vault_;  // Null when nothing is or was sealed.
  std::unique_ptr<privacy::SuppressionGateMaker> suppression_;
  std::unique_ptr<privacy::BotGateMaker> bots_;  // Null when they are not looked for.
  std::unique_ptr<privacy::ConsentGateMaker> consent_;
  std::unique_ptr<privacy::PersonalGateMaker> personal_;
  std::mutex shown_mutex_;
  privacy::PrivacyCounters shown_counters_;  // Of what is shown: it was counted when it came.
  std::unique_ptr<privacy::PersonalGateMaker> shown_maker_;
  std::unique_ptr<collect::Gate> shown_;  // Guarded by shown_mutex_.
};

}  // namespace millrace::app
