#pragma once

#include <string>

#include "query/side_table.h"

namespace millrace::app {

// admin.audit: the entries of the audit log of `admin_directory`, for those who may read it by the API.
query::SideTable audit_table(std::string admin_directory);

}  // namespace millrace::app
