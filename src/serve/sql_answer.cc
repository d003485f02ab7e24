#include "serve/sql_answer.h"

#include "query/sql_guard.h"
#include "serve/routes.h"

namespace millrace::serve {

http::Response sql_answer(const base::Result<query::SqlResult>& result) {
  if (result.ok()) return json_response(query::to_json(*result));
  const std::string& message = result.error().message();
  switch (result.error().code()) {
    case base::ErrorCode::invalid_argument:
    case base::ErrorCode::not_found:
      if (query::takes_admin(result.error())) {
        return http::error_response(403, "role_too_low", message, "Ask an admin for a token of that role.");
      }
      if (message.find("allowed") != std::string::npos) {
        return http::error_response(
            400, "sql_not_allowed", message,
            "One SELECT over the tables of raw, conformed and curated; nothing that writes, sets or opens.");
      }
      return http::error_response(400, "sql_error", message, "Correct the statement.");
    case base::ErrorCode::unavailable:
      return http::error_response(408, "sql_timeout", message,
                                  "Ask for less: a shorter time range, fewer columns, a limit; or raise "
                                  "sql.timeout_ms.");
    case base::ErrorCode::exhausted: {
      auto response =
          http::error_response(429, "sql_busy", message, "Repeat it after the time in Retry-After.");
      response.headers.emplace_back("Retry-After", "1");
      return response;
    }
    default:
      return http::error_response(500, "sql_failed", message,
                                  "The statement may be right; the log has more.");
  }
}

}  // namespace millrace::serve
