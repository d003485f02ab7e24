#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "collect/dialect.h"
#include "collect/endpoint_paths.h"
#include "collect/sink_recorder.h"

namespace millrace::collect {

// One request after the other through one reader of a dialect, as a server thread has it, with the answer its client gets.
class DialectRig {
 public:
  using Headers = std::vector<std::pair<std::string_view, std::string_view>>;
  static constexpr base::WallTime kNow{1'750'000'000'000};

  explicit DialectRig(const Dialect& dialect) : dialect_(dialect), reader_(dialect.reader()) {
    for (const auto& endpoint : dialect.endpoints()) add(endpoint);
  }

  http::Response post(std::string_view target, std::string_view body, Headers headers = {}) {
    return send(http::Method::post, target, body, std::move(headers));
  }
  http::Response get(std::string_view target, Headers headers = {}) {
    return send(http::Method::get, target, {}, std::move(headers));
  }
  http::Response send(http::Method method, std::string_view target, std::string_view body, Headers headers) {
    http::Request request;
    request.method = method;
    request.target = target;
    request.headers = std::move(headers);
    request.peer = "192.0.2.7";
    request.body = body;
    REQUIRE(http::parse_target(target, request));
    answer_ = {};
    answer_.status = 404;
    sink.events.clear();
    sink.quarantined.clear();
    router_.dispatch(request, http::Responder(std::make_shared<Ignored>()));
    return answer_;
  }

  // The one event of the last request.
  const event::Event& event() const {
    REQUIRE(sink.quarantined.empty());
    REQUIRE(sink.events.size() == 1);
    return sink.events[0];
  }

  static std::string_view header(const http::Response& response, std::string_view name) {
    for (const auto& [key, value] : response.headers) {
      if (key == name) return value;
    }
    return {};
  }

  SinkRecorder sink;

 private:
  struct Ignored final : http::Responder::Connection {
    void send(http::Response) override {}
    std::shared_ptr<http::Stream> stream(http::Response) override { return nullptr; }
  };
  void add(const Dialect::Endpoint& endpoint) {
    for (const std::string& path : paths_of(endpoint)) {
      router_.add(endpoint.method, path,
                  [this, id = endpoint.id, role = endpoint.role](const http::Request& request,
                                                                 http::Responder responder) {
                    answer_ = role == Dialect::Endpoint::Role::informs ? dialect_.inform(request, id)
                                                                       : collect(request, id);
                    std::move(responder).send({});
                  });
    }
  }
  http::Response collect(const http::Request& request, int endpoint) {
    sink.intake.begin(kNow, request.body.size());
    if (const auto refusal = reader_->read(request, endpoint, kNow, sink.intake)) {
      return dialect_.refuse(request, endpoint, *refusal);
    }
    auto response = dialect_.answer(request, endpoint, sink.intake.outcome());
    sink.decode();
    return response;
  }

  const Dialect& dialect_;
  const std::unique_ptr<Reader> reader_;
  http::Router router_;
  http::Response answer_;
};

}  // namespace millrace::collect
