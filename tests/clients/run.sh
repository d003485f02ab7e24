#!/usr/bin/env bash
# The real Segment and RudderStack SDKs for Node, unmodified, against a running Millrace: run.sh MILLRACE.
set -euo pipefail
millrace=$(readlink -f "$1")
cd "$(dirname "$(readlink -f "$0")")"
[ -d node_modules ] && [ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --no-audit --no-fund --loglevel=error
exec node run.mjs "$millrace"
