#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>

#include "base/clock.h"
#include "base/result.h"
#include "http/tls_identity.h"

namespace millrace::app {

// Follows the files of the server's certificate: new ones are for connections to come, ones that do not fit are refused and logged
// once, and what was there stays.
class CertificateWatch {
 public:
  using Told = std::function<void(const base::Status&)>;

  // `told` hears of each attempt.
  CertificateWatch(std::shared_ptr<http::TlsIdentity> identity, const base::Clock& clock, Told told);

  // Looks about once a second, however often it is called.
  void tick();
  // The next tick() reads the files, changed or not. Any thread, signal handlers included.
  void ask() { asked_ = true; }

 private:
  std::uint64_t version() const;

  const std::shared_ptr<http::TlsIdentity> identity_;
  const base::Clock& clock_;
  const Told told_;
  std::atomic<bool> asked_{false};
  base::Instant looked_at_;
  std::uint64_t version_;
};

}  // namespace millrace::app
