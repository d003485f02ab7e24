#include "base/result.h"

#include <cstdio>

namespace millrace::base {

std::string_view to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument: return "invalid_argument";
    case ErrorCode::not_found: return "not_found";
    case ErrorCode::conflict: return "conflict";
    case ErrorCode::unavailable: return "unavailable";
    case ErrorCode::exhausted: return "exhausted";
    case ErrorCode::corrupt: return "corrupt";
    case ErrorCode::io: return "io";
  }
  return "unknown";
}

Error::Error(ErrorCode code, std::string message)
    : detail_(std::make_shared<Detail>(Detail{code, std::move(message)})) {}

Error Error::with_context(std::string_view what) && {
  std::string message(what);
  message += ": ";
  message += detail_->message;
  return Error(detail_->code, std::move(message));
}

void check_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: invariant broken: %s\n", file, line, condition);
  std::fflush(stderr);
  std::abort();
}

}  // namespace millrace::base
