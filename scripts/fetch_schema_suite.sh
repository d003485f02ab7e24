#!/bin/sh
# Puts the official JSON Schema test suite, at the version third_party/json_schema_suite/requirements.txt pins, where
# contract_test looks for it. Debian's json-schema-test-suite ends with draft 7. Does nothing when it is there already.
set -eu
cd "$(dirname "$0")/../third_party/json_schema_suite"
if [ suite/.stamp -nt requirements.txt ]; then
  echo "schema suite: up to date"
  exit 0
fi
echo "schema suite: fetching it with pip"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
# pip asks the package for its metadata, which builds in an environment of its own; only its files are used.
"$work/venv/bin/pip" download --quiet --disable-pip-version-check --no-deps --no-binary jsonschema \
  --require-hashes -r requirements.txt -d "$work"
archive=$(find "$work" -maxdepth 1 -name 'jsonschema-*.tar.gz')
rm -rf suite
mkdir suite
tar -xzf "$archive" -C suite --strip-components=2 --wildcards '*/json/tests/draft2020-12' '*/json/remotes'
touch suite/.stamp
