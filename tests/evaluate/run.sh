#!/usr/bin/env bash
# The recommender's golden numbers on recorded sessions: run.sh MILLRACE. Exit 77: no data here.
set -euo pipefail
millrace=$1
data=$(dirname "$0")/../../../shared/data
[ -d "$data" ] || { echo "SKIP: no recorded sessions beside the project"; exit 77; }

# check NAME HR_MIN MRR_MIN STEPS ARGUMENTS...
check() {
  local name=$1 hr=$2 mrr=$3 steps=$4
  shift 4
  local line
  line=$("$millrace" evaluate recommend "$@")
  echo "$name: $line"
  python3 - "$line" "$hr" "$mrr" "$steps" <<'PYTHON'
import json, sys
report, hr, mrr, steps = json.loads(sys.argv[1]), *map(float, sys.argv[2:])
assert report["steps"] == steps, f"expected {steps:.0f} steps"
assert report["hr20"] >= hr, f"hit rate below {hr}"
assert report["mrr20"] >= mrr, f"mean reciprocal rank below {mrr}"
PYTHON
}

check "serenade, last item hidden" .660 .335 931 --hide-last \
  --train "$data/serenade_example/train.txt.gz" --test "$data/serenade_example/test.txt.gz"
check "rsc15-100k" .685 .365 10152 \
  --train "$data/rsc15_100k/yoochoose-clicks-100k_train_full.txt.gz" --test "$data/rsc15_100k/yoochoose-clicks-100k_test.txt.gz"
check "yoochoose 1/64" .695 .300 55898 \
  --train "$data/yoochoose1_64/train_sessions.txt.gz" --test "$data/yoochoose1_64/test_prefix_label.tsv.gz"
if "$millrace" evaluate recommend --train /nonexistent --test /nonexistent 2>/dev/null; then
  echo "a missing file must fail"
  exit 1
fi
