#!/bin/sh
# make bench: the table of measurements. Takes some minutes; run it on a quiet machine. BENCH_FLAGS=--quick tries the program itself.
set -eu
for part in local mysql postgres objects; do
  "$OSIRIS_BUILD_DIR/bench/osiris-bench" "$OSIRIS_BUILD_DIR" $part ${BENCH_FLAGS:-}
done
"$OSIRIS_BUILD_DIR/bench/osiris-bench-e2b" "$OSIRIS_BUILD_DIR" ${BENCH_FLAGS:-}
"$OSIRIS_BUILD_DIR/bench/osiris-bench-ssh" "$OSIRIS_BUILD_DIR"
"$(dirname "$0")/first_result.sh"
