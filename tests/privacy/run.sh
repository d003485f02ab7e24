#!/usr/bin/env bash
# Personal values planted in every place of events that a client can reach, looked for in every byte of the data directory: run.sh MILLRACE.
set -euo pipefail
exec python3 "$(dirname "$0")/planted.py" "$1"
