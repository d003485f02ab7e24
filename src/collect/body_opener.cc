#include "collect/body_opener.h"

namespace millrace::collect {

// The content type says nothing: browsers send text/plain, one SDK a form that is gzipped JSON.
std::optional<Refusal> BodyOpener::open(const http::Request& request, std::size_t bytes_max,
                                        std::string_view& body) {
  const auto encoding = request.header("content-encoding");
  const bool coded = !encoding.empty() && !http::equals_ignoring_case(encoding, "identity");
  body = request.body;
  if (coded && !http::equals_ignoring_case(encoding, "gzip") &&
      !http::equals_ignoring_case(encoding, "deflate")) {
    return Refusal{415, "unsupported_encoding", "Content-Encoding is neither gzip nor deflate.",
                   "Send gzip or nothing.", 0};
  }
  if (!coded && !looks_gzipped(body)) return std::nullopt;
  if (inflated_.capacity() > bytes_max / 4) inflated_ = {};
  switch (inflater_.inflate(body, bytes_max, inflated_)) {
    case Inflater::Outcome::done: break;
    case Inflater::Outcome::malformed:
      return Refusal{400, "invalid_gzip", "The body is not what its Content-Encoding says.",
                     "Check the client's gzip.", 0};
    case Inflater::Outcome::too_large:
      return Refusal{413, "inflated_too_large",
                     "The body inflates to more than " + std::to_string(bytes_max) + " bytes.",
                     "Send smaller batches.", 0};
  }
  body = inflated_;
  return std::nullopt;
}

}  // namespace millrace::collect
