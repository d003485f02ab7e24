#pragma once

#include <boost/system/error_code.hpp>
#include <cstdint>
#include <memory>
#include <string>

#include "http/event_stream.h"
#include "http/http.h"
#include "http/loop.h"
#include "http/request_reader.h"
#include "http/transport.h"

namespace millrace::http {

// One client. Requests are answered one after the other; while one is with its route nothing more is read, so a client
// that pipelines is slowed by its own requests and holds no memory here.
//
// Lives on its loop's thread, except send() and stream(), which any thread may call, and the event stream.
class SocketConnection final : public Responder::Connection,
                               public std::enable_shared_from_this<SocketConnection> {
 public:
  SocketConnection(std::shared_ptr<Loop> loop, std::unique_ptr<Transport> transport);
  ~SocketConnection() override;

  void send(Response response) override;
  std::shared_ptr<Stream> stream(Response head) override;

  void start();
  void answer(Response response);
  void leave_flight();
  void send_stream(const std::shared_ptr<EventStream>& stream);
  void on_tick(std::uint64_t tick);
  // No further request is taken; what is in hand is finished.
  void on_stop();
  void close();

  // What the transport has to tell.
  void on_read(const boost::system::error_code& code, std::size_t bytes);
  void on_readable(const boost::system::error_code& code);
  void on_writable(const boost::system::error_code& code);
  void on_established();

 private:
  friend class Loop;
  enum class Phase : std::uint8_t {
    reading,
    routed,  // The request is with its route.
    streaming,
    lingering,  // Said its last; discards what still comes, so that the client reads the answer and no reset.
    closed,
  };

  void read();
  void process();
  // True when the request was answered at once and the connection goes on.
  bool route();
  void refuse();
  void refuse_plain_http();
  void append_head(const Response& response);
  void append(const Response& response);
  void flush();
  void go_on_writing();
  void linger();
  void set_read_deadline();
  void expire();
  void account_buffer();

  std::shared_ptr<Loop> loop_;
  const std::unique_ptr<Transport> transport_;
  const Limits& limits_;
  RequestReader reader_;
  std::string out_;  // Answers not yet handed to the kernel, from out_sent_ on.
  std::size_t out_sent_ = 0;
  std::shared_ptr<EventStream> stream_;
  std::size_t index_ = 0;       // In the loop's list.
  std::uint64_t deadline_ = 0;  // Tick; 0: none.
  std::size_t buffered_ = 0;    // Our part of Shared::buffered_bytes.
  std::size_t lingered_ = 0;
  Phase phase_ = Phase::reading;
  RequestReader::State timed_ = RequestReader::State::ready;  // What deadline_ was set for while reading.
  bool reading_ = false;                                      // A read is outstanding.
  bool writing_ = false;
  bool processing_ = false;
  bool close_after_write_ = false;
  bool head_only_ = false;
  bool in_flight_ = false;  // Counted among the requests in flight.
};

}  // namespace millrace::http
