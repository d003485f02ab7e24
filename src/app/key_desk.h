#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "admin/access_guard.h"
#include "admin/write_key_book.h"
#include "app/admin_desk.h"
#include "base/clock.h"
#include "base/result.h"
#include "http/http.h"

namespace millrace::app {

// Write keys by the API's operationIds, and the file that holds them. One thread.
class KeyDesk {
 public:
  // Brings collection to what the book says.
  using Apply = std::function<base::Status(const admin::WriteKeyBook&)>;

  KeyDesk(std::string data_directory, const admin::AccessGuard& guard, const base::Clock& clock, Apply apply);

  base::Status load();
  // Takes up a file that was replaced, and refuses keys whose time after a rotation is over.
  void follow();
  Answered answer(std::string_view operation, const http::Request& request);

 private:
  http::Response list() const;
  Answered create(const http::Request& request);
  Answered change(const http::Request& request);
  Answered rotate(const http::Request& request);
  Answered revoke(const http::Request& request);
  // Makes the change in the file and takes it up.
  base::Status commit(const std::function<base::Status(admin::WriteKeyBook&)>& change);
  void apply();

  const std::string data_directory_;
  const admin::AccessGuard& guard_;
  const base::Clock& clock_;
  const Apply apply_;
  admin::WriteKeyBook book_;
  std::uint64_t version_ = 0;
  bool applied_ = true;
};

}  // namespace millrace::app
