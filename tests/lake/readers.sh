#!/usr/bin/env bash
# Lets independent Iceberg readers compare a warehouse with the numbers its writer counted.
#   tests/lake/readers.sh SAMPLE_WAREHOUSE_PROGRAM             makes a warehouse, serves its catalog, runs every reader
#   tests/lake/readers.sh --warehouse DIR --expect FILE [--catalog URL]     looks at one that is there
# Needs node with npm, and python3 with venv. Readers are installed once, below build/readers, as the lock files say.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
tools="$here/../../build/readers"

install() {
  local stamp
  stamp=$(cat "$here/package-lock.json" "$here/requirements.txt" | sha256sum)
  mkdir -p "$tools"
  cp "$here/package.json" "$here/package-lock.json" "$here/readers.mjs" "$tools/"
  if [ "$(cat "$tools/stamp" 2>/dev/null || true)" = "$stamp" ]; then return; fi
  echo "readers: installing icebird, chDB and PyIceberg"
  # Not `npm ci`: it refuses the lock file, in which npm leaves out chDB's builds for other systems.
  (cd "$tools" && npm install --silent --no-save --no-audit --no-fund)
  python3 -m venv "$tools/venv"
  "$tools/venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r "$here/requirements.txt"
  echo "$stamp" > "$tools/stamp"
}

run_readers() {
  local status=0
  node "$tools/readers.mjs" "$@" || status=1
  "$tools/venv/bin/python" "$here/readers.py" "$@" || status=1
  return $status
}

install
if [ "${1:-}" = "--warehouse" ]; then
  run_readers "$@"
  exit
fi

sample=${1:?"usage: readers.sh SAMPLE_WAREHOUSE_PROGRAM"}
work=$(mktemp -d)
mkfifo "$work/stay"
"$sample" "$work/sample" 0 < "$work/stay" > "$work/out" &
program=$!
exec 3> "$work/stay"
trap 'exec 3>&-; wait "$program" 2>/dev/null || true; rm -rf "$work"' EXIT
for _ in $(seq 300); do
  if [ "$(wc -l < "$work/out")" -ge 2 ] || ! kill -0 "$program" 2>/dev/null; then break; fi
  sleep 0.1
done
sed -n 1p "$work/out" > "$work/expect.json"
catalog=$(sed -n 2p "$work/out")
run_readers --warehouse "$work/sample/warehouse" --expect "$work/expect.json" --catalog "$catalog"
