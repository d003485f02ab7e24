#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "collect/dialect.h"
#include "collect/inflate.h"

namespace millrace::collect {

// Undoes the content encoding of request bodies; reused from request to request.
class BodyOpener {
 public:
  // `body` is of the request or of this, until the next open().
  std::optional<Refusal> open(const http::Request& request, std::size_t bytes_max, std::string_view& body);

 private:
  Inflater inflater_;
  std::string inflated_;
};

}  // namespace millrace::collect
