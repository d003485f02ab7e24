#!/usr/bin/env bash
# The real SDKs, unmodified, in Node and in headless Chromium, against a running Millrace: run.sh MILLRACE.
set -euo pipefail
millrace=$(readlink -f "$1")
cd "$(dirname "$(readlink -f "$0")")"
# A link leads into another working tree, and npm would empty what it points to.
if [ ! -L node_modules ] && [ ! node_modules/.package-lock.json -nt package-lock.json ]; then
  # npm ci refuses a lock file from which npm itself left out builds for other systems.
  npm ci --no-audit --no-fund --loglevel=silent || npm install --no-save --no-audit --no-fund --loglevel=error
  touch node_modules/.package-lock.json
fi
exec node run.mjs "$millrace"
