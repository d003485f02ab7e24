#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "http/http.h"

namespace millrace::http {

// Turns the bytes of one connection into requests, without touching a socket.
//
// Whatever could be read in two ways is refused: Content-Length beside Transfer-Encoding or given twice, folded header
// lines or such as end in a bare LF, any transfer coding but a single "chunked", HTTP/1.1 without exactly one Host. After a refusal the
// connection must be closed: where the next request starts is not known.
class RequestReader {
 public:
  enum class State : std::uint8_t {
    idle,     // Not a byte of the next request yet.
    header,   // In the middle of a header.
    body,     // The header is whole, the body is not.
    ready,    // request() is whole; its views hold until next().
    refused,  // refusal() is the last answer.
  };

  explicit RequestReader(const Limits& limits);
  ~RequestReader();

  // Where the next bytes go; at least one. Not to be called in state ready or refused.
  std::span<char> space();
  // `bytes` of space() were filled.
  State filled(std::size_t bytes);
  // The request in hand was answered: continues with the bytes that came behind it.
  State next();

  State state() const { return state_; }
  Request& request() { return request_; }
  const Response& refusal() const { return refusal_; }
  bool keep_alive() const { return keep_alive_; }
  // HTTP/1.0 closes unless both sides say otherwise.
  bool needs_keep_alive_field() const { return version_ < 11; }
  // True once per request, when its client waits for "100 Continue" before it sends the body.
  bool take_expectation();
  // Turns the request in hand away because the server as a whole holds too many bytes.
  State refuse_for_memory();
  // Memory held for incoming bytes.
  std::size_t held_bytes() const { return capacity_ + chunked_body_.capacity(); }

 private:
  class Parser;

  State advance();
  State read_header();
  State read_fields(std::size_t header_bytes);
  State begin_body();
  State read_chunks();
  State refuse_head();
  State refuse(int status, std::string_view code, std::string_view message, std::string_view hint);
  void reserve(std::size_t capacity);

  const Limits& limits_;
  std::unique_ptr<char[]> buffer_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;    // Of the request in hand.
  std::size_t end_ = 0;      // Of what was read.
  std::size_t scanned_ = 0;  // From begin_: holds no end of header.
  std::size_t header_bytes_ = 0;
  std::size_t body_bytes_ = 0;  // With Content-Length.
  std::string chunked_body_;
  std::unique_ptr<Parser> parser_;
  Request request_;
  Response refusal_;
  State state_ = State::idle;
  int version_ = 11;
  bool keep_alive_ = true;
  bool expects_continue_ = false;
};

}  // namespace millrace::http
