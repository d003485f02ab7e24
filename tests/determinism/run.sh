#!/usr/bin/env bash
# The same input several ways must give the same: run.sh MILLRACE [--items N] [--seed N]. Once as it is, once killed again and again, once
# over four partitions.
set -euo pipefail
exec python3 "$(dirname "$0")/determinism.py" "$@"
