#!/bin/sh
# Puts libduckdb.so and duckdb.h, at the versions third_party/duckdb/package-lock.json pins, where CMake looks for them.
# Does nothing when they are there already. The header is of an older release than the library: DuckDB's C API only grows.
set -eu
cd "$(dirname "$0")/../third_party/duckdb"
if [ -e lib/libduckdb.so ] && [ lib/.stamp -nt package-lock.json ]; then
  echo "duckdb: up to date"
  exit 0
fi
echo "duckdb: fetching the library and its C header with npm"
npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
mkdir -p lib include
mv node_modules/@duckdb/node-bindings-linux-x64/libduckdb.so lib/libduckdb.so
cp node_modules/@duckdb/node-bindings-linux-x64/LICENSE LICENSE.duckdb
mv node_modules/duckdb/src/duckdb/src/include/duckdb.h include/duckdb.h
rm -rf node_modules
touch lib/.stamp
echo "duckdb: $(du -h lib/libduckdb.so | cut -f1) in third_party/duckdb/lib"
