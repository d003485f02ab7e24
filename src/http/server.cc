#include "http/server.h"

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "http/loop.h"
#include "http/socket_connection.h"

namespace millrace::http {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr auto kAcceptRetry =
    std::chrono::milliseconds(100);  // After the process ran out of file descriptors.

// One acceptor that deals the connections out in turn: unlike SO_REUSEPORT this keeps the loops evenly loaded even with
// few connections, and a second server on the same port is an error.
class LoopServer final : public Server {
 public:
  LoopServer(const ServerSettings& settings, const Router& router) : shared_(std::make_shared<Shared>()) {
    shared_->settings = settings;
    shared_->router = &router;
    for (int i = 0; i < std::max(1, settings.threads); ++i) loops_.push_back(std::make_shared<Loop>(shared_));
    acceptor_.emplace(loops_.front()->io());
    retry_.emplace(loops_.front()->io());
  }
  ~LoopServer() override { stop(0); }

  base::Status bind() {
    error_code code;
    const auto address = asio::ip::make_address(shared_->settings.address, code);
    if (code) return failed("is not an IP address", code);
    const asio::ip::tcp::endpoint endpoint(address, shared_->settings.port);
    acceptor_->open(endpoint.protocol(), code);
    if (!code) acceptor_->set_option(asio::socket_base::reuse_address(true), code);
    if (!code) acceptor_->bind(endpoint, code);
    if (!code) acceptor_->listen(4096, code);
    if (code) return failed("cannot be listened on", code);
    port_ = acceptor_->local_endpoint(code).port();
    return base::Ok{};
  }

  void start() {
    accept();
    for (const auto& loop : loops_) threads_.emplace_back([loop] { loop->run(); });
  }

  std::uint16_t port() const override { return port_; }
  const ServerCounters& counters() const override { return shared_->counters; }

  void stop(std::int64_t drain_ms) override {
    if (threads_.empty()) return;
    // The loops are told by the one that accepts, so that none ends with a new connection on its way to it.
    asio::post(loops_.front()->io(), [this, drain_ms] {
      error_code code;
      acceptor_->close(code);
      retry_->cancel();
      for (const auto& loop : loops_) {
        asio::post(loop->io(), [loop, drain_ms] { loop->begin_stop(drain_ms); });
      }
    });
    for (auto& thread : threads_) thread.join();
    threads_.clear();
  }

 private:
  base::Error failed(std::string_view what, const error_code& code) const {
    return {base::ErrorCode::unavailable, shared_->settings.address + ":" +
                                              std::to_string(shared_->settings.port) + " " +
                                              std::string(what) + ": " + code.message()};
  }

  void accept() {
    const auto& loop = loops_[next_++ % loops_.size()];
    acceptor_->async_accept(loop->io(), [this, loop](const error_code& code, asio::ip::tcp::socket socket) {
      if (!acceptor_->is_open()) return;
      if (code) {
        retry_->expires_after(kAcceptRetry);
        retry_->async_wait([this](const error_code& cancelled) {
          if (!cancelled && acceptor_->is_open()) accept();
        });
        return;
      }
      admit(loop, std::move(socket));
      accept();
    });
  }

  void admit(const std::shared_ptr<Loop>& loop, asio::ip::tcp::socket socket) {
    auto& counters = shared_->counters;
    counters.accepted.fetch_add(1, std::memory_order_relaxed);
    if (counters.connections.load(std::memory_order_relaxed) >= shared_->settings.limits.connections_max) {
      counters.refused.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    counters.connections.fetch_add(1, std::memory_order_relaxed);
    const auto& tls = shared_->settings.tls;
    auto transport = tls == nullptr ? make_plain_transport(std::move(socket))
                                    : make_tls_transport(std::move(socket), *tls, counters);
    auto connection = std::make_shared<SocketConnection>(loop, std::move(transport));
    asio::post(loop->io(), [connection = std::move(connection)] { connection->start(); });
  }

  std::shared_ptr<Shared> shared_;
  std::vector<std::shared_ptr<Loop>> loops_;
  std::optional<asio::ip::tcp::acceptor> acceptor_;
  std::optional<asio::steady_timer> retry_;
  std::vector<std::thread> threads_;
  std::size_t next_ = 0;
  std::uint16_t port_ = 0;
};

}  // namespace

base::Result<std::unique_ptr<Server>> start_server(const ServerSettings& settings, const Router& router) {
  try {
    auto server = std::make_unique<LoopServer>(settings, router);
    TRY(server->bind());
    server->start();
    return std::unique_ptr<Server>(std::move(server));
  } catch (const std::exception& exception) {  // Asio, out of descriptors or threads.
    return base::Error(base::ErrorCode::unavailable,
                       std::string("start the HTTP server: ") + exception.what());
  }
}

}  // namespace millrace::http
