#!/usr/bin/env bash
# The guides do what they say: run.sh MILLRACE. The sh blocks of each are run in their order, in a directory of its own, against the server that its
# first block starts; what stands behind `#>` must be in a block's output.
set -euo pipefail
exec python3 "$(dirname "$0")/guides.py" "$1"
