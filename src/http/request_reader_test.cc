#include "http/request_reader.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "base/random.h"

using namespace millrace::http;
using State = RequestReader::State;

namespace {

// Feeds in pieces of `piece` bytes; stops early when refused. Appends one line a request.
struct Fed {
  std::vector<std::string> requests;
  State state = State::idle;
  int refused = 0;
};

std::string line(const Request& request) {
  std::string text(to_string(request.method));
  text += ' ';
  text += request.target;
  for (const auto& [name, value] : request.headers) {
    text += '|';
    text += name;
    text += '=';
    text += value;
  }
  text += '#';
  text += request.body;
  return text;
}

Fed feed(std::string_view bytes, std::size_t piece, const Limits& limits = {}) {
  RequestReader reader(limits);
  Fed fed;
  while (!bytes.empty() && reader.state() != State::refused) {
    const auto space = reader.space();
    const std::size_t size = std::min({piece, bytes.size(), space.size()});
    std::memcpy(space.data(), bytes.data(), size);
    bytes.remove_prefix(size);
    reader.filled(size);
    while (reader.state() == State::ready) {
      fed.requests.push_back(line(reader.request()));
      reader.next();
    }
  }
  fed.state = reader.state();
  if (fed.state == State::refused) fed.refused = reader.refusal().status;
  return fed;
}

// The same whether the bytes come at once or one by one.
Fed feed_both(std::string_view bytes, const Limits& limits = {}) {
  const Fed whole = feed(bytes, bytes.size(), limits);
  const Fed single = feed(bytes, 1, limits);
  CHECK(whole.requests == single.requests);
  CHECK(whole.state == single.state);
  CHECK(whole.refused == single.refused);
  return whole;
}

const std::string kGet = "GET /a?b=c HTTP/1.1\r\nHost: x\r\nEmpty:\r\n\r\n";
const std::string kPost = "POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello";
const std::string kChunked =
    "POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    "4;name=value\r\nwiki\r\n5\r\npedia\r\n0\r\nTrailer: ignored\r\n\r\n";

}  // namespace

TEST_CASE("requests come out of the stream however it is cut") {
  const std::string stream = "\r\n" + kGet + kPost + kChunked + kGet;
  const Fed fed = feed_both(stream);
  REQUIRE(fed.requests.size() == 4);
  CHECK(fed.requests[0] == "GET /a?b=c|Host=x|Empty=#");
  CHECK(fed.requests[1] == "POST /p|Host=x|Content-Length=5#hello");
  CHECK(fed.requests[2] == "POST /c|Host=x|Transfer-Encoding=chunked#wikipedia");
  CHECK(fed.requests[3] == fed.requests[0]);
  CHECK(fed.state == State::idle);

  millrace::base::SeededRandom random(7);
  for (int round = 0; round < 200; ++round) {
    const std::size_t piece = 1 + random.below(stream.size());
    CAPTURE(piece);
    CHECK(feed(stream, piece).requests == fed.requests);
  }
}

TEST_CASE("an empty chunked body may come in the smallest pieces") {
  const Fed fed =
      feed_both("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + kGet);
  CHECK(fed.requests.size() == 2);
}

TEST_CASE("views hold while a large body makes the buffer grow") {
  const std::string body(3'000'000, 'z');
  const std::string head =
      "POST /large?q=1 HTTP/1.1\r\nHost: x\r\nX-Key: k\r\nContent-Length: 3000000\r\n\r\n";
  for (const std::size_t piece : {std::size_t{1000}, std::size_t{70'000}, std::size_t{4'000'000}}) {
    const Fed fed = feed(head + body + kGet, piece);
    REQUIRE(fed.requests.size() == 2);
    CHECK(fed.requests[0] == "POST /large?q=1|Host=x|X-Key=k|Content-Length=3000000#" + body);
    CHECK(fed.requests[1] == "GET /a?b=c|Host=x|Empty=#");
  }
}

TEST_CASE("memory follows what has come, not what was announced, and is given back") {
  Limits limits;
  RequestReader reader(limits);
  const std::string head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4000000\r\n\r\n";
  const auto put = [&](std::string_view bytes) {
    while (!bytes.empty()) {
      const auto space = reader.space();
      const std::size_t size = std::min(bytes.size(), space.size());
      std::memcpy(space.data(), bytes.data(), size);
      bytes.remove_prefix(size);
      reader.filled(size);
    }
  };
  put(head);
  CHECK(reader.held_bytes() <= 8 * 1024);
  put(std::string(4'000'000, 'x'));
  CHECK(reader.state() == State::ready);
  CHECK(reader.held_bytes() <= 16 * 1024 * 1024);
  reader.next();
  CHECK(reader.held_bytes() <= 8 * 1024);
}

TEST_CASE("a request that two readers could cut differently is refused") {
  const std::string start = "POST / HTTP/1.1\r\nHost: x\r\n";
  const std::string chunk = "\r\n0\r\n\r\n";
  struct Row {
    std::string_view why;
    std::string bytes;
    int status;
  };
  const Row rows[] = {
      {"length and coding", start + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n" + chunk, 400},
      {"coding and length", start + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n" + chunk, 400},
      {"two lengths", start + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", 400},
      {"two equal lengths", start + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", 400},
      {"negative length", start + "Content-Length: -5\r\n\r\nhello", 400},
      {"signed length", start + "Content-Length: +5\r\n\r\nhello", 400},
      {"length in hexadecimal", start + "Content-Length: 0x5\r\n\r\nhello", 400},
      {"length beyond 64 bits", start + "Content-Length: 99999999999999999999999\r\n\r\nhello", 400},
      {"empty length", start + "Content-Length: \r\n\r\nhello", 400},
      {"coding twice", start + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n" + chunk, 400},
      {"coding not last", start + "Transfer-Encoding: chunked, identity\r\n" + chunk, 501},
      {"coding list", start + "Transfer-Encoding: gzip, chunked\r\n" + chunk, 501},
      {"unknown coding", start + "Transfer-Encoding: xchunked\r\n" + chunk, 501},
      {"vertical tab in coding", start + "Transfer-Encoding: \vchunked\r\n" + chunk, 400},
      {"space before colon", start + "Transfer-Encoding : chunked\r\n" + chunk, 400},
      {"folded coding", start + "Transfer-Encoding:\r\n chunked\r\n" + chunk, 400},
      {"folded line", start + "X: a\r\n b\r\n\r\n", 400},
      {"coding in 1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n" + chunk, 400},
      {"bare line feed", "POST / HTTP/1.1\nHost: x\nContent-Length: 1\n\r\n\r\n", 400},
      {"line feed in value", start + "X: a\nContent-Length: 5\r\n\r\nhello", 400},
      {"no host", "GET / HTTP/1.1\r\n\r\n", 400},
      {"two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
      {"leading blank in first field", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400},
      {"no version", "GET /\r\n\r\n", 400},
      {"version 2", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
      {"no version, and no more to come", "GET /\r\n", 400},
      {"bare line feeds, and no more to come", "GET / HTTP/1.1\r\nHost: a\n\n", 400},
      {"a list of equal lengths", start + "Content-Length: 5, 5\r\n\r\nhello", 400},
      {"star in a GET", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
      {"space in target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"authority form", "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"broken escape", "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"NUL in value", start + std::string("X: a\0b\r\n\r\n", 10), 400},
      {"empty field name", start + ": v\r\n\r\n", 400},
      {"TLS hello", "\x16\x03\x01\x02\x01\r\n\r\n", 400},
      {"chunk size not hexadecimal", start + "Transfer-Encoding: chunked\r\n\r\nxyz\r\nabc\r\n0\r\n\r\n",
       400},
      {"negative chunk", start + "Transfer-Encoding: chunked\r\n\r\n-1\r\nabc\r\n0\r\n\r\n", 400},
      {"chunk beyond 64 bits", start + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nabc\r\n", 400},
      {"chunk longer than its size", start + "Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n", 400},
      {"chunk without line end", start + "Transfer-Encoding: chunked\r\n\r\n3\nabc\n0\n\n\r\n", 400},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    const Fed fed = feed_both(row.bytes);
    CHECK(fed.requests.empty());
    CHECK(fed.refused == row.status);
  }
}

TEST_CASE("every limit has its status") {
  Limits limits;
  limits.request_line_bytes_max = 64;
  limits.header_bytes_max = 256;
  limits.body_bytes_max = 100;
  limits.headers_max = 5;
  const std::string start = "POST / HTTP/1.1\r\nHost: x\r\n";
  CHECK(feed_both("GET /" + std::string(100, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n", limits).refused == 414);
  CHECK(feed_both("GET /" + std::string(100, 'a'), limits).refused == 414);
  CHECK(feed_both(start + "X: " + std::string(300, 'a') + "\r\n\r\n", limits).refused == 431);
  CHECK(feed_both(start + "X: " + std::string(300, 'a'), limits).refused == 431);
  CHECK(feed_both(start + "A:\r\nB:\r\nC:\r\nD:\r\nE:\r\n\r\n", limits).refused == 431);
  CHECK(feed_both(start + "Content-Length: 101\r\n\r\n", limits).refused == 413);
  CHECK(feed_both(start + "Content-Length: 100\r\n\r\n" + std::string(100, 'a'), limits).requests.size() ==
        1);
  CHECK(feed_both(start + "Transfer-Encoding: chunked\r\n\r\n65\r\nx", limits).refused == 413);
  CHECK(feed_both(start + "Transfer-Encoding: chunked\r\n\r\n32\r\n" + std::string(50, 'a') + "\r\n33\r\n",
                  limits)
            .refused == 413);
  // Neither an endless size line nor endless trailers are kept.
  CHECK(feed_both(start + "Transfer-Encoding: chunked\r\n\r\n1;" + std::string(5'000, 'a'), limits).refused ==
        400);
  CHECK(feed_both(start + "Transfer-Encoding: chunked\r\n\r\n0\r\nT: " + std::string(5'000, 'a'), limits)
            .refused == 400);
}

TEST_CASE("of several faults the first is answered, however the bytes are cut") {
  Limits limits;
  limits.request_line_bytes_max = 60;
  limits.header_bytes_max = 100;
  const std::string host = "Host: x\r\n", line = "GET / HTTP/1.1\r\n", many(200, 'a');
  const std::vector<std::pair<std::string, int>> cases = {
      {"\tGET /" + std::string(40, 'a') + " HTTP/0.1\r\n" + host + "\r\n", 400},
      {"\t" + many + " HTTP/1.1\r\n" + host + "\r\n", 400},
      {"GET /\n HTTP/2.0\r\n" + host + "\r\n", 400},
      {"GET /\n" + many + " HTTP/1.1\r\n" + host + "\r\n", 400},
      {"GET /" + many + "\n HTTP/1.1\r\n" + host + "\r\n", 414},
      {"GET / HTTP/2.0\r\nA: b\nX: " + many + "\r\n\r\n", 505},
      {"GET / nonsense\r\nX: " + many + "\r\n\r\n", 400},
      {line + "A: b\nX: " + many + "\r\n\r\n", 400},
      {line + "X: " + many + "\nA: b\r\n\r\n", 431},
  };
  for (const auto& [bytes, status] : cases) {
    CAPTURE(bytes);
    CHECK(feed_both(bytes, limits).refused == status);
    for (std::size_t piece = 2; piece < bytes.size(); ++piece)
      CHECK(feed(bytes, piece, limits).refused == status);
  }
}

TEST_CASE("keep-alive follows the version and the Connection field") {
  const auto kept = [](std::string_view bytes) {
    Limits limits;
    RequestReader reader(limits);
    std::memcpy(reader.space().data(), bytes.data(), bytes.size());
    REQUIRE(reader.filled(bytes.size()) == State::ready);
    return reader.keep_alive();
  };
  CHECK(kept("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
  CHECK_FALSE(kept("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
  CHECK_FALSE(kept("GET / HTTP/1.0\r\n\r\n"));
  CHECK(kept("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
}

TEST_CASE("an expectation is met once, and not when the body is here already") {
  Limits limits;
  const std::string head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n";
  RequestReader waiting(limits);
  std::memcpy(waiting.space().data(), head.data(), head.size());
  CHECK(waiting.filled(head.size()) == State::body);
  CHECK(waiting.take_expectation());
  CHECK_FALSE(waiting.take_expectation());
  RequestReader eager(limits);
  std::memcpy(eager.space().data(), (head + "ab").data(), head.size() + 2);
  CHECK(eager.filled(head.size() + 2) == State::ready);
  CHECK_FALSE(eager.take_expectation());
}

TEST_CASE("random damage to valid streams never breaks the reader") {
  const std::string stream = kGet + kPost + kChunked;
  for (std::uint64_t seed = 1; seed <= 3000; ++seed) {
    millrace::base::SeededRandom random(seed);
    std::string damaged = stream;
    for (std::uint64_t i = 0, n = 1 + random.below(4); i < n; ++i) {
      const std::size_t at = random.below(damaged.size());
      switch (random.below(3)) {
        case 0: damaged[at] = static_cast<char>(random.next()); break;
        case 1: damaged.erase(at, 1 + random.below(5)); break;
        default: damaged.insert(at, damaged, random.below(damaged.size()), random.below(20)); break;
      }
    }
    CAPTURE(seed);
    const Fed whole = feed(damaged, damaged.size());
    const Fed pieces = feed(damaged, 1 + random.below(9));
    CHECK(whole.requests == pieces.requests);
    CHECK(whole.refused == pieces.refused);
  }
}
