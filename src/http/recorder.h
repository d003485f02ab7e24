#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "http/http.h"

namespace millrace::http {

// Keeps the answer of one request: how tests, fuzz targets and benchmarks call a route without a socket.
class Recorder final : public Responder::Connection {
 public:
  class Chunks final : public Stream {
   public:
    bool write(std::string_view chunk) override {
      text.append(chunk);
      return !closed;
    }
    void close() override { closed = true; }
    std::string text;
    bool closed = false;
  };

  void send(Response answer) override { response = std::move(answer); }
  std::shared_ptr<Stream> stream(Response head) override {
    response = std::move(head);
    chunks = std::make_shared<Chunks>();
    return chunks;
  }

  std::optional<Response> response;
  std::shared_ptr<Chunks> chunks;  // Set once the answer is a stream.
};

}  // namespace millrace::http
