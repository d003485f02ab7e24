#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>

#include "base/result.h"
#include "http/server.h"
#include "http/socket_bio.h"
#include "http/socket_connection.h"
#include "http/tls_identity.h"
#include "http/transport.h"

namespace millrace::http {

namespace asio = boost::asio;
using boost::system::error_code;
using Wait = asio::ip::tcp::socket::wait_type;

namespace {

class TlsTransport final : public Transport {
 public:
  TlsTransport(asio::ip::tcp::socket socket, TlsSession session, ServerCounters& counters)
      : Transport(std::move(socket)), session_(std::move(session)), counters_(counters) {
    if (session_ == nullptr || !attach_socket(session_.get(), socket_.native_handle()))
      phase_ = Phase::broken;
  }

  void start_read(std::shared_ptr<SocketConnection> owner, std::span<char> space) override {
    error_code code;
    const bool was_established = established();
    const std::size_t bytes = read_some(space, code);
    if (code == asio::error::would_block) {
      // A fast client's last word of the handshake may be there already.
      if (established() && !was_established) owner->on_established();
      return await_read(std::move(owner), space);
    }
    asio::post(socket_.get_executor(),
               [owner = std::move(owner), code, bytes] { owner->on_read(code, bytes); });
  }

  std::size_t read_some(std::span<char> space, error_code& code) override {
    if (phase_ == Phase::untouched && !look_at_first_byte(code)) return 0;
    if (phase_ == Phase::discarding) return socket_.read_some(asio::buffer(space.data(), space.size()), code);
    if (!usable(code)) return 0;
    std::size_t bytes = 0;
    ERR_clear_error();
    const int done = SSL_read_ex(session_.get(), space.data(), space.size(), &bytes);
    note_handshake();
    if (done == 1) return bytes;
    code = reason_of(done, read_wait_);
    return 0;
  }

  std::size_t write_some(std::string_view bytes, error_code& code) override {
    if (phase_ == Phase::plain) return socket_.write_some(asio::buffer(bytes.data(), bytes.size()), code);
    if (!usable(code)) return 0;
    std::size_t sent = 0;
    while (sent < bytes.size()) {
      std::size_t taken = 0;
      ERR_clear_error();
      const int done = SSL_write_ex(session_.get(), bytes.data() + sent, bytes.size() - sent, &taken);
      if (done != 1) {
        code = reason_of(done, write_wait_);
        return sent;
      }
      sent += taken;
    }
    return sent;
  }

  // What was decrypted already raises no event of the socket.
  void wait_readable(std::shared_ptr<SocketConnection> owner) override {
    if (phase_ == Phase::established) {
      char byte = 0;
      std::size_t bytes = 0;
      ERR_clear_error();
      const int done = SSL_peek_ex(session_.get(), &byte, 1, &bytes);
      if (done == 1 || reason_of(done, read_wait_) != asio::error::would_block) {
        asio::post(socket_.get_executor(), [owner = std::move(owner)] { owner->on_readable({}); });
        return;
      }
    }
    socket_.async_wait(phase_ == Phase::established ? read_wait_ : Wait::wait_read,
                       [owner = std::move(owner)](const error_code& code) { owner->on_readable(code); });
  }

  void wait_writable(std::shared_ptr<SocketConnection> owner) override {
    socket_.async_wait(phase_ == Phase::plain ? Wait::wait_write : write_wait_,
                       [owner = std::move(owner)](const error_code& code) { owner->on_writable(code); });
  }

  void end_sending(error_code& code) override {
    say_goodbye();
    phase_ = Phase::discarding;
    Transport::end_sending(code);
  }

  void close() override {
    say_goodbye();
    Transport::close();
  }

  bool established() const override { return phase_ != Phase::untouched && phase_ != Phase::handshake; }

 private:
  enum class Phase : std::uint8_t {
    untouched,
    handshake,
    established,
    plain,       // The client does not speak TLS: it is answered in its own tongue, once.
    discarding,  // All was said.
    broken,
  };

  void await_read(std::shared_ptr<SocketConnection> owner, std::span<char> space) {
    socket_.async_wait(read_wait_, [this, owner = std::move(owner), space](error_code code) mutable {
      const bool was_established = established();
      const std::size_t bytes = code ? 0 : read_some(space, code);
      if (code != asio::error::would_block) return owner->on_read(code, bytes);
      if (established() && !was_established) owner->on_established();
      await_read(std::move(owner), space);
    });
  }

  // A request in the clear begins with the letters of its method, a TLS record with the number of its type.
  bool look_at_first_byte(error_code& code) {
    char first = 0;
    const auto got = ::recv(socket_.native_handle(), &first, 1, MSG_PEEK);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
      read_wait_ = Wait::wait_read;
      code = asio::error::would_block;
      return false;
    }
    if (got <= 0) {
      code = asio::error::eof;
      return false;
    }
    if ((first >= 'A' && first <= 'Z') || (first >= 'a' && first <= 'z')) {
      phase_ = Phase::plain;
      code = spoke_plain_http();
      return false;
    }
    phase_ = Phase::handshake;
    return true;
  }

  bool usable(error_code& code) const {
    if (phase_ == Phase::handshake || phase_ == Phase::established) return true;
    code = asio::error::connection_aborted;
    return false;
  }

  void note_handshake() {
    if (phase_ != Phase::handshake || SSL_is_init_finished(session_.get()) == 0) return;
    phase_ = Phase::established;
    counters_.tls_handshakes.fetch_add(1, std::memory_order_relaxed);
  }

  error_code reason_of(int done, Wait& wait) {
    switch (SSL_get_error(session_.get(), done)) {
      case SSL_ERROR_WANT_READ: wait = Wait::wait_read; return asio::error::would_block;
      case SSL_ERROR_WANT_WRITE: wait = Wait::wait_write; return asio::error::would_block;
      case SSL_ERROR_ZERO_RETURN: return asio::error::eof;
      default: break;
    }
    if (phase_ == Phase::handshake) counters_.tls_failed.fetch_add(1, std::memory_order_relaxed);
    phase_ = Phase::broken;
    return asio::error::connection_aborted;
  }

  // Tells the client that the answer is whole. It may go unheard: nobody waits for it.
  void say_goodbye() {
    if (phase_ != Phase::established) return;
    ERR_clear_error();
    SSL_shutdown(session_.get());
    ERR_clear_error();
    phase_ = Phase::discarding;
  }

  const TlsSession session_;
  ServerCounters& counters_;
  Phase phase_ = Phase::untouched;
  Wait read_wait_ = Wait::wait_read;
  Wait write_wait_ = Wait::wait_write;
};

}  // namespace

std::unique_ptr<Transport> make_tls_transport(asio::ip::tcp::socket socket, const TlsIdentity& identity,
                                              ServerCounters& counters) {
  return std::make_unique<TlsTransport>(std::move(socket), identity.accept(), counters);
}

}  // namespace millrace::http
