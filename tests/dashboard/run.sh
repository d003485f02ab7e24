#!/usr/bin/env bash
# The dashboard in a real browser against a running Millrace: run.sh MILLRACE [DIRECTORY for screenshots]
# Exit 0: passed, 77: skipped, anything else: failed.
set -euo pipefail
[ $# -ge 1 ] || { echo "usage: run.sh MILLRACE [DIRECTORY]" >&2; exit 2; }
millrace=$(readlink -f "$1")
pictures=${2:+$(realpath -m "$2")}
skip() { echo "SKIP: $1"; exit 77; }

chromium=$(command -v chromium || command -v chromium-browser || true)
[ -n "$chromium" ] || skip "chromium is not installed"
command -v node >/dev/null && command -v npm >/dev/null || skip "node is not installed"
[ "$(node -p 'parseInt(process.versions.node)')" -ge 20 ] || skip "node 20 or newer is needed"

cd "$(dirname "$(readlink -f "$0")")"
source ../../scripts/node_modules.sh
install_modules . || skip "npm cannot install playwright-core"

temporary=$(mktemp -d "${TMPDIR:-/tmp}/millrace-dashboard-XXXXXX")
pictures=${pictures:-$temporary/pictures}
mkdir -p "$pictures"
server=
code=1
# The pictures of a failure stay; everything else goes.
cleanup() {
  if [ -n "$server" ] && kill "$server" 2>/dev/null; then wait "$server" 2>/dev/null || true; fi
  rm -rf "$temporary/data" "$temporary/profile"
  if [ "$code" -eq 0 ] || [ "$code" -eq 77 ] || [ -z "$(ls -A "$temporary/pictures" 2>/dev/null)" ]; then rm -rf "$temporary"; fi
}
trap cleanup EXIT
trap 'exit 130' INT TERM

"$millrace" serve --data "$temporary/data" --port 0 --port-file "$temporary/port" \
  --set cart.abandoned_after_ms=2000 >"$temporary/server.log" 2>&1 &
server=$!
code=0
node dashboard.mjs "$chromium" "$temporary" "$server" "$pictures" || code=$?
[ "$code" -eq 0 ] || [ "$code" -eq 77 ] || tail -n 20 "$temporary/server.log" >&2
exit "$code"
