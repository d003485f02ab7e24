#include "app/token_file.h"

#include <algorithm>
#include <optional>

#include "app/private_file.h"
#include "app/system_random.h"
#include "disk/disk.h"
#include "disk/posix_disk.h"
#include "tools/file_text.h"

namespace millrace::app {

namespace {
constexpr std::size_t kIdBytes = 6;
constexpr std::size_t kSecretBytes = 32;

base::Result<admin::TokenBook> parse(std::string_view text, const std::string& file) {
  auto book = admin::TokenBook::parse(text);
  if (!book.ok()) return std::move(book).error().with_context(file);
  return book;
}
}  // namespace

std::string admin_directory_of(const std::string& data_directory) { return data_directory + "/admin"; }
std::string token_file_of(const std::string& data_directory) {
  return admin_directory_of(data_directory) + "/tokens";
}

base::Result<std::string> make_admin_directory(const std::string& data_directory) {
  TRY_ASSIGN(auto disk, disk::PosixDisk::open_root(data_directory));
  TRY(disk::make_directory_durably(*disk, "admin"));
  return admin_directory_of(data_directory);
}

base::Result<admin::TokenBook> load_tokens(const std::string& data_directory) {
  const std::string file = token_file_of(data_directory);
  const auto text = read_private_file(file);
  if (!text.ok() && text.error().code() == base::ErrorCode::not_found) return admin::TokenBook();
  if (!text.ok()) return text.error();
  return parse(*text, file);
}

base::Result<NewToken> create_token(const std::string& data_directory, admin::Role role,
                                    std::string_view name, std::int64_t days, base::WallTime now) {
  TRY(make_admin_directory(data_directory));
  const std::string file = token_file_of(data_directory);
  const admin::TokenSeed seed{secret_hex(kIdBytes), secret_hex(kSecretBytes)};
  NewToken made;
  const base::WallTime expires_at = days == 0 ? base::WallTime{} : now + days * base::kDayMs;
  TRY(change_private_file(file, [&](std::string_view text) -> base::Result<std::string> {
    TRY_ASSIGN(auto book, parse(text, file));
    TRY_ASSIGN(made.shown, book.create(role, name, now, expires_at, seed));
    made.token = book.tokens().back();
    return book.text();
  }));
  return made;
}

base::Result<admin::Token> revoke_token(const std::string& data_directory, std::string_view which,
                                        LastAdmin last_admin) {
  const std::string file = token_file_of(data_directory);
  std::optional<admin::Token> revoked;
  TRY(change_private_file(file, [&](std::string_view text) -> base::Result<std::string> {
    TRY_ASSIGN(auto book, parse(text, file));
    TRY_ASSIGN(revoked, book.revoke(which));
    const auto& left = book.tokens();
    const bool was_last = revoked->role == admin::Role::admin &&
                          std::none_of(left.begin(), left.end(),
                                       [](const auto& token) { return token.role == admin::Role::admin; });
    if (was_last && last_admin == LastAdmin::stays) {
      return base::Error(base::ErrorCode::conflict, "This is the last token of an admin.");
    }
    return book.text();
  }));
  return *std::move(revoked);
}

base::Result<std::string> read_token_file(const std::string& file) {
  if (file.empty()) return std::string();
  TRY_ASSIGN(const std::string text, tools::read_text(file));
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos)
    return base::Error(base::ErrorCode::invalid_argument, file + ": no token in it");
  return text.substr(first, text.find_first_of(" \t\r\n", first) - first);
}

}  // namespace millrace::app
