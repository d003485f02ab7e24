#pragma once

#include <doctest/doctest.h>

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "http/client_fixture.h"
#include "http/server.h"

namespace millrace::http {

// Responders that a route put aside, for the test to answer from its own thread.
class Shelf {
 public:
  void put(Responder responder) {
    const std::lock_guard lock(mutex_);
    responders_.push_back(std::move(responder));
    changed_.notify_all();
  }
  std::vector<Responder> take(std::size_t count) {
    std::unique_lock lock(mutex_);
    REQUIRE(changed_.wait_for(lock, std::chrono::seconds(kTestDeadlineSeconds),
                              [&] { return responders_.size() >= count; }));
    return std::exchange(responders_, {});
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Responder> responders_;
};

// A server with a route of each kind: at once, echoed, empty, later, and a stream.
class ServerFixture {
 public:
  explicit ServerFixture(Limits limits = {}, int threads = 2) {
    router_.add(Method::get, "/hello", [](const Request&, Responder responder) {
      Response response;
      response.content_type = "text/plain";
      response.body = "hello";
      std::move(responder).send(std::move(response));
    });
    router_.add(Method::post, "/echo", [](const Request& request, Responder responder) {
      Response response;
      response.body = request.body;
      response.headers.emplace_back("X-Split", "a\r\nInjected: b");
      std::move(responder).send(std::move(response));
    });
    router_.add(Method::get, "/empty", [](const Request&, Responder responder) {
      Response response;
      response.status = 204;
      std::move(responder).send(std::move(response));
    });
    router_.add(Method::get, "/later",
                [this](const Request&, Responder responder) { shelf.put(std::move(responder)); });
    router_.add(Method::get, "/stream", [this](const Request&, Responder responder) {
      Response head;
      head.content_type = "text/event-stream";
      const std::lock_guard lock(mutex_);
      stream_ = std::move(responder).stream(std::move(head));
      opened_.notify_all();
    });
    ServerSettings settings;
    settings.limits = limits;
    settings.threads = threads;
    auto started = start_server(settings, router_);
    REQUIRE(started);
    server = std::move(*started);
  }
  std::shared_ptr<Stream> opened_stream() {
    std::unique_lock lock(mutex_);
    REQUIRE(opened_.wait_for(lock, std::chrono::seconds(kTestDeadlineSeconds),
                             [&] { return stream_ != nullptr; }));
    return std::exchange(stream_, nullptr);
  }

  Shelf shelf;

 private:
  std::mutex mutex_;
  std::condition_variable opened_;
  std::shared_ptr<Stream> stream_;
  Router router_;

 public:
  std::unique_ptr<Server> server;
};

}  // namespace millrace::http
