#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

namespace millrace::http {

class SocketConnection;
class TlsIdentity;
struct ServerCounters;

// What start_read() ends with when a client spoke HTTP where TLS was due; from then on the answer goes out as it is.
boost::system::error_code spoke_plain_http();

// How the bytes of one connection travel. Never blocks; lives on its loop's thread. Whoever waits is kept alive by its wait.
class Transport {
 public:
  using error_code = boost::system::error_code;

  explicit Transport(boost::asio::ip::tcp::socket socket) : socket_(std::move(socket)) {}
  virtual ~Transport() = default;

  // Ends with owner->on_read(), never from within this call. One at a time; `space` stays until then.
  virtual void start_read(std::shared_ptr<SocketConnection> owner, std::span<char> space) = 0;
  // How much was read or taken; would_block when nothing came, or when there was no room for all.
  virtual std::size_t read_some(std::span<char> space, error_code& code) = 0;
  virtual std::size_t write_some(std::string_view bytes, error_code& code) = 0;
  // Once, when read_some() or write_some() may have more to do: owner->on_readable() and on_writable().
  virtual void wait_readable(std::shared_ptr<SocketConnection> owner);
  virtual void wait_writable(std::shared_ptr<SocketConnection> owner);
  // Nothing more will be written. What comes after it is read only to be thrown away.
  virtual void end_sending(error_code& code);
  virtual void close();
  // False while something goes before the first request.
  virtual bool established() const { return true; }

  boost::asio::ip::tcp::socket& socket() { return socket_; }

 protected:
  boost::asio::ip::tcp::socket socket_;
};

std::unique_ptr<Transport> make_plain_transport(boost::asio::ip::tcp::socket socket);
// `counters` must outlive it.
std::unique_ptr<Transport> make_tls_transport(boost::asio::ip::tcp::socket socket,
                                              const TlsIdentity& identity, ServerCounters& counters);

}  // namespace millrace::http
