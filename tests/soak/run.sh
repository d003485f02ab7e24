#!/usr/bin/env bash
# A server under load, with many readers of every kind at once, that is then shut down and started again on what it left:
# run.sh MILLRACE [SECONDS]. What it shows is for a sanitized build to find; ./dev test --sanitize runs it with one.
set -euo pipefail
exec python3 "$(dirname "$0")/soak.py" "$1" "${2:-8}"
