#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "event/fact.h"
#include "journal/group_commit.h"

namespace millrace::process {

struct EmissionSettings {
  std::size_t pending_bytes_max =
      8u << 20;  // Emitted by one owner and not yet appended; past it, it is not ready.
};

// The emission half of an OutputSink: appends one partition's emissions to other journals through their
// GroupCommit.
//
// Each journal has at most one submission of this writer under way, and one that a full disk refused is
// repeated before anything later goes out, because the reader drops what arrives behind a higher source
// position. Any other failure is a fault: the restart emits again what may be missing.
class EmissionWriter {
 public:
  using Journals = std::array<std::vector<journal::GroupCommit*>, event::kTopicCount>;

  // `wake` runs on the journals' writer threads when something was appended or synced; it may be empty. The
  // journals' GroupCommits must not run after `journals` is gone, but may outlive this.
  EmissionWriter(Journals journals, EmissionSettings settings, std::function<void()> wake);
  ~EmissionWriter();

  bool ready() const;
  const base::Error* fault();
  std::uint32_t partitions(event::Topic topic) const;
  void emit(event::Topic topic, std::uint32_t partition, std::string_view payload);
  void flush();
  void sync();
  bool durable() const;

 private:
  struct Shared;
  struct Target;
  Target& target(event::Topic topic, std::uint32_t partition) const;
  static void pump(const std::shared_ptr<Shared>& shared, Target& target);
  static void done(const std::shared_ptr<Shared>& shared, Target& target, const base::Error* error);

  std::shared_ptr<Shared> shared_;  // Callbacks under way keep it.
  EmissionSettings settings_;
  std::array<std::uint32_t, event::kTopicCount> partitions_{};
};

}  // namespace millrace::process
