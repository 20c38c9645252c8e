#!/bin/sh
# fuzz.sh SECONDS [NAME...]: libFuzzer under ASan and UBSan on the named targets of tests/fuzz, or on all, so many seconds each. One line
# a target; exit 1 when any found something. See tests/fuzz/README.md.
set -eu
cd "$(dirname "$0")/.."
seconds=$1
shift
for needed in clang libclang-rt-14-dev; do
  if [ "$(dpkg-query -W -f '${db:Status-Status}' "$needed" 2>/dev/null)" != installed ]; then
    echo "fuzzing needs a package that is missing: apt-get install -y --no-install-recommends $needed" >&2
    exit 2
  fi
done
cmake --preset fuzz >/dev/null
cmake --build --preset fuzz -j "${JOBS:-$(nproc)}"
[ $# -gt 0 ] || set -- $(cd tests/fuzz && ls ./*_fuzz.cc | sed 's|^\./||; s|_fuzz\.cc$||')
found=build/fuzz/found
mkdir -p "$found"
bad=0
for name in "$@"; do
  mkdir -p "build/fuzz/corpus/$name"
  log="build/fuzz/$name.log"
  status=ok
  UBSAN_OPTIONS=print_stacktrace=1 build/fuzz/tests/"fuzz_${name}_live" -max_total_time="$seconds" -rss_limit_mb=2048 -timeout=25 \
    -print_final_stats=1 -artifact_prefix="$found/$name-" "build/fuzz/corpus/$name" "tests/fuzz/corpus/$name" >"$log" 2>&1 || status=FOUND
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  coverage=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
  printf 'fuzz: %-22s %10s inputs in %s s, coverage %s: %s\n' "$name" "${runs:-?}" "$seconds" "${coverage:-?}" "$status"
  if [ "$status" != ok ]; then
    bad=1
    grep -E 'ERROR|runtime error|SUMMARY|Test unit written' "$log" | head -n 5
  fi
done
exit $bad
