#!/usr/bin/env bash
# What only attackers and broken clients send, over raw sockets: run.sh MILLRACE. Each case ends in its named answer, and after each the
# server lives in the same process, answers, accounts for every item and holds no more memory than it may.
set -euo pipefail
exec python3 "$(dirname "$0")/hostile.py" "$1"
