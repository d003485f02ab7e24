#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "admin/token_book.h"
#include "base/clock.h"
#include "base/result.h"

namespace millrace::app {

// admin/ of a data directory (docs/formats/admin.md), made durably when it is absent.
base::Result<std::string> make_admin_directory(const std::string& data_directory);
std::string admin_directory_of(const std::string& data_directory);
std::string token_file_of(const std::string& data_directory);

// An empty book when there is no file yet.
base::Result<admin::TokenBook> load_tokens(const std::string& data_directory);

struct NewToken {
  admin::Token token;
  std::string shown;  // For its owner, once.
};
// Both durable when they return; a running server follows within a second.
base::Result<NewToken> create_token(const std::string& data_directory, admin::Role role,
                                    std::string_view name, std::int64_t days, base::WallTime now);
enum class LastAdmin : std::uint8_t { stays, may_go };
// conflict when it is the only one of an admin and that stays.
base::Result<admin::Token> revoke_token(const std::string& data_directory, std::string_view which,
                                        LastAdmin last_admin);

// What a client's file says, without the blanks around it; empty for no file.
base::Result<std::string> read_token_file(const std::string& file);

}  // namespace millrace::app
