#include "parquet/compressor.h"

#include <zstd.h>

#include <string>

namespace millrace::parquet {

Compressor::Compressor(int level) : context_(ZSTD_createCCtx(), ZSTD_freeCCtx) {
  if (context_ != nullptr) ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_compressionLevel, level);
}

base::Result<std::string_view> Compressor::compress(std::string_view bytes, Scratch& scratch) {
  if (context_ == nullptr) return base::Error(base::ErrorCode::exhausted, "zstd: no context");
  const std::size_t bound = ZSTD_compressBound(bytes.size());
  char* const out = scratch.of(bound);
  const std::size_t size = ZSTD_compress2(context_.get(), out, bound, bytes.data(), bytes.size());
  if (ZSTD_isError(size) != 0)
    return base::Error(base::ErrorCode::exhausted, std::string("zstd: ") + ZSTD_getErrorName(size));
  return std::string_view(out, size);
}

}  // namespace millrace::parquet
