#!/usr/bin/env bash
# Personal values planted in every place of events that a client can reach, looked for in every byte of the data directory; the vault; regions: run.sh MILLRACE.
set -euo pipefail
python3 "$(dirname "$0")/planted.py" "$1"
exec python3 "$(dirname "$0")/vault.py" "$1"
