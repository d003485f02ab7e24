#pragma once

#include <functional>
#include <string>

#include "admin/write_key_book.h"
#include "base/result.h"

namespace millrace::app {

std::string write_key_file_of(const std::string& data_directory);

// An empty book when there is no file yet.
base::Result<admin::WriteKeyBook> load_write_keys(const std::string& data_directory);
// Durable when it returns, and what is then there; a running server follows within a second.
base::Result<admin::WriteKeyBook> change_write_keys(
    const std::string& data_directory, const std::function<base::Status(admin::WriteKeyBook&)>& change);

std::string new_key_id();
std::string new_write_key();

}  // namespace millrace::app
