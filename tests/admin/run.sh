#!/usr/bin/env bash
# TLS, tokens and roles, the audit log and write keys, by curl and openssl against a running Millrace: run.sh MILLRACE.
# Exit 0: passed, 77: skipped, anything else: failed.
set -euo pipefail
for tool in curl openssl python3; do
  command -v "$tool" >/dev/null || { echo "SKIP: $tool is not installed"; exit 77; }
done
# The form of signing in is tried with the dashboard's browser driver.
source "$(dirname "$0")/../../scripts/node_modules.sh"
install_modules "$(dirname "$0")/../dashboard" || echo "SKIP: npm cannot install playwright-core"
exec python3 "$(dirname "$0")/admin.py" "$1"
