#!/usr/bin/env bash
# The browser tag in headless Chromium, on a shop's pages in front of a running Millrace: run.sh MILLRACE
# Exit 0: passed, 77: skipped, anything else: failed.
set -euo pipefail
[ $# -ge 1 ] || { echo "usage: run.sh MILLRACE" >&2; exit 2; }
millrace=$(readlink -f "$1")
skip() { echo "SKIP: $1"; exit 77; }

chromium=$(command -v chromium || command -v chromium-browser || true)
[ -n "$chromium" ] || skip "chromium is not installed"
command -v node >/dev/null && command -v npm >/dev/null || skip "node is not installed"
[ "$(node -p 'parseInt(process.versions.node)')" -ge 20 ] || skip "node 20 or newer is needed"

cd "$(dirname "$(readlink -f "$0")")"
[ -f ../../web/tag/dist/millrace.js ] || skip "web/tag is not built"
source ../../scripts/node_modules.sh
install_modules . || skip "npm cannot install playwright-core"
npm --prefix ../../web/tag run --silent unit

temporary=$(mktemp -d "${TMPDIR:-/tmp}/millrace-tag-XXXXXX")
server=
cleanup() {
  if [ -n "$server" ] && kill "$server" 2>/dev/null; then wait "$server" 2>/dev/null || true; fi
  rm -rf "$temporary"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

cat >"$temporary/millrace.toml" <<'TOML'
[[source]]
name = "web"
write_key = "shop-key"
TOML
"$millrace" serve --data "$temporary/data" --config "$temporary/millrace.toml" --port 0 --port-file "$temporary/port" \
  --set collect.unknown_write_keys=refuse >"$temporary/server.log" 2>&1 &
server=$!
code=0
node tag.mjs "$chromium" "$temporary" "$server" || code=$?
[ "$code" -eq 0 ] || [ "$code" -eq 77 ] || tail -n 20 "$temporary/server.log" >&2
exit "$code"
