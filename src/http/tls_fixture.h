#pragma once

#include <doctest/doctest.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "http/client_fixture.h"

namespace millrace::http {

// For tests: a directory with certificates made on the spot, each with a serial number to know it by.
class TlsDirectory {
 public:
  TlsDirectory() {
    std::string path = (std::filesystem::temp_directory_path() / "millrace-tls-XXXXXX").string();
    REQUIRE(::mkdtemp(path.data()) != nullptr);
    path_ = path;
  }
  ~TlsDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TlsDirectory(const TlsDirectory&) = delete;

  std::string file(std::string_view name) const { return path_ + "/" + std::string(name); }
  void write(std::string_view name, std::string_view text) const {
    std::FILE* const out = std::fopen(file(name).c_str(), "wb");
    REQUIRE(out != nullptr);
    std::fwrite(text.data(), 1, text.size(), out);
    std::fclose(out);
  }
  // A self-signed certificate and its key.
  void make(std::string_view certificate, std::string_view key, long serial) const {
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> pair(EVP_EC_gen("P-256"), EVP_PKEY_free);
    const std::unique_ptr<X509, decltype(&X509_free)> made(X509_new(), X509_free);
    REQUIRE(pair != nullptr);
    ASN1_INTEGER_set(X509_get_serialNumber(made.get()), serial);
    X509_gmtime_adj(X509_getm_notBefore(made.get()), -3600);
    X509_gmtime_adj(X509_getm_notAfter(made.get()), 86'400);
    X509_set_pubkey(made.get(), pair.get());
    X509_NAME* const name = X509_get_subject_name(made.get());
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("localhost"),
                               -1, -1, 0);
    X509_set_issuer_name(made.get(), name);
    REQUIRE(X509_sign(made.get(), pair.get(), EVP_sha256()) > 0);
    std::FILE* out = std::fopen(file(certificate).c_str(), "wb");
    REQUIRE(PEM_write_X509(out, made.get()) == 1);
    std::fclose(out);
    out = std::fopen(file(key).c_str(), "wb");
    REQUIRE(PEM_write_PrivateKey(out, pair.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1);
    std::fclose(out);
  }
  void make_locked_key(std::string_view key) const {
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> pair(EVP_EC_gen("P-256"), EVP_PKEY_free);
    std::FILE* const out = std::fopen(file(key).c_str(), "wb");
    REQUIRE(PEM_write_PrivateKey(out, pair.get(), EVP_aes_128_cbc(), nullptr, 0, nullptr,
                                 const_cast<char*>("passphrase")) == 1);
    std::fclose(out);
  }

 private:
  std::string path_;
};

struct TlsClientOptions {
  int version = 0;                         // 0: whatever both can.
  std::string_view alpn = "\x08http/1.1";  // As on the wire; empty: none is offered.
};

// For tests: a client of OpenSSL's, which blocks, with a deadline that only a failing test reaches.
class TlsClient {
 public:
  using Options = TlsClientOptions;
  explicit TlsClient(std::uint16_t port, Options options = {}) : socket_(connect_to(port)) {
    context_.reset(SSL_CTX_new(TLS_client_method()));
    if (options.version != 0) {
      SSL_CTX_set_security_level(context_.get(), 0);
      SSL_CTX_set_min_proto_version(context_.get(), options.version);
      SSL_CTX_set_max_proto_version(context_.get(), options.version);
    }
    session_.reset(SSL_new(context_.get()));
    SSL_set_fd(session_.get(), socket_);
    if (!options.alpn.empty()) {
      SSL_set_alpn_protos(session_.get(), reinterpret_cast<const unsigned char*>(options.alpn.data()),
                          static_cast<unsigned>(options.alpn.size()));
    }
    secured_ = SSL_connect(session_.get()) == 1;
  }
  ~TlsClient() { ::close(socket_); }
  TlsClient(const TlsClient&) = delete;

  bool secured() const { return secured_; }
  std::string version() const { return SSL_get_version(session_.get()); }
  std::string protocol() const {
    const unsigned char* name = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(session_.get(), &name, &size);
    return {reinterpret_cast<const char*>(name), size};
  }
  long serial() const {
    const std::unique_ptr<X509, decltype(&X509_free)> shown(SSL_get1_peer_certificate(session_.get()),
                                                            X509_free);
    return shown == nullptr ? -1 : ASN1_INTEGER_get(X509_get_serialNumber(shown.get()));
  }
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const int sent = SSL_write(session_.get(), bytes.data(), static_cast<int>(bytes.size()));
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  // One answer, as long as its Content-Length says.
  std::string answer() {
    std::size_t end = 0;
    while ((end = received_.find("\r\n\r\n")) == std::string::npos) {
      if (!receive()) return {};
    }
    std::size_t size = end + 4;
    const auto length = received_.find("Content-Length: ");
    if (length < end) size += static_cast<std::size_t>(std::stoul(received_.substr(length + 16)));
    while (received_.size() < size) {
      if (!receive()) return {};
    }
    std::string one = received_.substr(0, size);
    received_.erase(0, size);
    return one;
  }
  bool wait_for(std::string_view mark) {
    while (received_.find(mark) == std::string::npos) {
      if (!receive()) return false;
    }
    return true;
  }
  std::string rest() {
    while (receive()) {
    }
    return received_;
  }
  // The server said that it was done, and did not just go.
  bool ended_well() const { return (SSL_get_shutdown(session_.get()) & SSL_RECEIVED_SHUTDOWN) != 0; }

 private:
  struct Free {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
    void operator()(SSL* session) const { SSL_free(session); }
  };
  bool receive() {
    char bytes[65536];
    const int size = SSL_read(session_.get(), bytes, sizeof bytes);
    if (size <= 0) return false;
    received_.append(bytes, static_cast<std::size_t>(size));
    return true;
  }

  int socket_;
  std::unique_ptr<SSL_CTX, Free> context_;
  std::unique_ptr<SSL, Free> session_;
  bool secured_ = false;
  std::string received_;
};

}  // namespace millrace::http
