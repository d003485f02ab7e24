#!/usr/bin/env bash
# Three independent Iceberg readers against a sample warehouse: run.sh MILLRACE. Beside the binary lies sample_warehouse.
set -euo pipefail
exec bash "$(dirname "$0")/readers.sh" "$(dirname "$1")/sample_warehouse"
