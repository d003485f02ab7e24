#include "app/write_key_file.h"

#include "app/private_file.h"
#include "app/system_random.h"
#include "app/token_file.h"

namespace millrace::app {

namespace {

constexpr std::size_t kIdBytes = 6;
constexpr std::size_t kKeyBytes = 16;

base::Result<admin::WriteKeyBook> parse(std::string_view text, const std::string& file) {
  auto book = admin::WriteKeyBook::parse(text);
  if (!book.ok()) return std::move(book).error().with_context(file);
  return book;
}

}  // namespace

std::string write_key_file_of(const std::string& data_directory) {
  return admin_directory_of(data_directory) + "/write_keys";
}

base::Result<admin::WriteKeyBook> load_write_keys(const std::string& data_directory) {
  const std::string file = write_key_file_of(data_directory);
  const auto text = read_private_file(file);
  if (!text.ok() && text.error().code() == base::ErrorCode::not_found) return admin::WriteKeyBook();
  if (!text.ok()) return text.error();
  return parse(*text, file);
}

base::Result<admin::WriteKeyBook> change_write_keys(
    const std::string& data_directory, const std::function<base::Status(admin::WriteKeyBook&)>& change) {
  TRY(make_admin_directory(data_directory));
  const std::string file = write_key_file_of(data_directory);
  admin::WriteKeyBook book;
  auto done = change_private_file(file, [&](std::string_view text) -> base::Result<std::string> {
    TRY_ASSIGN(book, parse(text, file));
    TRY(change(book));
    return book.text();
  });
  if (!done.ok()) return std::move(done).error();
  return book;
}

std::string new_key_id() { return secret_hex(kIdBytes); }
std::string new_write_key() { return "wk_" + secret_hex(kKeyBytes); }

}  // namespace millrace::app
