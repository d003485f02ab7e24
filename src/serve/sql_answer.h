#pragma once

#include "base/result.h"
#include "http/http.h"
#include "query/sql_result.h"

namespace millrace::serve {

// The answer of POST /v1/sql for what query::SqlEngine::run() returned.
http::Response sql_answer(const base::Result<query::SqlResult>& result);

}  // namespace millrace::serve
