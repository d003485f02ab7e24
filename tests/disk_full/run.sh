#!/usr/bin/env bash
# A full disk and a failed fsync, as a client of HTTP meets them: run.sh MILLRACE. Needs a small file system of its own (root, or
# user namespaces) for the first and strace for the second; what is missing is skipped and said.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
if unshare --map-root-user --mount true 2>/dev/null; then
  exec unshare --map-root-user --mount python3 "$here/disk_full.py" "$@"
fi
exec python3 "$here/disk_full.py" "$@"
