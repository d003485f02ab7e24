#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "admin/access_guard.h"
#include "admin/audit_entry.h"
#include "app/audit_log.h"
#include "base/clock.h"
#include "base/result.h"
#include "http/http.h"

namespace millrace::app {

// An answer, and what the audit log must have before it is given.
struct Answered {
  http::Response response;
  std::optional<admin::AuditEntry> entry;
};

// Who asked for what, from where; outcome and status are still to come.
admin::AuditEntry audit_entry(std::string act, std::string target, const admin::Principal& who,
                              const http::Request& request, base::WallTime at);

// Tokens, sessions and the audit log by the API's operationIds. One thread.
class AdminDesk {
 public:
  AdminDesk(std::string data_directory, admin::AccessGuard& guard, const AuditLog& audit,
            const base::Clock& clock);

  // Takes the tokens that there are; what cannot be read is an error.
  base::Status load();
  // Takes up a file of tokens that was replaced. One that cannot be read, or is gone, changes nothing.
  void follow();
  Answered answer(std::string_view operation, const http::Request& request);

 private:
  http::Response session(const http::Request& request) const;
  Answered sign_in(const http::Request& request);
  Answered sign_out(const http::Request& request) const;
  http::Response list_tokens() const;
  Answered create(const http::Request& request);
  Answered revoke(const http::Request& request);
  http::Response list_audit(const http::Request& request) const;
  void take_tokens();

  const std::string data_directory_;
  admin::AccessGuard& guard_;
  const AuditLog& audit_;
  const base::Clock& clock_;
  std::uint64_t version_ = 0;
  // Of failed sign-ins: anybody can make them, so that only some are recorded one by one.
  base::WallTime minute_began_;
  int failures_recorded_ = 0;
  std::uint64_t failures_unrecorded_ = 0;
};

}  // namespace millrace::app
