#include "app/certificate_watch.h"

#include <spdlog/spdlog.h>

#include <string>

#include "app/private_file.h"
#include "base/hash.h"
#include "base/iso_time.h"

namespace millrace::app {

namespace {
constexpr std::int64_t kLookEveryNs = 900'000'000;
}

CertificateWatch::CertificateWatch(std::shared_ptr<http::TlsIdentity> identity, const base::Clock& clock,
                                   Told told)
    : identity_(std::move(identity)),
      clock_(clock),
      told_(std::move(told)),
      looked_at_(clock.now()),
      version_(version()) {}

std::uint64_t CertificateWatch::version() const {
  return base::mix(private_file_version(identity_->files().certificate),
                   private_file_version(identity_->files().key));
}

void CertificateWatch::tick() {
  const bool asked = asked_.exchange(false);
  const base::Instant now = clock_.now();
  if (!asked && now - looked_at_ < kLookEveryNs) return;
  looked_at_ = now;
  const std::uint64_t seen = version();
  if (!asked && seen == version_) return;
  version_ = seen;
  const base::Status done = identity_->reload();
  if (done.ok()) {
    std::string until;
    base::append_iso_time(until, identity_->expires_at());
    spdlog::info("TLS: new connections get the certificate in {}, good until {}",
                 identity_->files().certificate, until);
  } else {
    spdlog::error("TLS: the certificate in use stays: {}", done.error().message());
  }
  told_(done);
}

}  // namespace millrace::app
