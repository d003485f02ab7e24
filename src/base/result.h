#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace millrace::base {

// Says what the caller may do about it.
enum class ErrorCode : std::uint8_t {
  invalid_argument,  // The caller's fault; the same call will fail again.
  not_found,
  conflict,     // Someone else got there first: re-read, decide again, retry.
  unavailable,  // Retry later.
  exhausted,    // A named limit was reached: disk full, quota, queue depth.
  corrupt,      // Bytes that were stored are not the bytes that came back.
  io,           // The outcome is unknown: it may or may not have happened.
};

std::string_view to_string(ErrorCode code);

// Why an operation did not succeed. One pointer wide. Callers branch on code(); people read message(),
// which each layer extends: "commit epoch 7: write manifest: disk full".
class [[nodiscard]] Error {
 public:
  Error(ErrorCode code, std::string message);

  ErrorCode code() const { return detail_->code; }
  const std::string& message() const { return detail_->message; }
  Error with_context(std::string_view what) &&;

 private:
  struct Detail {
    ErrorCode code;
    std::string message;
  };
  std::shared_ptr<Detail> detail_;
};

struct Ok {};

// Either a value or the reason there is none.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }
  const Error& error() const& { return *std::get_if<1>(&state_); }
  Error&& error() && { return std::move(*std::get_if<1>(&state_)); }
  T& operator*() & { return *std::get_if<0>(&state_); }
  const T& operator*() const& { return *std::get_if<0>(&state_); }
  T&& operator*() && { return std::move(*std::get_if<0>(&state_)); }
  T* operator->() { return std::get_if<0>(&state_); }
  const T* operator->() const { return std::get_if<0>(&state_); }

 private:
  std::variant<T, Error> state_;
};

using Status = Result<Ok>;

[[noreturn]] void check_failed(const char* condition, const char* file, int line);

}  // namespace millrace::base

// For what only a bug can cause; on in production.
#define INVARIANT(condition) \
  ((condition) ? (void)0 : ::millrace::base::check_failed(#condition, __FILE__, __LINE__))

#define MILLRACE_CONCAT_(a, b) a##b
#define MILLRACE_CONCAT(a, b) MILLRACE_CONCAT_(a, b)

// TRY(call): returns the error of a failed call from the enclosing function.
#define TRY(call)                                       \
  do {                                                  \
    if (auto try_result_ = (call); !try_result_.ok()) { \
      return std::move(try_result_).error();            \
    }                                                   \
  } while (false)

// TRY_ASSIGN(auto value, call): the same, else moves the value into its first argument.
#define TRY_ASSIGN(target, call) TRY_ASSIGN_(MILLRACE_CONCAT(try_assign_, __LINE__), target, call)
#define TRY_ASSIGN_(temporary, target, call)                \
  auto temporary = (call);                                  \
  if (!temporary.ok()) return std::move(temporary).error(); \
  target = *std::move(temporary)
