#include "act/http_transport.h"

#include <doctest/doctest.h>

#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>
#include <memory>
#include <mutex>
#include <thread>

#include "act/deliverer.h"
#include "act/signature.h"
#include "event/fact.h"
#include "http/server.h"
#include "journal/memory_journal.h"
#include "sim/sim_clock.h"
#include "sim/sim_disk.h"

using namespace millrace;
using namespace millrace::act;

namespace {

// A receiver that first fails, then says nothing, then accepts.
struct Receiver {
  http::Router router;
  std::mutex mutex;
  int asked = 0;
  std::vector<std::string> bodies, signatures, ids;
  std::vector<http::Responder> silent;
  std::unique_ptr<http::Server> server;

  Receiver() {
    router.add(http::Method::post, "/hook", [this](const http::Request& request, http::Responder responder) {
      std::lock_guard lock(mutex);
      bodies.emplace_back(request.body);
      signatures.emplace_back(request.header("Millrace-Signature"));
      ids.emplace_back(request.header("Millrace-Action-Id"));
      http::Response response;
      switch (++asked) {
        case 1:
          response.status = 500;
          response.headers.emplace_back("Retry-After", "7");
          break;
        case 2: silent.push_back(std::move(responder)); return;
        default: response.body = "thanks"; break;
      }
      std::move(responder).send(std::move(response));
    });
    auto started = http::start_server({}, router);
    REQUIRE(started.ok());
    server = *std::move(started);
  }
  ~Receiver() {
    silent.clear();
    server->stop(0);
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(server->port()) + "/hook"; }
};

}  // namespace

TEST_CASE(
    "a receiver that fails, then times out, then accepts gets the action in the end, signed each time") {
  Receiver receiver;
  journal::MemoryJournal journal;
  sim::SimDisk disk(1);
  sim::SimClock clock({1'795'258'800'000});
  base::SeededRandom random(1);
  HttpTransport transport({.timeout_ms = 150});
  Deliverer deliverer(journal, disk, {{"shop", receiver.url(), "whsec"}}, transport, clock, random, {});
  REQUIRE(deliverer.open().ok());
  event::Action action;
  action.id = 7;
  action.visitor_id = "v";
  action.payload = "{}";
  journal::RecordBuffer buffer;
  event::encode_fact({}, action, buffer.begin());
  buffer.finish();
  REQUIRE(journal.append(buffer).ok());
  REQUIRE(journal.sync().ok());
  REQUIRE(deliverer.pump().ok());

  CHECK(deliverer.deliver_one(0));
  CHECK_EQ(deliverer.list(1, {})[0].targets[0].last_error, "status 500");
  clock.advance_ms(6'999);
  CHECK_FALSE(deliverer.deliver_one(0));  // Retry-After: 7.
  clock.advance_ms(1);
  CHECK(deliverer.deliver_one(0));
  CHECK_NE(deliverer.list(1, {})[0].targets[0].last_error.find("receive: "), std::string::npos);
  clock.advance_ms(60'000);
  CHECK(deliverer.deliver_one(0));
  const auto entry = deliverer.list(1, {})[0];
  CHECK(entry.state() == DeliveryState::delivered);
  CHECK_EQ(entry.targets[0].attempts, 3);
  CHECK_EQ(deliverer.figures().errors, 2);

  std::lock_guard lock(receiver.mutex);
  REQUIRE_EQ(receiver.bodies.size(), 3);
  CHECK_EQ(receiver.ids, std::vector<std::string>(3, "0000000000000007"));
  CHECK_EQ(receiver.signatures[0], sign("whsec", 1'795'258'800, receiver.bodies[0]));
  CHECK_EQ(receiver.signatures[2], sign("whsec", 1'795'258'867, receiver.bodies[2]));
}

TEST_CASE("nobody listening is an error, not a crash") {
  std::string url;
  {
    Receiver receiver;
    url = receiver.url();
  }
  HttpTransport transport({.timeout_ms = 150});
  CHECK_FALSE(transport.post({"t", url, ""}, {}).ok());
  CHECK_FALSE(transport.post({"t", "gopher://x", ""}, {}).ok());
}

TEST_CASE("https to a server without TLS fails and sends nothing") {
  Receiver receiver;
  HttpTransport transport({.timeout_ms = 300});
  std::string url = receiver.url();
  url.insert(4, "s");
  const auto answer = transport.post({"t", url, ""}, {});
  REQUIRE_FALSE(answer.ok());
  CHECK_NE(answer.error().message().find("TLS"), std::string::npos);
  CHECK_EQ(receiver.asked, 0);
}

namespace {

// Answers one request with these bytes, whatever it was.
base::Result<Receipt> receipt_for(const std::string& answer) {
  namespace asio = boost::asio;
  asio::io_context io;
  asio::ip::tcp::acceptor acceptor(io, {asio::ip::make_address("127.0.0.1"), 0});
  std::thread receiver([&] {
    boost::system::error_code code;
    auto socket = acceptor.accept(code);
    asio::streambuf request;
    asio::read_until(socket, request, "\r\n\r\n", code);
    asio::write(socket, asio::buffer(answer), code);
  });
  HttpTransport transport({.timeout_ms = 5'000});
  const std::string url = "http://127.0.0.1:" + std::to_string(acceptor.local_endpoint().port()) + "/";
  auto receipt = transport.post({"t", url, ""}, {});
  receiver.join();
  return receipt;
}

int status_for(const std::string& answer) {
  const auto receipt = receipt_for(answer);
  return receipt.ok() ? receipt->status : 0;
}

}  // namespace

TEST_CASE("what a receiver says before its answer is not its answer") {
  CHECK_EQ(status_for("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), 200);
  CHECK_EQ(status_for("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n"
                      "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"),
           503);
  std::string babble;
  for (int i = 0; i < 1'000; ++i) babble += "HTTP/1.1 102 Processing\r\n\r\n";
  CHECK_EQ(status_for(babble + "HTTP/1.1 200 OK\r\n\r\n"), 0);
}

TEST_CASE("an answer counts however long its head or its body is") {
  CHECK_EQ(status_for("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\nmuch"), 200);
  CHECK_EQ(status_for("HTTP/1.1 200 OK\r\nSet-Cookie: " + std::string(20'000, 'c') + "\r\n\r\n"), 200);
  CHECK_EQ(status_for("HTTP/1.1 200 OK\r\nSet-Cookie: " + std::string(2'000'000, 'c') + "\r\n\r\n"), 0);
}
