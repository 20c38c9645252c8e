#!/bin/sh
# make bench-peers: osiris beside the tools of peers.txt. They are installed into a virtual environment that is kept outside the checkout.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
peers=$("$here/../tests/support/python_packages.sh" "$here/peers.txt" peers)
rows=2000000
[ "${BENCH_FLAGS:-}" != --quick ] || rows=200000
"$peers/bin/python" "$here/peers.py" "$OSIRIS_BUILD_DIR" --environment "$peers" ${BENCH_FLAGS:-}
"$OSIRIS_BUILD_DIR/tests/osiris-mariadb" --bench-rows $rows -- "$peers/bin/python" "$here/peers.py" "$OSIRIS_BUILD_DIR" --environment "$peers" ${BENCH_FLAGS:-}
