#pragma once

#include <memory>

#include "act/transport.h"

namespace millrace::act {

struct HttpTransportSettings {
  std::int64_t timeout_ms =
      10'000;  // Connecting, TLS, sending and the answer's head together; name resolution not.
};

// HTTP/1.1 over TCP or TLS, a connection for each delivery, on the caller's thread. Certificates are checked
// against the system's authorities and the host's name. Redirects are not followed: they count as an error of
// the receiver.
class HttpTransport final : public Transport {
 public:
  explicit HttpTransport(HttpTransportSettings settings) : settings_(settings) {}
  base::Result<Receipt> post(const Target& target, const Delivery& delivery) override;

 private:
  const HttpTransportSettings settings_;
};

}  // namespace millrace::act
