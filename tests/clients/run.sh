#!/usr/bin/env bash
# The real SDKs, unmodified, in Node and in headless Chromium, against a running Millrace: run.sh MILLRACE.
set -euo pipefail
millrace=$(readlink -f "$1")
cd "$(dirname "$(readlink -f "$0")")"
source ../../scripts/node_modules.sh
install_modules .
exec node run.mjs "$millrace"
