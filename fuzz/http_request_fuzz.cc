// Whatever a client sends: the request reader cuts it into the same requests however it arrives, and never holds more
// than its limits. The first byte chooses the pieces.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "base/result.h"
#include "http/request_reader.h"

namespace {

using namespace millrace;
using State = http::RequestReader::State;

struct Reading {
  std::string requests;
  int refusal = 0;
};

Reading read_in_pieces(std::string_view bytes, std::size_t piece, const http::Limits& limits) {
  http::RequestReader reader(limits);
  std::string account;
  while (!bytes.empty() && reader.state() != State::refused) {
    const auto space = reader.space();
    INVARIANT(!space.empty());
    const std::size_t size = std::min({piece, bytes.size(), space.size()});
    std::memcpy(space.data(), bytes.data(), size);
    bytes.remove_prefix(size);
    reader.filled(size);
    while (reader.state() == State::ready) {
      http::Request& request = reader.request();
      INVARIANT(request.body.size() <= limits.body_bytes_max);
      INVARIANT(request.headers.size() <= limits.headers_max);
      INVARIANT(request.path.starts_with('/'));
      account.append(request.target);
      for (const auto& [name, value] : request.headers)
        account.append(name).append("=").append(value).append("|");
      account.append(request.body).append("\n");
      reader.next();
    }
    INVARIANT(reader.held_bytes() <=
              4 * (limits.body_bytes_max + limits.header_bytes_max + limits.request_line_bytes_max));
  }
  return {account, reader.state() == State::refused ? reader.refusal().status : 0};
}

// Of a chunked body the reader leaves up to four bytes for later, which with more before them it may have refused already.
constexpr std::size_t kUndecidedMax = 4;

void agree(std::string_view bytes, std::size_t piece, const Reading& whole, const http::Limits& limits) {
  const Reading pieces = read_in_pieces(bytes, piece, limits);
  INVARIANT(whole.requests == pieces.requests);
  if (whole.refusal == pieces.refusal) return;
  INVARIANT(whole.refusal == 0 || pieces.refusal == 0);
  INVARIANT(std::max(whole.refusal, pieces.refusal) == 400);
  const std::string more = std::string(bytes) + std::string(kUndecidedMax, 'z');
  INVARIANT(read_in_pieces(more, whole.refusal == 0 ? more.size() : piece, limits).refusal == 400);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  http::Limits limits;
  limits.request_line_bytes_max = 256;
  limits.header_bytes_max = 1024;
  limits.headers_max = 16;
  limits.body_bytes_max = 4096;
  agree(bytes, 1 + data[0] % 64, read_in_pieces(bytes, std::max<std::size_t>(bytes.size(), 1), limits),
        limits);
  return 0;
}
