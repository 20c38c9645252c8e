#!/bin/sh
# make bench: the table of measurements. Takes some minutes; run it on a quiet machine. BENCH_FLAGS=--quick tries the program itself.
set -eu
"$OSIRIS_BUILD_DIR/bench/osiris-bench" "$OSIRIS_BUILD_DIR" local ${BENCH_FLAGS:-}
rows=2000000
[ "${BENCH_FLAGS:-}" != --quick ] || rows=200000
"$OSIRIS_BUILD_DIR/tests/osiris-mariadb" --bench-rows $rows -- "$OSIRIS_BUILD_DIR/bench/osiris-bench" "$OSIRIS_BUILD_DIR" mysql ${BENCH_FLAGS:-}
"$OSIRIS_BUILD_DIR/bench/osiris-bench" "$OSIRIS_BUILD_DIR" postgres ${BENCH_FLAGS:-}
"$OSIRIS_BUILD_DIR/bench/osiris-bench" "$OSIRIS_BUILD_DIR" objects ${BENCH_FLAGS:-}
"$OSIRIS_BUILD_DIR/bench/osiris-bench-e2b" "$OSIRIS_BUILD_DIR" ${BENCH_FLAGS:-}
"$OSIRIS_BUILD_DIR/bench/osiris-bench-ssh" "$OSIRIS_BUILD_DIR"
"$(dirname "$0")/first_result.sh"
