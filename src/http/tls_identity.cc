#include "http/tls_identity.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509err.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string_view>

namespace millrace::http {

namespace {

constexpr std::string_view kCertificateSetting = "http.tls_certificate_file";
constexpr std::string_view kKeySetting = "http.tls_key_file";

base::Error wrong(std::string_view setting, const std::string& file, std::string_view why) {
  std::string message(setting);
  message.append(" ").append(file).append(": ").append(why);
  return {base::ErrorCode::invalid_argument, std::move(message)};
}

std::string openssl_reason() {
  const char* const reason = ERR_reason_error_string(ERR_peek_last_error());
  return reason == nullptr ? "unknown reason" : reason;
}

base::Status readable(std::string_view setting, const std::string& file) {
  if (file.empty()) return wrong(setting, "", "is not set; certificate and key come together");
  std::FILE* const opened = std::fopen(file.c_str(), "rb");
  if (opened == nullptr) return wrong(setting, file, std::string("cannot be read: ") + std::strerror(errno));
  std::fclose(opened);
  return base::Ok{};
}

// A server has nobody to ask.
int no_passphrase(char*, int, int, void*) { return 0; }

// Only what this server speaks is agreed on: a client that wants nothing of it is told so at once, and cannot be led to take one
// protocol for another.
int choose_protocol(ssl_st*, const unsigned char** out, unsigned char* out_size, const unsigned char* offered,
                    unsigned offered_size, void*) {
  for (const std::string_view spoken : {std::string_view("http/1.1"), std::string_view("http/1.0")}) {
    for (unsigned at = 0; at < offered_size;) {
      const unsigned size = offered[at];
      if (at + 1 + size > offered_size) return SSL_TLSEXT_ERR_ALERT_FATAL;
      if (std::string_view(reinterpret_cast<const char*>(offered) + at + 1, size) == spoken) {
        *out = offered + at + 1;
        *out_size = static_cast<unsigned char>(size);
        return SSL_TLSEXT_ERR_OK;
      }
      at += 1 + size;
    }
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

void set_terms(SSL_CTX* context) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20");
  SSL_CTX_set_options(context,
                      SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_alpn_select_cb(context, choose_protocol, nullptr);
  SSL_CTX_set_default_passwd_cb(context, no_passphrase);
}

base::WallTime expiry_of(const SSL_CTX* context) {
  const X509* const certificate = SSL_CTX_get0_certificate(context);
  std::tm time{};
  if (certificate == nullptr || ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &time) != 1) return {};
  return {static_cast<std::int64_t>(timegm(&time)) * base::kSecondMs};
}

}  // namespace

void TlsSessionDeleter::operator()(ssl_st* session) const { SSL_free(session); }

base::Result<TlsIdentity::Terms> TlsIdentity::read(const TlsFiles& files) {
  TRY(readable(kCertificateSetting, files.certificate));
  TRY(readable(kKeySetting, files.key));
  ERR_clear_error();
  Terms terms;
  terms.context.reset(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  SSL_CTX* const context = terms.context.get();
  if (context == nullptr) return base::Error(base::ErrorCode::unavailable, "OpenSSL: " + openssl_reason());
  set_terms(context);
  if (SSL_CTX_use_certificate_chain_file(context, files.certificate.c_str()) != 1) {
    return wrong(kCertificateSetting, files.certificate, "is no PEM certificate: " + openssl_reason());
  }
  if (SSL_CTX_use_PrivateKey_file(context, files.key.c_str(), SSL_FILETYPE_PEM) != 1) {
    const int reason = ERR_GET_REASON(ERR_peek_last_error());
    if (reason == X509_R_KEY_VALUES_MISMATCH || reason == X509_R_KEY_TYPE_MISMATCH) {
      return wrong(kKeySetting, files.key, "is not the key of the certificate in " + files.certificate);
    }
    return wrong(kKeySetting, files.key, "is no PEM key without a passphrase: " + openssl_reason());
  }
  if (SSL_CTX_check_private_key(context) != 1) {
    return wrong(kKeySetting, files.key, "is not the key of the certificate in " + files.certificate);
  }
  terms.expires_at = expiry_of(context);
  return terms;
}

base::Result<std::shared_ptr<TlsIdentity>> TlsIdentity::load(TlsFiles files) {
  std::shared_ptr<TlsIdentity> identity(new TlsIdentity(std::move(files)));
  TRY(identity->reload());
  return identity;
}

base::Status TlsIdentity::reload() {
  TRY_ASSIGN(auto terms, read(files_));
  const std::lock_guard lock(mutex_);
  terms_ = std::move(terms);
  return base::Ok{};
}

TlsSession TlsIdentity::accept() const {
  std::shared_ptr<ssl_ctx_st> context;
  {
    const std::lock_guard lock(mutex_);
    context = terms_.context;
  }
  TlsSession session(SSL_new(context.get()));  // Holds the context from here on.
  if (session != nullptr) SSL_set_accept_state(session.get());
  return session;
}

base::WallTime TlsIdentity::expires_at() const {
  const std::lock_guard lock(mutex_);
  return terms_.expires_at;
}

}  // namespace millrace::http
