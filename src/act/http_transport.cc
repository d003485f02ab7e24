#include "act/http_transport.h"

#include <algorithm>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <charconv>
#include <chrono>
#include <exception>
#include <optional>

namespace millrace::act {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using tcp = asio::ip::tcp;
using Code = beast::error_code;
using PostRequest = beast::http::request<beast::http::string_body>;
using HeadParser = beast::http::response_parser<beast::http::empty_body>;

constexpr std::uint32_t kHeadBytesMax = 128 * 1024;  // Of an answer; proxies add cookies and policies to it.
constexpr int kInterimMax = 20;                      // Of 1xx before an answer.

base::Error failed(std::string_view what, const Code& code) {
  return base::Error(base::ErrorCode::io, std::string(what) + ": " + code.message());
}

// One request over one stream. Each step is asynchronous only so that the stream's deadline can end it; run()
// waits.
template <class Stream>
class Exchange {
 public:
  Exchange(asio::io_context& io, Stream& stream, std::int64_t timeout_ms) : io_(io), stream_(stream) {
    beast::get_lowest_layer(stream_).expires_after(std::chrono::milliseconds(timeout_ms));
  }

  Code connect(const tcp::resolver::results_type& addresses) {
    return run([&](auto done) {
      beast::get_lowest_layer(stream_).async_connect(addresses,
                                                     [done](Code code, const auto&) { done(code); });
    });
  }
  Code shake_hands() {
    return run([&](auto done) { stream_.async_handshake(asio::ssl::stream_base::client, done); });
  }
  Code send(PostRequest& request) {
    return run([&](auto done) {
      beast::http::async_write(stream_, request, [done](Code code, std::size_t) { done(code); });
    });
  }
  // Only the head: what a receiver writes below it changes nothing.
  Code receive(HeadParser& parser) {
    parser.header_limit(kHeadBytesMax);
    parser.body_limit(boost::none);
    return run([&](auto done) {
      beast::http::async_read_header(stream_, buffer_, parser,
                                     [done](Code code, std::size_t) { done(code); });
    });
  }

 private:
  template <class Start>
  Code run(Start start) {
    Code result = asio::error::timed_out;
    start([&result](Code code) { result = code; });
    io_.restart();
    io_.run();
    return result;
  }
  asio::io_context& io_;
  Stream& stream_;
  beast::flat_buffer buffer_;  // Came behind the head that was received last.
};

// A receiver, or a proxy before it, may say that it goes on (RFC 9110, 15.2); only what follows is its answer.
bool is_interim(const HeadParser& parser) {
  const unsigned status = parser.get().result_int();
  return status >= 100 && status < 200 && status != 101;
}

Receipt receipt_of(const HeadParser& parser) {
  Receipt receipt;
  receipt.status = static_cast<int>(parser.get().result_int());
  const auto wait = parser.get()[beast::http::field::retry_after];
  std::int64_t seconds = 0;
  const auto [end, error] = std::from_chars(wait.data(), wait.data() + wait.size(), seconds);
  constexpr std::int64_t kWaitMaxS = 24 * 3600;
  if (error == std::errc{} && end == wait.data() + wait.size() && seconds > 0)
    receipt.retry_after_s = std::min(seconds, kWaitMaxS);
  return receipt;
}

template <class Stream>
base::Result<Receipt> converse(Exchange<Stream>& exchange, PostRequest& request) {
  if (const Code code = exchange.send(request)) return failed("send", code);
  for (int heads = 0; heads <= kInterimMax; ++heads) {
    HeadParser parser;
    if (const Code code = exchange.receive(parser)) return failed("receive", code);
    if (!is_interim(parser)) return receipt_of(parser);
  }
  return base::Error(base::ErrorCode::io, "receive: there is no end to what comes before the answer");
}

PostRequest request_of(const Url& url, const Delivery& delivery) {
  PostRequest request(beast::http::verb::post, url.path, 11);
  request.set(beast::http::field::host, url.authority);
  request.set(beast::http::field::user_agent, "Millrace");
  request.set(beast::http::field::connection, "close");
  for (const auto& [name, value] : delivery.headers) request.set(name, value);
  request.body() = delivery.body;
  request.prepare_payload();
  return request;
}

base::Result<Receipt> post_plain(asio::io_context& io, const tcp::resolver::results_type& addresses,
                                 PostRequest& request, std::int64_t timeout_ms) {
  beast::tcp_stream stream(io);
  Exchange exchange(io, stream, timeout_ms);
  if (const Code code = exchange.connect(addresses)) return failed("connect", code);
  return converse(exchange, request);
}

base::Result<Receipt> post_secure(asio::io_context& io, const tcp::resolver::results_type& addresses,
                                  PostRequest& request, const std::string& host, std::int64_t timeout_ms) {
  asio::ssl::context context(asio::ssl::context::tls_client);
  context.set_default_verify_paths();
  context.set_verify_mode(asio::ssl::verify_peer);
  beast::ssl_stream<beast::tcp_stream> stream(io, context);
  stream.set_verify_callback(asio::ssl::host_name_verification(host));
  if (SSL_set_tlsext_host_name(stream.native_handle(), host.c_str()) != 1) {
    return base::Error(base::ErrorCode::io, "TLS does not take the host's name");
  }
  Exchange exchange(io, stream, timeout_ms);
  if (const Code code = exchange.connect(addresses)) return failed("connect", code);
  if (const Code code = exchange.shake_hands()) return failed("TLS", code);
  return converse(exchange, request);
}

}  // namespace

base::Result<Receipt> HttpTransport::post(const Target& target, const Delivery& delivery) {
  TRY_ASSIGN(const Url url, parse_url(target.url));
  try {
    asio::io_context io(1);
    tcp::resolver resolver(io);
    Code code;
    const auto addresses =
        resolver.resolve(url.host, std::to_string(url.port), tcp::resolver::numeric_service, code);
    if (code) return failed("resolve " + url.host, code);
    PostRequest request = request_of(url, delivery);
    if (url.scheme == Url::Scheme::http) return post_plain(io, addresses, request, settings_.timeout_ms);
    return post_secure(io, addresses, request, url.host, settings_.timeout_ms);
  } catch (const std::exception& exception) {
    return base::Error(base::ErrorCode::io, exception.what());
  }
}

}  // namespace millrace::act
