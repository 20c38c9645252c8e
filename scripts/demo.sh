#!/bin/sh
# make demo: CSV -> SQL -> CSV through the local adapter.
set -eu
. "$(dirname "$0")/demo_common.sh"
enter_example 01-csv-duckdb-csv csv
say "The plan (osiris run --dry-run): nothing is touched"
osiris run pipeline.yaml --dry-run
say "The run"
osiris run pipeline.yaml
show_result
