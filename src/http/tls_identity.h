#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "base/clock.h"
#include "base/result.h"

struct ssl_st;
struct ssl_ctx_st;

namespace millrace::http {

// PEM files: a certificate with the chain above it, and its key without a passphrase.
struct TlsFiles {
  std::string certificate;
  std::string key;
};

struct TlsSessionDeleter {
  void operator()(ssl_st* session) const;
};
using TlsSession = std::unique_ptr<ssl_st, TlsSessionDeleter>;

// Who the server is to its TLS clients, and what it speaks with them: TLS 1.2 with forward secrecy or TLS 1.3, HTTP/1.1 alone, no
// renegotiation, no early data. Any thread. A connection keeps what it began with.
class TlsIdentity {
 public:
  // invalid_argument names the setting that is wrong.
  static base::Result<std::shared_ptr<TlsIdentity>> load(TlsFiles files);

  // Reads the files again, for connections to come. After an error what was there stays.
  base::Status reload();
  // Null when memory is out.
  TlsSession accept() const;
  base::WallTime expires_at() const;
  const TlsFiles& files() const { return files_; }

 private:
  struct Terms {
    std::shared_ptr<ssl_ctx_st> context;
    base::WallTime expires_at;
  };
  explicit TlsIdentity(TlsFiles files) : files_(std::move(files)) {}
  static base::Result<Terms> read(const TlsFiles& files);

  const TlsFiles files_;
  mutable std::mutex mutex_;
  Terms terms_;  // Guarded by mutex_.
};

}  // namespace millrace::http
