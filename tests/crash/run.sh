#!/usr/bin/env bash
# Rounds of kill -9 under load: run.sh MILLRACE [ROUNDS]. Every acknowledged event must be in SQL exactly once, the ledger must close, and
# the state must be what the journal gives.
set -euo pipefail
exec python3 "$(dirname "$0")/crash.py" "$1" "${2:-20}"
