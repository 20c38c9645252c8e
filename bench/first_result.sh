#!/bin/sh
# first_result.sh: how long a user takes, with the package and no network, from a bare Debian to the first result of the demo, as a row of
# docs/benchmarks.md. The root, the packages and what is done with them are those of the test install_package. $OSIRIS_BUILD_DIR has been
# built.
set -eu
: "${OSIRIS_BUILD_DIR:?}"
source=$(cd "$(dirname "$0")/.." && pwd)
build=$(cd "$OSIRIS_BUILD_DIR" && pwd)
cache=$(sed -n 's/^OSIRIS_CACHE_DIR:[A-Z]*=//p' "$build/CMakeCache.txt")
said=$(mktemp)
trap 'rm -f "$said"' EXIT INT TERM
OSIRIS_SOURCE_DIR=$source OSIRIS_BUILD_DIR=$build OSIRIS_CACHE_DIR=$cache "$source/tests/install/package_test.sh" > "$said" 2>&1 ||
  { status=$?; cat "$said" >&2; exit $status; }
taken() { sed -n "s/^$1: .*first result after \([0-9.]*\) s$/\1/p" "$said"; }
deb=$(taken deb) tarball=$(taken tarball)
[ -n "$deb" ] && [ -n "$tarball" ] || { cat "$said" >&2; exit 1; }
missed=$(awk -v a="$deb" -v b="$tarball" 'BEGIN { if (a >= 5 || b >= 5) print ", missed" }')
echo "| package on a bare root → first result of the demo, no network: .deb, tarball | $deb s, $tarball s | – | – | < 5 s$missed |"
