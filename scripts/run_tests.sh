#!/bin/sh
# run_tests.sh PRESET JOBS [ctest options]: every test of a built preset, and how long they took, in all and by label (ctest's own summary; every test has
# a label), and how much of the processors all of it used. Skips are counted and named.
set -u
cd "$(dirname "$0")/.."
preset=$1 jobs=$2
shift 2
started=$(date +%s)
log=build/$preset/ctest.log
ctest --preset "$preset" -j "$jobs" "$@" 2>&1 | tee "$log" | grep -v -E '^ *Start +[0-9]+:'
times > "$log.times"  # of the shell, and of what it waited for
processors=$(awk 'NR == 2 { for (i = 1; i <= NF; ++i) { split($i, part, "[ms]"); sum += part[1] * 60 + part[2] } } END { printf "%d", sum }' "$log.times")
status=$(grep -c '^100% tests passed' "$log")
total=$(sed -n 's/.*tests passed, [0-9]* tests failed out of \([0-9]*\)$/\1/p' "$log")
skipped=$(grep -c -E '\*\*\*Skipped' "$log")
grep -h -E '^(attack|abi): ' "build/$preset/Testing/Temporary/LastTest.log"  # figures that passing tests print
scripts/fault_figures.sh "build/$preset/Testing/Temporary/LastTest.log"
echo "${total:-0} tests of preset $preset took $(( $(date +%s) - started )) s, of processors $processors s; $skipped skipped."
if [ "$skipped" -gt 0 ]; then
  grep -E '\*\*\*Skipped' "$log"
  if [ "${CI:-}" = true ]; then
    echo "Nothing may skip under CI=true." >&2
    exit 1
  fi
fi
scripts/failed_tests.sh "$log"
[ "$status" = 1 ]
