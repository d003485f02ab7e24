#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "base/result.h"

struct ZSTD_CCtx_s;

namespace millrace::parquet {

// Memory that is written before it is read: it grows without being filled with zeros.
class Scratch {
 public:
  char* of(std::size_t size) {
    if (size > capacity_) bytes_ = std::make_unique_for_overwrite<char[]>(capacity_ = size);
    return bytes_.get();
  }

 private:
  std::unique_ptr<char[]> bytes_;
  std::size_t capacity_ = 0;
};

// Compresses with zstd, its working memory kept from call to call. For one thread.
class Compressor {
 public:
  explicit Compressor(int level);

  // What it returns lies in `scratch`. Fails only without memory.
  base::Result<std::string_view> compress(std::string_view bytes, Scratch& scratch);

 private:
  std::unique_ptr<ZSTD_CCtx_s, std::size_t (*)(ZSTD_CCtx_s*)> context_;
};

}  // namespace millrace::parquet
