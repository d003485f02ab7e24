#include "tools/http_client.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

namespace millrace::tools {

namespace {

constexpr int kEventsMax = 256;
constexpr std::size_t kReadBytes = 64 * 1024;

int number_of(std::string_view text) {
  int value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

base::Result<std::string> address_of(const std::string& host) {
  addrinfo wanted{}, *found = nullptr;
  wanted.ai_family = AF_UNSPEC;
  wanted.ai_socktype = SOCK_STREAM;
  if (const int failed = getaddrinfo(host.c_str(), nullptr, &wanted, &found); failed != 0) {
    return base::Error(base::ErrorCode::not_found, "host \"" + host + "\": " + gai_strerror(failed));
  }
  const addrinfo* first = found;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    if (each->ai_family == AF_INET) {
      first = each;
      break;
    }
  }
  char text[NI_MAXHOST] = "";
  getnameinfo(first->ai_addr, first->ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST);
  freeaddrinfo(found);
  return std::string(text);
}

// Of a port after its colon.
bool read_port(std::string_view text, std::uint16_t& port) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && port != 0;
}

bool equals(std::string_view text, std::string_view lower) {
  return text.size() == lower.size() && strncasecmp(text.data(), lower.data(), text.size()) == 0;
}

enum class Chunks : std::uint8_t { whole, incomplete, malformed };

// RFC 9112, 7.1; extensions and trailers are passed over.
Chunks join_chunks(std::string_view in, std::string& body) {
  body.clear();
  while (true) {
    const std::size_t line = in.find("\r\n");
    if (line == std::string_view::npos)
      return in.size() > kReadBytes ? Chunks::malformed : Chunks::incomplete;
    std::uint64_t bytes = 0;
    const auto [end, error] = std::from_chars(in.data(), in.data() + line, bytes, 16);
    const bool ends = end == in.data() + line || *end == ';' || *end == ' ' || *end == '\t';
    if (error != std::errc() || !ends || bytes > kReplyBodyBytesMax - body.size()) return Chunks::malformed;
    in.remove_prefix(line + 2);
    if (bytes == 0) break;
    if (in.size() < bytes + 2) return Chunks::incomplete;
    if (in.substr(bytes, 2) != "\r\n") return Chunks::malformed;
    body.append(in.substr(0, bytes));
    in.remove_prefix(bytes + 2);
  }
  return in.starts_with("\r\n") || in.find("\r\n\r\n") != std::string_view::npos ? Chunks::whole
                                                                                 : Chunks::incomplete;
}

Step send_some(int socket, TlsSession* tls, std::string_view bytes) {
  if (tls != nullptr) return tls->write(bytes);
  const ssize_t sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (sent >= 0) return {Moved::some, static_cast<std::size_t>(sent)};
  const bool later = errno == EAGAIN || errno == EWOULDBLOCK;
  return {later ? Moved::needs_output : Moved::ended, 0};
}

Step receive_some(int socket, TlsSession* tls, char* into, std::size_t size) {
  if (tls != nullptr) return tls->read(into, size);
  const ssize_t got = ::recv(socket, into, size, 0);
  if (got > 0) return {Moved::some, static_cast<std::size_t>(got)};
  const bool later = got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
  return {later ? Moved::needs_input : Moved::ended, 0};
}

}  // namespace

base::Result<Endpoint> parse_endpoint(std::string_view url, const std::string& ca_file) {
  const base::Error bad(base::ErrorCode::invalid_argument,
                        "expected http://HOST:PORT or https://HOST:PORT, not \"" + std::string(url) + "\"");
  const bool secure = url.starts_with("https://");
  if (!secure && !url.starts_with("http://")) return bad;
  if (!secure && !ca_file.empty()) {
    return base::Error(base::ErrorCode::invalid_argument,
                       "--ca-file is for https, and " + std::string(url) + " is in the clear");
  }
  url.remove_prefix(secure ? 8 : 7);
  url = url.substr(0, url.find('/'));
  Endpoint endpoint;
  endpoint.authority = url;
  if (secure) endpoint.port = 443;
  std::string_view rest;
  if (url.starts_with('[')) {
    const std::size_t end = url.find(']');
    if (end == std::string_view::npos) return bad;
    endpoint.host = url.substr(1, end - 1);
    rest = url.substr(end + 1);
    in6_addr ignored{};
    if (inet_pton(AF_INET6, endpoint.host.c_str(), &ignored) != 1) return bad;
  } else {
    const std::size_t colon = std::min(url.find(':'), url.size());
    endpoint.host = url.substr(0, colon);
    rest = url.substr(colon);
    if (endpoint.host.empty() || endpoint.host.find_first_of("[]?#@") != std::string::npos) return bad;
  }
  const std::string name = endpoint.host;
  if (endpoint.host == "localhost") endpoint.host = "127.0.0.1";
  if (!rest.empty() && (rest.front() != ':' || !read_port(rest.substr(1), endpoint.port))) return bad;
  if (secure) {
    TRY_ASSIGN(endpoint.tls, TlsClient::make(name, ca_file));
  }
  TRY_ASSIGN(endpoint.host, address_of(endpoint.host));
  return endpoint;
}

std::string_view Reply::header(std::string_view name) const {
  std::string_view rest = head;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find("\r\n"), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 2, rest.size()));
    if (line.size() > name.size() && line[name.size()] == ':' &&
        strncasecmp(line.data(), name.data(), name.size()) == 0) {
      std::string_view value = line.substr(name.size() + 1);
      while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
      return value;
    }
  }
  return {};
}

HttpClient::HttpClient(Endpoint endpoint, std::size_t connections)
    : endpoint_(std::move(endpoint)), epoll_(epoll_create1(EPOLL_CLOEXEC)), connections_(connections) {
  for (std::size_t i = connections; i-- > 0;) idle_.push_back(i);
}

HttpClient::~HttpClient() {
  for (auto& connection : connections_) close(connection);
  ::close(epoll_);
}

// What makes the next request open a new one.
void HttpClient::close(Connection& connection) {
  if (connection.tls && !connection.tls->failure().empty()) failure_ = connection.tls->failure();
  connection.tls.reset();
  if (connection.socket >= 0) ::close(connection.socket);
  connection.socket = -1;
  connection.connected = false;
}

void HttpClient::send(std::string request, OnReply on_reply) {
  if (idle_.empty()) {
    waiting_.push_back({std::move(request), std::move(on_reply)});
    return;
  }
  const std::size_t index = idle_.back();
  idle_.pop_back();
  assign(index, {std::move(request), std::move(on_reply)});
}

void HttpClient::assign(std::size_t index, Waiting&& waiting) {
  Connection& connection = connections_[index];
  connection.busy = true;
  ++busy_;
  connection.out = std::move(waiting.request);
  connection.written = 0;
  connection.in.clear();
  connection.on_reply = std::move(waiting.on_reply);
  if (connection.socket < 0 && !open(index)) return fail(index);
  if (connection.connected) write(index);
}

bool HttpClient::open(std::size_t index) {
  Connection& connection = connections_[index];
  const bool v6 = endpoint_.host.find(':') != std::string::npos;
  connection.socket = ::socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (connection.socket < 0) return false;
  const int on = 1;
  setsockopt(connection.socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  sockaddr_in v4_address{};
  v4_address.sin_family = AF_INET;
  sockaddr_in6 v6_address{};
  v6_address.sin6_family = AF_INET6;
  v4_address.sin_port = v6_address.sin6_port = htons(endpoint_.port);
  inet_pton(AF_INET, endpoint_.host.c_str(), &v4_address.sin_addr);
  inet_pton(AF_INET6, endpoint_.host.c_str(), &v6_address.sin6_addr);
  const int result =
      v6 ? ::connect(connection.socket, reinterpret_cast<const sockaddr*>(&v6_address), sizeof v6_address)
         : ::connect(connection.socket, reinterpret_cast<const sockaddr*>(&v4_address), sizeof v4_address);
  connection.connected = result == 0;
  connection.reused = false;
  if (result != 0 && errno != EINPROGRESS) return false;
  if (endpoint_.tls) connection.tls = endpoint_.tls->connect(connection.socket);
  epoll_event event{};
  event.data.u64 = index;
  event.events = EPOLLIN | (connection.connected ? 0u : static_cast<unsigned>(EPOLLOUT));
  connection.writable_wanted = !connection.connected;
  epoll_ctl(epoll_, EPOLL_CTL_ADD, connection.socket, &event);
  return true;
}

void HttpClient::want_write(std::size_t index, int wanted) {
  Connection& connection = connections_[index];
  if (connection.writable_wanted == (wanted != 0)) return;
  connection.writable_wanted = wanted != 0;
  epoll_event event{};
  event.data.u64 = index;
  event.events = EPOLLIN | (wanted ? static_cast<unsigned>(EPOLLOUT) : 0u);
  epoll_ctl(epoll_, EPOLL_CTL_MOD, connection.socket, &event);
}

void HttpClient::release(std::size_t index) {
  connections_[index].busy = false;
  --busy_;
  if (waiting_.empty()) {
    idle_.push_back(index);
    return;
  }
  Waiting next = std::move(waiting_.front());
  waiting_.pop_front();
  assign(index, std::move(next));
}

void HttpClient::fail(std::size_t index) {
  Connection& connection = connections_[index];
  close(connection);
  if (!connection.busy) return;
  if (connection.reused && connection.in.empty()) {  // Closed while idle: the request never arrived.
    connection.reused = false;
    connection.written = 0;
    if (open(index)) {
      if (connection.connected) write(index);
      return;
    }
  }
  const OnReply on_reply = std::move(connection.on_reply);
  on_reply({});
  release(index);
}

void HttpClient::write(std::size_t index) {
  Connection& connection = connections_[index];
  while (connection.written < connection.out.size()) {
    const auto rest = std::string_view(connection.out).substr(connection.written);
    const Step step = send_some(connection.socket, connection.tls.get(), rest);
    if (step.moved == Moved::ended) return fail(index);
    if (step.moved != Moved::some) return want_write(index, step.moved == Moved::needs_output ? 1 : 0);
    connection.written += step.bytes;
  }
  want_write(index, 0);
}

// Whether a whole answer is there; hands it on. What only the end of the stream ends, as of HTTP/1.0, is whole with that.
bool HttpClient::complete(std::size_t index, Stream stream) {
  Connection& connection = connections_[index];
  std::string_view in = connection.in;
  Reply reply;
  std::size_t end = 0;
  do {  // Behind what says that it goes on.
    in.remove_prefix(end == 0 ? 0 : end + 4);
    end = in.find("\r\n\r\n");
    if (end == std::string_view::npos || in.size() < 12) return false;
    reply.status = number_of(in.substr(9, 3));
  } while (reply.status >= 100 && reply.status < 200);
  reply.head = in.substr(0, end + 2);
  in.remove_prefix(end + 4);
  bool ends = stream == Stream::ended || equals(reply.header("connection"), "close");
  const std::string_view length = reply.header("content-length");
  if (reply.status == 204 || reply.status == 304) {
    in = {};
  } else if (!length.empty()) {
    std::uint64_t bytes = 0;
    const auto [last, error] = std::from_chars(length.data(), length.data() + length.size(), bytes);
    if (error != std::errc() || last != length.data() + length.size() || bytes > kReplyBodyBytesMax) {
      reply.status = 0;
    } else if (in.size() < bytes) {
      return false;
    }
    in = in.substr(0, bytes);
  } else if (equals(reply.header("transfer-encoding"), "chunked")) {
    const Chunks chunks = join_chunks(in, connection.body);
    if (chunks == Chunks::incomplete) return false;
    if (chunks == Chunks::malformed) reply.status = 0;
    in = connection.body;
  } else {
    if (stream == Stream::open && in.size() <= kReplyBodyBytesMax) return false;
    if (in.size() > kReplyBodyBytesMax) reply.status = 0;
    ends = true;
  }
  if (reply.status == 0) {  // As if it had not come.
    connection.reused = false;
    fail(index);
    return true;
  }
  reply.body = in;
  connection.reused = true;
  const OnReply on_reply = std::move(connection.on_reply);
  on_reply(reply);
  if (ends) this->close(connection);
  release(index);
  return true;
}

void HttpClient::read(std::size_t index) {
  Connection& connection = connections_[index];
  char buffer[kReadBytes];
  Step step;
  std::size_t got = 0;
  do {  // What was decrypted already raises no event of the socket.
    step = receive_some(connection.socket, connection.tls.get(), buffer, sizeof buffer);
    connection.in.append(buffer, step.bytes);
    got += step.bytes;
  } while (connection.tls && step.moved == Moved::some && connection.in.size() <= kReplyBodyBytesMax);
  if (got > 0 && connection.busy && complete(index, Stream::open)) return;
  if (step.moved != Moved::ended) return;
  if (connection.busy && complete(index, Stream::ended)) return;
  fail(index);
}

void HttpClient::poll(int timeout_ms) {
  epoll_event events[kEventsMax];
  const int count = epoll_wait(epoll_, events, kEventsMax, timeout_ms);
  for (int i = 0; i < count; ++i) {
    const std::size_t index = events[i].data.u64;
    Connection& connection = connections_[index];
    if (connection.socket < 0) continue;
    if (!connection.connected && (events[i].events & (EPOLLOUT | EPOLLERR | EPOLLHUP))) {
      int error = 0;
      socklen_t size = sizeof error;
      getsockopt(connection.socket, SOL_SOCKET, SO_ERROR, &error, &size);
      if (error != 0) {
        fail(index);
        continue;
      }
      connection.connected = true;
    }
    // A handshake waits for the other side's word before anything is sent.
    const bool waits = connection.tls && connection.busy && connection.written < connection.out.size();
    if (waits || (events[i].events & EPOLLOUT)) write(index);
    if (connection.connected && (events[i].events & (EPOLLIN | EPOLLERR | EPOLLHUP))) read(index);
  }
}

std::string render_request(std::string_view method, std::string_view target, std::string_view body,
                           std::string_view write_key, std::string_view token, std::string_view host) {
  std::string request;
  request.reserve(body.size() + 200);
  request.append(method).append(" ").append(target).append(" HTTP/1.1\r\nHost: ").append(host).append("\r\n");
  if (!write_key.empty()) request.append("X-Write-Key: ").append(write_key).append("\r\n");
  if (!token.empty()) request.append("Authorization: Bearer ").append(token).append("\r\n");
  if (!body.empty()) request.append("Content-Type: application/json\r\n");
  request.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n\r\n").append(body);
  return request;
}

}  // namespace millrace::tools
