#include "http/request_reader.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <cstring>

namespace millrace::http {

namespace beast = boost::beast;

namespace {

constexpr std::size_t kSmallBuffer = 4 * 1024;
constexpr std::size_t kKeptBuffer =
    64 * 1024;  // Larger ones are given back after the request that needed them.
constexpr std::size_t kChunkRestMin =
    5;  // An unfinished chunked body has "0\r\n\r\n" to come; Beast 1.81 asserts on less.
constexpr std::size_t kChunkLineMax = 4 * 1024;  // A chunk's size line with extensions, or the trailers.

std::string_view view(beast::string_view text) { return {text.data(), text.size()}; }

Method method_of(beast::http::verb verb) {
  switch (verb) {
    case beast::http::verb::get: return Method::get;
    case beast::http::verb::head: return Method::head;
    case beast::http::verb::post: return Method::post;
    case beast::http::verb::put: return Method::put;
    case beast::http::verb::delete_: return Method::del;
    case beast::http::verb::options: return Method::options;
    default: return Method::other;
  }
}

bool is_decimal(char c) { return c >= '0' && c <= '9'; }

// A line that ends in a bare LF is two lines to one reader and one to another; and who ends all lines so would wait for ever.
bool has_bare_line_feed(std::string_view bytes, std::size_t from) {
  for (std::size_t at = bytes.find('\n', from); at != std::string_view::npos; at = bytes.find('\n', at + 1)) {
    if (at == 0 || bytes[at - 1] != '\r') return true;
  }
  return false;
}

enum class Protocol : std::uint8_t { spoken, foreign, none };

// What the request line says it is in.
Protocol protocol_of(std::string_view line) {
  const std::string_view name = line.substr(line.rfind(' ') + 1);
  if (name == "HTTP/1.1" || name == "HTTP/1.0") return Protocol::spoken;
  const bool is_version = name.size() == 8 && name.starts_with("HTTP/") && is_decimal(name[5]) &&
                          name[6] == '.' && is_decimal(name[7]) && name.size() < line.size();
  return is_version ? Protocol::foreign : Protocol::none;
}

beast::error_code malformed() { return beast::http::make_error_code(beast::http::error::bad_field); }

}  // namespace

// Beast's grammar, with the fields left where they lie in the buffer.
class RequestReader::Parser final : public beast::http::basic_parser<true> {
 public:
  Parser(Request& request, std::string& body, const Limits& limits, std::string_view head)
      : request_(request), chunked_body_(body), limits_(limits), head_end_(head.data() + head.size()) {
    header_limit(UINT32_MAX);
    body_limit(boost::none);
  }

  int version = 0;
  int hosts = 0;
  int lengths = 0;
  int codings = 0;
  bool coding_is_chunked = false;
  bool expectation = false;
  bool too_many_fields = false;
  bool body_too_large = false;

 private:
  using Code = beast::error_code&;
  using Text = beast::string_view;

  void on_request_impl(beast::http::verb verb, Text, Text target, int http_version, Code) override {
    version = http_version;
    request_.method = method_of(verb);
    request_.target = view(target);
  }
  void on_response_impl(int, Text, int, Code) override {}
  void on_field_impl(beast::http::field name, Text name_text, Text value, Code code) override {
    if (is_header_done()) {  // A trailer; nothing here needs one.
      trailer_bytes_ += name_text.size() + value.size() + 4;
      if (trailer_bytes_ > kChunkLineMax) code = malformed();
      return;
    }
    if (request_.headers.size() == limits_.headers_max) {
      too_many_fields = true;
      code = malformed();
      return;
    }
    if (is_folded(name_text, value) || value.find('\0') != Text::npos) {
      code = malformed();
      return;
    }
    note(name, value);
    request_.headers.emplace_back(view(name_text), view(value));
  }
  // Beast joins folded lines in memory of its own, except when the first of them is blank.
  bool is_folded(Text name, Text value) const {
    const char* const from = name.data() + name.size();
    if (value.empty()) return false;
    if (value.data() < from || value.data() >= head_end_) return true;
    return std::find(from, value.data(), '\n') != value.data();
  }
  void note(beast::http::field name, Text value) {
    switch (name) {
      case beast::http::field::host: ++hosts; break;
      case beast::http::field::content_length:
        // Beast takes "5, 5" for 5.
        lengths += value.empty() || !std::all_of(value.begin(), value.end(), is_decimal) ? 2 : 1;
        break;
      case beast::http::field::transfer_encoding:
        ++codings;
        coding_is_chunked = equals_ignoring_case(view(value), "chunked");
        break;
      case beast::http::field::expect: expectation = equals_ignoring_case(view(value), "100-continue"); break;
      default: break;
    }
  }
  void on_header_impl(Code) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, Code) override {}
  std::size_t on_body_impl(Text body, Code) override { return body.size(); }
  void on_chunk_header_impl(std::uint64_t size, Text extensions, Code code) override {
    if (extensions.size() > kChunkLineMax) code = malformed();
    if (size > limits_.body_bytes_max || chunked_body_.size() + size > limits_.body_bytes_max) {
      body_too_large = true;
      code = malformed();
    }
  }
  std::size_t on_chunk_body_impl(std::uint64_t, Text body, Code) override {
    chunked_body_.append(body.data(), body.size());
    return body.size();
  }
  void on_finish_impl(Code) override {}

  Request& request_;
  std::string& chunked_body_;
  const Limits& limits_;
  const char* head_end_;
  std::size_t trailer_bytes_ = 0;
};

RequestReader::RequestReader(const Limits& limits) : limits_(limits) {}
RequestReader::~RequestReader() = default;

void RequestReader::reserve(std::size_t capacity) {
  auto larger = std::make_unique_for_overwrite<char[]>(capacity);
  if (end_ > begin_) std::memcpy(larger.get(), buffer_.get() + begin_, end_ - begin_);
  if (state_ == State::body) {  // The header was read already: its views move with the bytes.
    const char* const from = buffer_.get() + begin_;
    const auto moved = [&](std::string_view text) {
      return std::string_view(larger.get() + (text.data() - from), text.size());
    };
    request_.target = moved(request_.target);
    for (auto& [name, value] : request_.headers) {
      name = moved(name);
      value = value.empty() ? std::string_view{} : moved(value);
    }
  }
  end_ -= begin_;
  begin_ = 0;
  buffer_ = std::move(larger);
  capacity_ = capacity;
}

std::span<char> RequestReader::space() {
  if (begin_ == end_ && state_ == State::idle) begin_ = end_ = 0;
  if (capacity_ == 0) reserve(kSmallBuffer);
  const bool fits = body_bytes_ > 0 && begin_ + header_bytes_ + body_bytes_ <= capacity_ && end_ < capacity_;
  if (!fits && capacity_ - end_ < kSmallBuffer / 4) {
    // Twice what has come, not what was announced: an announcement costs its sender nothing.
    reserve((end_ - begin_) * 2 < capacity_ ? capacity_ : capacity_ * 2);
  }
  return {buffer_.get() + end_, capacity_ - end_};
}

RequestReader::State RequestReader::filled(std::size_t bytes) {
  end_ += bytes;
  return advance();
}

RequestReader::State RequestReader::next() {
  begin_ += header_bytes_ + body_bytes_;
  header_bytes_ = body_bytes_ = scanned_ = 0;
  state_ = State::idle;
  request_.headers.clear();
  request_.body = {};
  parser_.reset();
  if (chunked_body_.capacity() > kKeptBuffer) {
    chunked_body_ = {};
  } else {
    chunked_body_.clear();
  }
  if (capacity_ > kKeptBuffer && end_ - begin_ <= kSmallBuffer) reserve(kSmallBuffer);
  return advance();
}

bool RequestReader::take_expectation() { return std::exchange(expects_continue_, false); }

RequestReader::State RequestReader::advance() {
  if (state_ == State::idle || state_ == State::header) {
    if (read_header() != State::body) return state_;
  }
  if (state_ != State::body) return state_;
  if (parser_ != nullptr) return read_chunks();
  if (end_ - begin_ < header_bytes_ + body_bytes_) return state_;
  request_.body = {buffer_.get() + begin_ + header_bytes_, body_bytes_};
  return state_ = State::ready;
}

RequestReader::State RequestReader::read_header() {
  while (begin_ < end_ && scanned_ == 0 && (buffer_[begin_] == '\r' || buffer_[begin_] == '\n')) ++begin_;
  if (begin_ == end_) return state_ = State::idle;
  state_ = State::header;
  const std::string_view bytes(buffer_.get() + begin_, end_ - begin_);
  // In the order in which the bytes come: what is wrong first is what is answered, however the network cut them.
  const std::string_view start = bytes.substr(0, limits_.request_line_bytes_max + 1);
  const std::size_t line = start.find("\r\n");
  const auto first = static_cast<unsigned char>(bytes.front());
  if (first <= ' ' || first >= 0x7f || has_bare_line_feed(start.substr(0, line), scanned_)) {
    return refuse_head();
  }
  if (line == std::string_view::npos && bytes.size() > limits_.request_line_bytes_max) {
    return refuse(414, "uri_too_long", "The request line is over the limit.",
                  "Send the parameters in a body.");
  }
  const Protocol protocol =
      line == std::string_view::npos ? Protocol::spoken : protocol_of(bytes.substr(0, line));
  if (protocol == Protocol::foreign) {
    return refuse(505, "unsupported_version", "Only HTTP/1.1 and HTTP/1.0 are spoken here.",
                  "Let a proxy in front speak other versions.");
  }
  const std::size_t end = bytes.find("\r\n\r\n", scanned_ < 3 ? 0 : scanned_ - 3);
  const std::size_t seen = end == std::string_view::npos ? bytes.size() : end + 4;
  const std::size_t head_max =
      line == std::string_view::npos ? seen : line + 2 + limits_.header_bytes_max + 4;
  if (protocol == Protocol::none || has_bare_line_feed(bytes.substr(0, std::min(seen, head_max)), scanned_)) {
    return refuse_head();
  }
  if (seen > head_max) {
    return refuse(431, "headers_too_large", "The header lines are over the limit.",
                  "Send fewer or shorter headers.");
  }
  if (end == std::string_view::npos) {
    scanned_ = bytes.size();
    return state_;
  }
  return read_fields(end + 4);
}

RequestReader::State RequestReader::read_fields(std::size_t header_bytes) {
  request_.headers.clear();
  const std::string_view head(buffer_.get() + begin_, header_bytes);
  parser_ = std::make_unique<Parser>(request_, chunked_body_, limits_, head);
  beast::error_code code;
  const std::size_t used = parser_->put(boost::asio::const_buffer(head.data(), head.size()), code);
  if (parser_->too_many_fields) {
    return refuse(431, "too_many_headers", "There are more header lines than the limit.",
                  "Send fewer headers.");
  }
  const bool known_coding = parser_->codings == 0 || (parser_->codings == 1 && parser_->coding_is_chunked);
  if (!code && parser_->lengths == 0 && !known_coding) {
    return refuse(501, "unsupported_transfer_encoding", "Only Transfer-Encoding: chunked is understood.",
                  "Compress with Content-Encoding instead.");
  }
  const bool ambiguous = !known_coding || parser_->lengths + parser_->codings > 1 ||
                         (parser_->codings > 0 && parser_->version < 11) ||
                         (parser_->version == 11 ? parser_->hosts != 1 : parser_->hosts > 1);
  const bool whole_server = request_.target == "*" && request_.method != Method::options;
  if (code || used != header_bytes || ambiguous || whole_server || !parse_target(request_.target, request_)) {
    return refuse_head();
  }
  header_bytes_ = header_bytes;
  keep_alive_ = parser_->keep_alive();
  version_ = parser_->version;
  return begin_body();
}

RequestReader::State RequestReader::begin_body() {
  state_ = State::body;
  const std::uint64_t length = parser_->codings > 0 ? 0 : parser_->content_length().value_or(0);
  if (length > limits_.body_bytes_max) {
    return refuse(413, "body_too_large", "The body is over the limit.", "Send smaller batches.");
  }
  body_bytes_ = static_cast<std::size_t>(length);
  const bool has_all = parser_->codings == 0 && end_ - begin_ >= header_bytes_ + body_bytes_;
  expects_continue_ = parser_->expectation && parser_->version == 11 && !has_all;
  if (parser_->codings == 0) {
    parser_.reset();
  } else {
    parser_->eager(true);
  }
  return state_;
}

RequestReader::State RequestReader::read_chunks() {
  // What was decoded makes room: the header stays where it is, so only what lies behind it moves.
  char* const first = buffer_.get() + begin_ + header_bytes_;
  std::size_t size = end_ - begin_ - header_bytes_;
  std::size_t used = 0;
  beast::error_code code;
  while (!parser_->is_done() && !code && size - used >= kChunkRestMin) {
    used += parser_->put(boost::asio::const_buffer(first + used, size - used), code);
  }
  if (parser_->body_too_large) {
    return refuse(413, "body_too_large", "The body is over the limit.", "Send smaller batches.");
  }
  if (code && code != beast::http::error::need_more) {
    return refuse(400, "malformed_chunk", "The chunked body is not valid HTTP/1.1.",
                  "Check the client's HTTP library.");
  }
  size -= used;
  std::memmove(first, first + used, size);
  end_ -= used;
  if (!parser_->is_done()) {
    if (size > kChunkLineMax) {
      return refuse(400, "malformed_chunk", "A chunk's size line or the trailers are too long.",
                    "Send no extensions.");
    }
    return state_;
  }
  request_.body = chunked_body_;
  return state_ = State::ready;
}

RequestReader::State RequestReader::refuse_for_memory() {
  refuse(503, "overloaded", "The server holds too many unfinished requests.", "Retry after the time given.");
  refusal_.headers.emplace_back("Retry-After", "1");
  return state_;
}

RequestReader::State RequestReader::refuse_head() {
  return refuse(400, "malformed_request", "The request head is not valid HTTP/1.1.",
                "Check the client's HTTP library.");
}

RequestReader::State RequestReader::refuse(int status, std::string_view code, std::string_view message,
                                           std::string_view hint) {
  refusal_ = error_response(status, code, message, hint);
  keep_alive_ = false;
  return state_ = State::refused;
}

}  // namespace millrace::http
