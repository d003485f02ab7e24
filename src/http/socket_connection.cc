#include "http/socket_connection.h"

#include <algorithm>
#include <boost/asio/error.hpp>
#include <charconv>
#include <utility>

namespace millrace::http {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr std::size_t kBacklogBytes =
    64 * 1024;  // Of answers, past which a pipelining client must read first.
constexpr std::size_t kUncountedBytes = 64 * 1024;
constexpr std::int64_t kLingerMs = 2'000;
constexpr std::size_t kLingerBytes = 8 * 1024 * 1024;

void append_number(std::string& out, std::uint64_t number) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  out.append(digits, static_cast<std::size_t>(end - digits));
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out += name;
  out += ": ";
  const std::size_t from = out.size();
  out += value;
  // A value that came from outside must not be able to end its line.
  std::replace_if(
      out.begin() + static_cast<std::ptrdiff_t>(from), out.end(),
      [](char c) { return c == '\r' || c == '\n' || c == '\0'; }, ' ');
  out += "\r\n";
}

bool may_have_body(int status) { return status >= 200 && status != 204 && status != 304; }

}  // namespace

SocketConnection::SocketConnection(std::shared_ptr<Loop> loop, std::unique_ptr<Transport> transport)
    : loop_(std::move(loop)),
      transport_(std::move(transport)),
      limits_(loop_->shared().settings.limits),
      reader_(limits_) {}

SocketConnection::~SocketConnection() = default;

void SocketConnection::start() {
  error_code code;
  auto& socket = transport_->socket();
  socket.non_blocking(true, code);
  socket.set_option(asio::ip::tcp::no_delay(true), code);
  const auto peer = socket.remote_endpoint(code);
  if (!code) reader_.request().peer = peer.address().to_string(code);
  if (loop_->shared().settings.tls != nullptr) reader_.request().scheme = Scheme::https;
  loop_->add(*this);
  if (loop_->stopping()) {
    close();
    return;
  }
  read();
}

void SocketConnection::read() {
  set_read_deadline();
  if (reading_) return;
  reading_ = true;
  transport_->start_read(shared_from_this(), reader_.space());
}

void SocketConnection::on_read(const error_code& code, std::size_t bytes) {
  loop_->send_waiting();
  reading_ = false;
  if (phase_ != Phase::reading) return;
  if (code) {
    code == spoke_plain_http() ? refuse_plain_http() : close();
    return;
  }
  loop_->shared().counters.bytes_in.fetch_add(bytes, std::memory_order_relaxed);
  reader_.filled(bytes);
  account_buffer();
  process();
}

void SocketConnection::on_established() {
  timed_ = RequestReader::State::ready;
  set_read_deadline();
}

void SocketConnection::process() {
  if (processing_) return;
  processing_ = true;
  while (phase_ == Phase::reading && !close_after_write_) {
    if (out_.size() - out_sent_ > kBacklogBytes) flush();
    if (writing_) break;
    if (reader_.state() == RequestReader::State::refused) refuse();
    if (reader_.state() != RequestReader::State::ready || !route()) break;
  }
  processing_ = false;
  if (phase_ == Phase::reading && reader_.take_expectation()) out_ += "HTTP/1.1 100 Continue\r\n\r\n";
  flush();
  if (phase_ != Phase::reading || writing_) return;
  if (close_after_write_) {
    linger();
  } else {
    read();
  }
}

bool SocketConnection::route() {
  Shared& shared = loop_->shared();
  shared.counters.requests.fetch_add(1, std::memory_order_relaxed);
  phase_ = Phase::routed;
  deadline_ = 0;
  timed_ = RequestReader::State::ready;
  head_only_ = reader_.request().method == Method::head;
  in_flight_ = true;
  if (shared.in_flight.fetch_add(1, std::memory_order_relaxed) >= limits_.requests_in_flight_max) {
    shared.counters.refused.fetch_add(1, std::memory_order_relaxed);
    auto response =
        error_response(503, "overloaded", "Too many requests are in flight.", "Retry after the time given.");
    response.headers.emplace_back("Retry-After", "1");
    answer(std::move(response));
  } else {
    shared.router->dispatch(reader_.request(), Responder(shared_from_this()));
  }
  return phase_ == Phase::reading;
}

void SocketConnection::send(Response response) {
  if (loop_->on_own_thread()) {
    answer(std::move(response));
  } else {
    loop_->deliver(shared_from_this(), std::move(response));
  }
}

// Once a request, however many writes to its stream are on their way when its client leaves.
void SocketConnection::leave_flight() {
  if (std::exchange(in_flight_, false)) loop_->shared().in_flight.fetch_sub(1, std::memory_order_relaxed);
}

void SocketConnection::answer(Response response) {
  leave_flight();
  if (phase_ != Phase::routed) return;
  phase_ = Phase::reading;
  close_after_write_ = !reader_.keep_alive() || loop_->stopping();
  append(response);
  if (!close_after_write_) {
    reader_.next();
    account_buffer();
  }
  process();
}

void SocketConnection::refuse() {
  loop_->shared().counters.refused.fetch_add(1, std::memory_order_relaxed);
  close_after_write_ = true;
  head_only_ = false;
  append(reader_.refusal());
}

void SocketConnection::refuse_plain_http() {
  loop_->shared().counters.refused.fetch_add(1, std::memory_order_relaxed);
  close_after_write_ = true;
  head_only_ = false;
  append(error_response(400, "tls_expected", "This port speaks HTTPS, and the request came without TLS.",
                        "Use https:// in the address."));
  process();
}

void SocketConnection::append_head(const Response& response) {
  out_ += "HTTP/1.1 ";
  append_number(out_, static_cast<std::uint64_t>(response.status));
  out_ += ' ';
  out_ += reason_phrase(response.status);
  out_ += "\r\n";
  if (!response.content_type.empty() && may_have_body(response.status)) {
    append_field(out_, "Content-Type", response.content_type);
  }
  for (const auto& [name, value] : response.headers) append_field(out_, name, value);
}

void SocketConnection::append(const Response& response) {
  append_head(response);
  if (close_after_write_) {
    out_ += "Connection: close\r\n";
  } else if (reader_.needs_keep_alive_field()) {
    out_ += "Connection: keep-alive\r\n";
  }
  if (may_have_body(response.status)) {
    out_ += "Content-Length: ";
    append_number(out_, response.body.size());
    out_ += "\r\n\r\n";
    if (!head_only_) out_ += response.body;
  } else {
    out_ += "\r\n";
  }
}

void SocketConnection::flush() {
  if (writing_ || phase_ == Phase::closed || out_.size() == out_sent_) return;
  error_code code;
  const std::size_t sent = transport_->write_some(std::string_view(out_).substr(out_sent_), code);
  if (code && code != asio::error::would_block && code != asio::error::try_again) {
    close();
    return;
  }
  loop_->shared().counters.bytes_out.fetch_add(sent, std::memory_order_relaxed);
  out_sent_ += sent;
  if (out_sent_ == out_.size()) {
    if (out_.capacity() > kBacklogBytes) {
      out_ = {};
    } else {
      out_.clear();
    }
    out_sent_ = 0;
    return;
  }
  writing_ = true;
  deadline_ = loop_->tick_after(limits_.write_timeout_ms);
  transport_->wait_writable(shared_from_this());  // Only waits, so that out_ may grow meanwhile.
}

void SocketConnection::on_writable(const error_code& code) {
  writing_ = false;
  if (phase_ == Phase::closed) return;
  if (code) {
    close();
  } else {
    go_on_writing();
  }
}

void SocketConnection::go_on_writing() {
  flush();
  if (writing_ || phase_ == Phase::closed) return;
  deadline_ = 0;
  timed_ = RequestReader::State::ready;
  if (phase_ == Phase::streaming) {
    send_stream(stream_);
  } else if (phase_ == Phase::reading) {
    process();
  }
}

std::shared_ptr<Stream> SocketConnection::stream(Response head) {
  auto stream =
      std::make_shared<EventStream>(loop_, weak_from_this(), limits_.stream_bytes_max, std::move(head));
  if (loop_->on_own_thread()) {
    send_stream(stream);
  } else {
    loop_->flush_stream(shared_from_this(), stream);
  }
  return stream;
}

void SocketConnection::send_stream(const std::shared_ptr<EventStream>& stream) {
  if (stream_ == nullptr) {
    leave_flight();
    if (phase_ != Phase::routed) {
      stream->abandon();
      return;
    }
    stream_ = stream;
    phase_ = Phase::streaming;
    append_head(stream->head());
    out_ += "Connection: close\r\n\r\n";
    if (head_only_ || loop_->stopping()) stream_->close();
    transport_->wait_readable(shared_from_this());
  }
  if (phase_ != Phase::streaming || writing_) return;
  const EventStream::Next next =
      stream_->take(out_, head_only_ ? EventStream::Bytes::drop : EventStream::Bytes::keep);
  if (next == EventStream::Next::overrun) {
    close();
    return;
  }
  flush();
  if (next == EventStream::Next::last && !writing_ && phase_ == Phase::streaming) close();
}

// A client that is being told something has nothing to say but that it leaves.
void SocketConnection::on_readable(const error_code& failed) {
  if (phase_ != Phase::streaming && phase_ != Phase::lingering) return;
  char discarded[4096];
  error_code code = failed;
  const std::size_t bytes = code ? 0 : transport_->read_some(discarded, code);
  lingered_ += bytes;
  const bool nothing = code == asio::error::would_block || code == asio::error::try_again;
  if ((code && !nothing) || lingered_ > kLingerBytes) {
    close();
  } else {
    transport_->wait_readable(shared_from_this());
  }
}

void SocketConnection::linger() {
  error_code code;
  transport_->end_sending(code);
  if (code || loop_->stopping()) {
    close();
    return;
  }
  phase_ = Phase::lingering;
  lingered_ = 0;
  deadline_ = loop_->tick_after(std::min(kLingerMs, limits_.idle_timeout_ms));
  transport_->wait_readable(shared_from_this());
}

void SocketConnection::set_read_deadline() {
  const RequestReader::State state = reader_.state();
  if (state == timed_) return;  // Bytes that trickle in do not buy more time.
  timed_ = state;
  switch (state) {
    case RequestReader::State::header: deadline_ = loop_->tick_after(limits_.header_timeout_ms); break;
    case RequestReader::State::body: deadline_ = loop_->tick_after(limits_.body_timeout_ms); break;
    default:
      deadline_ =
          loop_->tick_after(transport_->established() ? limits_.idle_timeout_ms : limits_.header_timeout_ms);
      break;
  }
}

void SocketConnection::on_tick(std::uint64_t tick) {
  if (phase_ == Phase::streaming && stream_.use_count() == 1) {
    stream_->close();  // Its writer has dropped it.
    send_stream(stream_);
    return;
  }
  if (deadline_ != 0 && tick >= deadline_) expire();
}

void SocketConnection::expire() {
  const bool in_request = timed_ == RequestReader::State::header || timed_ == RequestReader::State::body;
  if (phase_ == Phase::reading && !writing_ && in_request) {
    loop_->shared().counters.refused.fetch_add(1, std::memory_order_relaxed);
    close_after_write_ = true;
    head_only_ = false;
    append(error_response(408, "request_timeout", "The request did not arrive in time.",
                          "Retry on a new connection."));
    flush();
  }
  close();
}

void SocketConnection::on_stop() {
  if (phase_ == Phase::streaming) {
    stream_->close();
    send_stream(stream_);
  } else if (phase_ == Phase::lingering ||
             (phase_ == Phase::reading && !writing_ && reader_.state() == RequestReader::State::idle)) {
    close();
  }
}

void SocketConnection::account_buffer() {
  Shared& shared = loop_->shared();
  const std::size_t held = reader_.held_bytes() > kUncountedBytes ? reader_.held_bytes() : 0;
  if (held == buffered_) return;
  const std::size_t all =
      shared.buffered_bytes.fetch_add(held - buffered_, std::memory_order_relaxed) + held - buffered_;
  const bool grew = held > buffered_;
  buffered_ = held;
  if (grew && all > limits_.buffered_bytes_max) reader_.refuse_for_memory();
}

void SocketConnection::close() {
  if (phase_ == Phase::closed) return;
  phase_ = Phase::closed;
  deadline_ = 0;
  transport_->close();
  if (stream_ != nullptr) stream_->abandon();
  stream_.reset();
  loop_->shared().buffered_bytes.fetch_sub(buffered_, std::memory_order_relaxed);
  buffered_ = 0;
  loop_->remove(*this);
}

}  // namespace millrace::http
