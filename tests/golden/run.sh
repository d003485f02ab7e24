#!/usr/bin/env bash
# Golden numbers of recorded clickstreams through the whole path, over HTTP: run.sh MILLRACE. Exit 77: no data here.
set -euo pipefail
data=$(dirname "$0")/../../../shared/data/clickstream
[ -d "$data" ] || { echo "SKIP: no recorded clickstreams beside the project"; exit 77; }
exec python3 "$(dirname "$0")/golden.py" "$1" "$data"
