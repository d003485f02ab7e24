#include "tools/tls_client.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "http/socket_bio.h"

namespace millrace::tools {

namespace {

std::string reason_of_queue() {
  const char* const reason = ERR_reason_error_string(ERR_peek_last_error());
  return reason == nullptr ? "the handshake failed" : reason;
}

}  // namespace

base::Result<std::shared_ptr<const TlsClient>> TlsClient::make(const std::string& name,
                                                               const std::string& ca_file) {
  const auto wrong = [](std::string message) {
    return base::Error(base::ErrorCode::invalid_argument, std::move(message));
  };
  std::shared_ptr<TlsClient> client(new TlsClient);
  client->name_ = name;
  unsigned char ignored[sizeof(in6_addr)];
  client->is_address_ =
      inet_pton(AF_INET, name.c_str(), ignored) == 1 || inet_pton(AF_INET6, name.c_str(), ignored) == 1;
  ERR_clear_error();
  client->context_.reset(SSL_CTX_new(TLS_client_method()));
  SSL_CTX* const context = client->context_.get();
  if (context == nullptr) return wrong("TLS cannot be set up: " + reason_of_queue());
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  if (ca_file.empty()) {
    SSL_CTX_set_default_verify_paths(context);
  } else if (SSL_CTX_load_verify_locations(context, ca_file.c_str(), nullptr) != 1) {
    return wrong(ca_file + ": cannot be read as certificates in PEM: " + reason_of_queue());
  }
  return std::shared_ptr<const TlsClient>(std::move(client));
}

std::unique_ptr<TlsSession> TlsClient::connect(int socket) const {
  std::unique_ptr<TlsSession> made(new TlsSession);
  made->session_.reset(SSL_new(context_.get()));
  SSL* const session = made->session_.get();
  if (session == nullptr || !http::attach_socket(session, socket)) {
    made->session_.reset();
    made->failure_ = "no memory for TLS";
    return made;
  }
  SSL_set_connect_state(session);
  const bool expects = is_address_
                           ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), name_.c_str()) == 1
                           : SSL_set1_host(session, name_.c_str()) == 1 &&
                                 SSL_set_tlsext_host_name(session, name_.c_str()) == 1;
  if (!expects) {
    made->session_.reset();
    made->failure_ = "no certificate can be of this name";
  }
  return made;
}

Step TlsSession::step_of(int done, std::size_t bytes) {
  if (done == 1) return {Moved::some, bytes};
  switch (SSL_get_error(session_.get(), done)) {
    case SSL_ERROR_WANT_READ: return {Moved::needs_input, 0};
    case SSL_ERROR_WANT_WRITE: return {Moved::needs_output, 0};
    case SSL_ERROR_SSL: break;
    default: return {Moved::ended, 0};  // Cut off, or said to be over.
  }
  if (SSL_is_init_finished(session_.get())) return {Moved::ended, 0};
  const long verified = SSL_get_verify_result(session_.get());
  failure_ = verified == X509_V_OK
                 ? "no TLS with it: " + reason_of_queue()
                 : std::string("its certificate: ") + X509_verify_cert_error_string(verified);
  return {Moved::ended, 0};
}

Step TlsSession::write(std::string_view bytes) {
  if (session_ == nullptr) return {};
  std::size_t taken = 0;
  ERR_clear_error();
  const int done = SSL_write_ex(session_.get(), bytes.data(), bytes.size(), &taken);
  return step_of(done, taken);
}

Step TlsSession::read(char* into, std::size_t size) {
  if (session_ == nullptr) return {};
  std::size_t got = 0;
  ERR_clear_error();
  const int done = SSL_read_ex(session_.get(), into, size, &got);
  return step_of(done, got);
}

}  // namespace millrace::tools
