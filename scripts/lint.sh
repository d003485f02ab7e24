#!/usr/bin/env bash
# Cheap checks of the whole tree; each prints what is wrong and where.
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
status=0
sources=$(git ls-files 'src/*.cc' 'src/*.h' 'bench/*.cc' 'fuzz/*.cc' 'cmake/*.cc')
if ! clang-format-14 --dry-run --Werror $sources 2>build/format.log; then
  echo "format: ./dev fmt would change $(grep -oE '^[^:]+' build/format.log | sort -u | grep -c '\.') files:"
  grep -oE '^[^:]+\.(cc|h)' build/format.log | sort -u | head -20
  status=1
else
  echo "format: $(wc -w <<<"$sources") files are as clang-format writes them"
fi
python3 scripts/check_layers.py || status=1
python3 scripts/check_bans.py || status=1
python3 scripts/check_docs.py || status=1
if [ -x build/release/millrace ]; then
  if diff -u docs/settings.md <(build/release/millrace settings) >build/settings.diff; then
    echo "settings: docs/settings.md is what the code says"
  else
    echo "settings: docs/settings.md differs from \`millrace settings\`:"
    head -20 build/settings.diff
    status=1
  fi
fi
exit $status
