#!/usr/bin/env bash
# Everybody wants the same thousand units while the server is killed again and again: run.sh MILLRACE [--attempts N] [--seed N].
set -euo pipefail
exec python3 "$(dirname "$0")/stock.py" "$@"
