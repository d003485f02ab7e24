#include "tools/batch_sender.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <limits>
#include <thread>

#include "tools/load.h"
#include "tools/replay.h"

using namespace millrace;
using namespace millrace::tools;

namespace {

class StandingClock final : public base::Clock {
 public:
  base::Instant now() const override { return {1}; }
  base::WallTime wall() const override { return {1}; }
};

// A port that connects, and says nothing unless it is made to.
class Port {
 public:
  Port() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    REQUIRE_EQ(::bind(socket_, reinterpret_cast<const sockaddr*>(&address), size), 0);
    REQUIRE_EQ(::listen(socket_, 8), 0);
    REQUIRE_EQ(::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    endpoint = {"127.0.0.1", ntohs(address.sin_port)};
  }
  ~Port() { ::close(socket_); }

  // Answers what one connection asks until it is closed; the sizes of the bodies.
  std::vector<std::size_t> serve_one() const {
    std::vector<std::size_t> sizes;
    const int client = ::accept(socket_, nullptr, nullptr);
    std::string in;
    std::string part(64 * 1024, '\0');
    for (ssize_t got = 0; (got = ::recv(client, part.data(), part.size(), 0)) > 0;) {
      in.append(part, 0, static_cast<std::size_t>(got));
      const std::size_t head = in.find("\r\n\r\n");
      if (head == std::string::npos) continue;
      const std::size_t length = std::stoul(in.substr(in.find("Content-Length: ") + 16));
      if (in.size() < head + 4 + length) continue;
      sizes.push_back(length);
      in.clear();
      const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
      ::send(client, answer.data(), answer.size(), MSG_NOSIGNAL);
    }
    ::close(client);
    return sizes;
  }

  Endpoint endpoint;

 private:
  const int socket_;
};

}  // namespace

TEST_CASE("a server that never answers can be given up") {
  const Port silent;
  const StandingClock clock;
  BatchSender sender(silent.endpoint, "/v1/import", "key", clock);
  int looks = 0;
  sender.stop_when([&] { return ++looks > 2; });
  const auto sent = sender.send("{}", 1);
  REQUIRE_FALSE(sent.ok());
  CHECK(sent.error().code() == base::ErrorCode::unavailable);
  CHECK_EQ(sender.report().items, 0);
}

TEST_CASE("waiting to ask again can be given up, too") {
  Endpoint nobody;
  {
    const Port gone;
    nobody = gone.endpoint;
  }
  const StandingClock clock;  // Whose pauses never end.
  BatchSender sender(nobody, "/v1/import", "key", clock);
  int looks = 0;
  sender.stop_when([&] { return ++looks > 3; });
  CHECK_FALSE(sender.send("{}", 1).ok());
}

TEST_CASE("who waits for a server asks until it is there, and says so") {
  // Time goes on by asking for it.
  class HurryingClock final : public base::Clock {
   public:
    base::Instant now() const override { return {ns += 20'000'000'000}; }
    base::WallTime wall() const override { return {1}; }
    mutable std::int64_t ns = 0;
  };
  Endpoint nobody;
  {
    const Port gone;
    nobody = gone.endpoint;
  }
  const HurryingClock clock;
  BatchSender impatient(nobody, "/v1/import", "key", clock);
  CHECK_FALSE(impatient.send("{}", 1).ok());
  CHECK_EQ(impatient.report().retries, 60);
  BatchSender sender(nobody, "/v1/import", "key", clock);
  std::vector<std::string> said;
  sender.wait_for_server([&](const std::string& text) { said.push_back(text); });
  sender.stop_when([&] { return sender.report().retries >= 100; });
  CHECK_FALSE(sender.send("{}", 1).ok());
  CHECK_EQ(sender.report().retries, 100);
  REQUIRE_EQ(said.size(), 1);
  CHECK_EQ(said[0], "the server does not answer; waiting for it");
}

TEST_CASE("long items are replayed in more and smaller batches, each of which a server takes") {
  const Port port;
  std::vector<std::size_t> sizes;
  std::thread server([&] { sizes = port.serve_one(); });
  const std::vector<ReplayItem> items(300, {0, "{\"a\":\"" + std::string(20'000, 'x') + "\"}"});
  ReplaySettings settings;
  settings.to = port.endpoint;
  const auto report = replay(items, settings, StandingClock(), [](std::uint64_t) {});
  server.join();
  REQUIRE(report.ok());
  CHECK_EQ(report->items, 300);
  CHECK_EQ(sizes.size(), 3);
  for (const std::size_t size : sizes) CHECK_LT(size, 2'200'000);
}

TEST_CASE("a load that cannot be made is refused, not begun") {
  const StandingClock clock;
  const auto refused = [&](auto change) {
    LoadSettings settings;
    settings.to = {"127.0.0.1", 1};
    change(settings);
    return !run_load(settings, clock).ok();
  };
  CHECK(refused([](auto& settings) { settings.acked_file = "/nonexistent/ids"; }));
  CHECK(refused([](auto& settings) { settings.rate = std::numeric_limits<double>::infinity(); }));
  CHECK(refused([](auto& settings) { settings.rate = std::numeric_limits<double>::quiet_NaN(); }));
  CHECK(refused([](auto& settings) { settings.rate = 1e18; }));
  CHECK(refused([](auto& settings) { settings.seconds = std::numeric_limits<double>::infinity(); }));
  CHECK(refused([](auto& settings) { settings.probes_per_s = std::numeric_limits<double>::infinity(); }));
  CHECK(refused([](auto& settings) { settings.visitors = 0; }));
}
