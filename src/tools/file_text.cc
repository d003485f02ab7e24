#include "tools/file_text.h"

#include <zlib.h>

#include <cerrno>
#include <cstring>

namespace millrace::tools {

base::Result<std::string> read_text(const std::string& path) {
  const gzFile file = gzopen(path.c_str(), "rb");
  if (!file) {
    const auto code = errno == ENOENT ? base::ErrorCode::not_found : base::ErrorCode::io;
    return base::Error(code, path + ": " + std::strerror(errno));
  }
  gzbuffer(file, 1 << 17);
  std::string text;
  constexpr unsigned kChunk = 1 << 20;
  while (true) {
    const std::size_t size = text.size();
    text.resize(size + kChunk);
    const int got = gzread(file, text.data() + size, kChunk);
    text.resize(size + (got > 0 ? static_cast<std::size_t>(got) : 0));
    if (got < 0) {
      int code = 0;
      const std::string message = gzerror(file, &code);
      gzclose(file);
      return base::Error(base::ErrorCode::corrupt, path + ": " + message);
    }
    if (got == 0) break;
  }
  // A stream cut off half-way ends quietly in gzread and is told by gzclose.
  if (gzclose(file) == Z_BUF_ERROR)
    return base::Error(base::ErrorCode::corrupt, path + ": the gzip stream is cut off");
  return text;
}

}  // namespace millrace::tools
