#pragma once

#include <openssl/ssl.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace millrace::tools {

enum class Moved : std::uint8_t {
  some,
  needs_input,   // Nothing moves before the other side has said more.
  needs_output,  // Nor before the socket takes more.
  ended,         // By the other side, or because it cannot be trusted: failure() says.
};
struct Step {
  Moved moved = Moved::ended;
  std::size_t bytes = 0;
};

// TLS over a connected socket that does not block, which must outlive this. The first step shakes hands.
class TlsSession {
 public:
  Step write(std::string_view bytes);
  Step read(char* into, std::size_t size);
  // Why there is no speaking to the other side, for a person; empty when it just ended.
  const std::string& failure() const { return failure_; }

 private:
  friend class TlsClient;
  struct Free {
    void operator()(SSL* session) const { SSL_free(session); }
  };
  TlsSession() = default;
  Step step_of(int done, std::size_t bytes);

  std::unique_ptr<SSL, Free> session_;
  std::string failure_;
};

// Speaks TLS 1.2 and later to servers whose certificate is of `name` and leads to one that is trusted.
class TlsClient {
 public:
  // `name`: a host's, or an address. `ca_file`: PEM, the certificates that are trusted; empty: those that the system trusts.
  static base::Result<std::shared_ptr<const TlsClient>> make(const std::string& name,
                                                             const std::string& ca_file);
  std::unique_ptr<TlsSession> connect(int socket) const;

 private:
  struct Free {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  };
  TlsClient() = default;

  std::string name_;
  bool is_address_ = false;
  std::unique_ptr<SSL_CTX, Free> context_;
};

}  // namespace millrace::tools
