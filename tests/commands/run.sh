#!/usr/bin/env bash
# What the commands say when something is wrong: run.sh MILLRACE. Each ends by itself, with a sentence and an exit code, never by a signal.
set -euo pipefail
exec python3 "$(dirname "$0")/commands.py" "$1"
