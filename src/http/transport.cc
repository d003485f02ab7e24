#include "http/transport.h"

#include <boost/asio/buffer.hpp>

#include "http/socket_connection.h"

namespace millrace::http {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

class PlainTransport final : public Transport {
 public:
  using Transport::Transport;

  void start_read(std::shared_ptr<SocketConnection> owner, std::span<char> space) override {
    socket_.async_read_some(asio::buffer(space.data(), space.size()),
                            [owner = std::move(owner)](const error_code& code, std::size_t bytes) {
                              owner->on_read(code, bytes);
                            });
  }
  std::size_t read_some(std::span<char> space, error_code& code) override {
    return socket_.read_some(asio::buffer(space.data(), space.size()), code);
  }
  std::size_t write_some(std::string_view bytes, error_code& code) override {
    return socket_.write_some(asio::buffer(bytes.data(), bytes.size()), code);
  }
};

}  // namespace

error_code spoke_plain_http() {
  return boost::system::errc::make_error_code(boost::system::errc::protocol_error);
}

void Transport::wait_readable(std::shared_ptr<SocketConnection> owner) {
  socket_.async_wait(asio::ip::tcp::socket::wait_read,
                     [owner = std::move(owner)](const error_code& code) { owner->on_readable(code); });
}

void Transport::wait_writable(std::shared_ptr<SocketConnection> owner) {
  socket_.async_wait(asio::ip::tcp::socket::wait_write,
                     [owner = std::move(owner)](const error_code& code) { owner->on_writable(code); });
}

void Transport::end_sending(error_code& code) {
  socket_.shutdown(asio::ip::tcp::socket::shutdown_send, code);
}

void Transport::close() {
  error_code code;
  socket_.close(code);
}

std::unique_ptr<Transport> make_plain_transport(asio::ip::tcp::socket socket) {
  return std::make_unique<PlainTransport>(std::move(socket));
}

}  // namespace millrace::http
