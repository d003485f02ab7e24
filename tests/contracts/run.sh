#!/usr/bin/env bash
# Contracts through the real binary: run.sh MILLRACE. A bad event is quarantined, shown, repaired in a dry run, sent again twice and
# counted once; a new event is proposed within a minute and accepted; all of it is there after a kill -9.
set -euo pipefail
exec python3 "$(dirname "$0")/contracts.py" "$1"
