#include <poll.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "http/server.h"
#include "http/tls_fixture.h"
#include "http/tls_identity.h"

using namespace millrace;
using namespace millrace::http;

namespace {

class Fixture {
 public:
  explicit Fixture(Limits limits = {}) {
    directory.make("cert.pem", "key.pem", 1);
    auto loaded = TlsIdentity::load({directory.file("cert.pem"), directory.file("key.pem")});
    REQUIRE(loaded);
    identity = *loaded;
    router_.add(Method::get, "/hello", [](const Request& request, Responder responder) {
      Response response;
      response.body = request.scheme == Scheme::https ? "hello" : "in the clear";
      std::move(responder).send(std::move(response));
    });
    router_.add(Method::post, "/echo", [](const Request& request, Responder responder) {
      Response response;
      response.body = request.body;
      std::move(responder).send(std::move(response));
    });
    router_.add(Method::get, "/stream", [this](const Request&, Responder responder) {
      const std::lock_guard lock(mutex_);
      stream_ = std::move(responder).stream({});
      opened_.notify_all();
    });
    ServerSettings settings;
    settings.limits = limits;
    settings.tls = identity;
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

  TlsDirectory directory;
  std::shared_ptr<TlsIdentity> identity;

 private:
  std::mutex mutex_;
  std::condition_variable opened_;
  std::shared_ptr<Stream> stream_;
  Router router_;

 public:
  std::unique_ptr<Server> server;
};

}  // namespace

TEST_CASE("TLS 1.2 and 1.3 carry requests one after the other, and HTTP/1.1 is agreed on") {
  Fixture fixture;
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION, 0}) {
    CAPTURE(version);
    TlsClient client(fixture.server->port(), {version});
    REQUIRE(client.secured());
    CHECK(client.protocol() == "http/1.1");
    for (int i = 0; i < 3; ++i) {
      REQUIRE(client.send(get("/hello")));
      CHECK(client.answer().ends_with("\r\n\r\nhello"));
    }
  }
  CHECK(fixture.server->counters().tls_handshakes.load() == 3);
  CHECK(fixture.server->counters().requests.load() == 9);
}

TEST_CASE("who offers no protocol is served, who offers only others is not, and old TLS is refused") {
  Fixture fixture;
  TlsClient plain(fixture.server->port(), {0, ""});
  REQUIRE(plain.secured());
  REQUIRE(plain.send(get("/hello")));
  CHECK(plain.answer().ends_with("hello"));
  CHECK_FALSE(TlsClient(fixture.server->port(), {0, "\x02h2"}).secured());
  TlsClient both(fixture.server->port(), {0, "\x02h2\x08http/1.1"});
  REQUIRE(both.secured());
  CHECK(both.protocol() == "http/1.1");
  CHECK_FALSE(TlsClient(fixture.server->port(), {TLS1_1_VERSION}).secured());
  CHECK_FALSE(TlsClient(fixture.server->port(), {TLS1_VERSION}).secured());
}

TEST_CASE("large bodies travel both ways, also when many wait in line") {
  Fixture fixture;
  const std::string body = [] {
    std::string text(1'500'000, ' ');
    for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>('a' + i * 7 % 26);
    return text;
  }();
  constexpr int kRequests = 12;
  TlsClient client(fixture.server->port());
  REQUIRE(client.secured());
  REQUIRE(client.send(post(body)));
  CHECK(client.answer().ends_with(body));
  // One thread writes while the other reads only in turns: OpenSSL's session is not for two at once.
  const std::string small(100'000, 'p');
  for (int round = 0; round < kRequests; ++round) {
    REQUIRE(client.send(post(small) + post("x") + get("/hello")));
    CHECK(client.answer().ends_with(small));
    CHECK(client.answer().ends_with("\r\n\r\nx"));
    CHECK(client.answer().ends_with("hello"));
  }
}

TEST_CASE(
    "requests that share a record are told apart as in the clear, and what is ambiguous ends the "
    "connection") {
  Fixture fixture;
  TlsClient client(fixture.server->port());
  REQUIRE(
      client.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "0\r\n\r\nGET /hello HTTP/1.1\r\nHost: x\r\n\r\n"));
  const std::string answer = client.rest();
  CHECK(answer.starts_with("HTTP/1.1 400 "));
  CHECK(answer.find("hello") == std::string::npos);
  CHECK(client.ended_well());
  CHECK(fixture.server->counters().requests.load() == 0);
}

TEST_CASE("a request in the clear is told so in the clear") {
  Fixture fixture;
  for (const std::string_view start : {"GET", "POST", "OPTIONS", "DELETE", "get"}) {
    TestClient client(fixture.server->port());
    REQUIRE(client.send(std::string(start) + " /hello HTTP/1.1\r\nHost: x\r\n\r\n"));
    const std::string answer = client.rest();
    CHECK(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"));
    CHECK(answer.find("https://") != std::string::npos);
    CHECK(answer.find("hello") == std::string::npos);
  }
  CHECK(fixture.server->counters().requests.load() == 0);
  CHECK(fixture.server->counters().refused.load() == 5);
}

TEST_CASE("garbage instead of a handshake ends the connection, and the next client does not notice") {
  Limits limits;
  limits.header_timeout_ms = 1000;  // Of garbage that may be the beginning of a record.
  Fixture fixture(limits);
  for (const std::string_view garbage :
       {std::string_view("\x16\x03\x01\xff\xff garbage that is no client hello at all"),
        std::string_view("\0\0\0\0", 4), std::string_view("\x80\x2e\x01\x03\x01", 5),
        std::string_view("\x15\x03\x03\0\x02\x02\x28", 7)}) {
    TestClient client(fixture.server->port());
    REQUIRE(client.send(garbage));
    ::poll(nullptr, 0, 0);
    CHECK(client.rest() != "no end");
  }
  TlsClient good(fixture.server->port());
  REQUIRE(good.send(get("/hello")));
  CHECK(good.answer().ends_with("hello"));
}

TEST_CASE("who begins a handshake and does not end it is let go like any slow client") {
  Limits limits;
  limits.header_timeout_ms = 60;
  limits.idle_timeout_ms = 60'000;
  Fixture fixture(limits);
  TestClient silent(fixture.server->port());
  TestClient halfway(fixture.server->port());
  REQUIRE(halfway.send(std::string_view("\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03", 11)));
  CHECK(silent.rest().empty());
  CHECK(halfway.rest().empty());
  TlsClient in_header(fixture.server->port());
  REQUIRE(in_header.send("GET /hello HTTP/1.1\r\nHost"));
  CHECK(in_header.rest().starts_with("HTTP/1.1 408 "));
}

TEST_CASE("once the handshake is done a quiet client has the time that quiet clients have") {
  Limits limits;
  limits.header_timeout_ms = 2000;  // Long enough for a handshake on a busy machine.
  limits.idle_timeout_ms = 60'000;
  Fixture fixture(limits);
  TlsClient quiet(fixture.server->port());
  REQUIRE(quiet.secured());
  TestClient measure(fixture.server->port());
  CHECK(measure.rest().empty());  // Later than the handshake's limit from when `quiet` connected.
  REQUIRE(quiet.send(get("/hello")));
  CHECK(quiet.answer().ends_with("hello"));
}

TEST_CASE("a new certificate is for connections to come, a bad one for none") {
  Fixture fixture;
  TlsClient before(fixture.server->port());
  CHECK(before.serial() == 1);
  fixture.directory.make("cert.pem", "key.pem", 2);
  CHECK(TlsClient(fixture.server->port()).serial() == 1);
  REQUIRE(fixture.identity->reload());
  CHECK(TlsClient(fixture.server->port()).serial() == 2);
  REQUIRE(before.send(get("/hello")));
  CHECK(before.answer().ends_with("hello"));

  fixture.directory.make("other.pem", "key.pem", 3);
  const auto mismatched = fixture.identity->reload();
  REQUIRE_FALSE(mismatched);
  CHECK(mismatched.error().message().find("is not the key of the certificate") != std::string::npos);
  fixture.directory.write("cert.pem", "-----BEGIN CERTIFICATE-----\nMIIB");
  CHECK_FALSE(fixture.identity->reload());
  CHECK(TlsClient(fixture.server->port()).serial() == 2);
}

TEST_CASE("what is wrong with the files is said with the name of the setting") {
  TlsDirectory directory;
  directory.make("cert.pem", "key.pem", 1);
  directory.make("cert2.pem", "key2.pem", 2);
  directory.make_locked_key("locked.pem");
  directory.write("text", "no PEM\n");
  struct Row {
    std::string certificate, key, says;
  };
  const Row rows[] = {
      {"absent.pem", "key.pem", "http.tls_certificate_file"},
      {"absent.pem", "key.pem", "cannot be read: No such file"},
      {"cert.pem", "absent.pem", "http.tls_key_file"},
      {"text", "key.pem", "is no PEM certificate"},
      {"cert.pem", "text", "is no PEM key"},
      {"cert.pem", "locked.pem", "is no PEM key without a passphrase"},
      {"cert.pem", "key2.pem", "is not the key of the certificate"},
  };
  for (const Row& row : rows) {
    const auto loaded = TlsIdentity::load({directory.file(row.certificate), directory.file(row.key)});
    REQUIRE_FALSE(loaded);
    CHECK_MESSAGE(loaded.error().message().find(row.says) != std::string::npos, loaded.error().message());
  }
  CHECK_FALSE(TlsIdentity::load({directory.file("cert.pem"), ""}));
  const auto good = TlsIdentity::load({directory.file("cert.pem"), directory.file("key.pem")});
  REQUIRE(good);
  CHECK((*good)->expires_at().ms > 1'700'000'000'000);
}

TEST_CASE("a stream goes through TLS, ends with a goodbye, and notices that its client left") {
  Fixture fixture;
  {
    TlsClient client(fixture.server->port());
    REQUIRE(client.send(get("/stream")));
    const auto stream = fixture.opened_stream();
    CHECK(stream->write("data: 1\n\n"));
    REQUIRE(client.wait_for("data: 1\n\n"));
    // What a client says meanwhile is thrown away, however it is cut into records.
    REQUIRE(client.send(std::string(20'000, 'x')));
    CHECK(stream->write("data: 2\n\n"));
    REQUIRE(client.wait_for("data: 2\n\n"));
    stream->close();
    CHECK(client.rest().ends_with("data: 1\n\ndata: 2\n\n"));
    CHECK(client.ended_well());
  }
  std::shared_ptr<Stream> stream;
  {
    TlsClient client(fixture.server->port());
    REQUIRE(client.send(get("/stream")));
    stream = fixture.opened_stream();
  }
  while (stream->write(":\n")) std::this_thread::yield();
}

TEST_CASE("many TLS clients at once each get their own answers, while the certificate changes") {
  Fixture fixture;
  std::atomic<int> right{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&fixture, &right, t] {
      for (int i = 0; i < 10; ++i) {
        TlsClient client(fixture.server->port());
        const std::string body = "client " + std::to_string(t) + " turn " + std::to_string(i);
        for (int n = 0; n < 3; ++n) {
          if (client.send(post(body)) && client.answer().ends_with(body)) ++right;
        }
      }
    });
  }
  for (int i = 0; i < 10; ++i) {
    fixture.directory.make("cert.pem", "key.pem", 10 + i);
    CHECK(fixture.identity->reload());
  }
  for (auto& thread : threads) thread.join();
  CHECK(right == 4 * 10 * 3);
}
