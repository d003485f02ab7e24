#pragma once

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <string>
#include <string_view>

namespace millrace::http {

constexpr int kTestDeadlineSeconds = 20;  // Only ever waited for by a failing test.

// A blocking socket that is connected to a port of this machine. Whoever asks for it closes it.
inline int connect_to(std::uint16_t port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  const timeval deadline{kTestDeadlineSeconds, 0};
  ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof deadline);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  return socket;
}

// A client that sends what it is told, byte for byte.
class TestClient {
 public:
  explicit TestClient(std::uint16_t port) : socket_(connect_to(port)) {}
  ~TestClient() { ::close(socket_); }
  TestClient(const TestClient&) = delete;

  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  void end_sending() { ::shutdown(socket_, SHUT_WR); }
  // One answer: its head and as much body as Content-Length says; empty at the end of the stream.
  std::string answer(std::string_view head_only = {}) {
    std::size_t end = 0;
    while ((end = received_.find("\r\n\r\n")) == std::string::npos) {
      if (!receive()) return {};
    }
    const auto length = received_.find("Content-Length: ");
    std::size_t size = end + 4;
    if (length != std::string::npos && length < end && head_only != "HEAD") {
      size += static_cast<std::size_t>(std::stoul(received_.substr(length + 16)));
    }
    while (received_.size() < size) {
      if (!receive()) return {};
    }
    std::string one = received_.substr(0, size);
    received_.erase(0, size);
    return one;
  }
  std::string until(std::string_view mark) {
    while (received_.find(mark) == std::string::npos) {
      if (!receive()) return {};
    }
    return received_;
  }
  // Everything until the server closes; "no end" when it does not.
  std::string rest() {
    while (receive()) {
    }
    return timed_out_ ? "no end" : received_;
  }

 private:
  bool receive() {
    char bytes[65536];
    const auto size = ::recv(socket_, bytes, sizeof bytes, 0);
    if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) timed_out_ = true;
    if (size <= 0) return false;
    received_.append(bytes, static_cast<std::size_t>(size));
    return true;
  }
  int socket_;
  bool timed_out_ = false;
  std::string received_;
};

inline std::string get(std::string_view path, std::string_view more = {}) {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: x\r\n" + std::string(more) + "\r\n";
}
inline std::string post(std::string_view body, std::string_view more = {}) {
  return "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         std::string(more) + "\r\n" + std::string(body);
}
inline int status(std::string_view answer) {
  return answer.size() < 12 ? 0 : std::stoi(std::string(answer.substr(9, 3)));
}

}  // namespace millrace::http
