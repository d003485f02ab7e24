#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

struct z_stream_s;

namespace millrace::collect {

// Undoes gzip and zlib. Reused from request to request to keep its window.
class Inflater {
 public:
  Inflater();
  ~Inflater();

  enum class Outcome : unsigned char { done, malformed, too_large };
  // `out` is overwritten; it never grows past bytes_max, however little was sent.
  Outcome inflate(std::string_view bytes, std::size_t bytes_max, std::string& out);

 private:
  std::unique_ptr<z_stream_s> stream_;
};

bool looks_gzipped(std::string_view bytes);

}  // namespace millrace::collect
