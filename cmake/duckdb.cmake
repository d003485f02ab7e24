# DuckDB as scripts/fetch_duckdb.sh leaves it. Executables find the library in the source tree (absolute, and relative to
# build/<preset>/), beside themselves, or in ../lib of where they were installed.
set(duckdb_dir ${CMAKE_SOURCE_DIR}/third_party/duckdb)
if(NOT EXISTS ${duckdb_dir}/lib/libduckdb.so OR NOT EXISTS ${duckdb_dir}/include/duckdb.h)
  message(FATAL_ERROR "DuckDB is missing: run scripts/fetch_duckdb.sh (./dev setup does).")
endif()
add_library(duckdb SHARED IMPORTED GLOBAL)
set_target_properties(duckdb PROPERTIES
  IMPORTED_LOCATION ${duckdb_dir}/lib/libduckdb.so
  INTERFACE_INCLUDE_DIRECTORIES ${duckdb_dir}/include)
list(APPEND CMAKE_BUILD_RPATH "$ORIGIN" "$ORIGIN/../lib" "$ORIGIN/../../third_party/duckdb/lib")
