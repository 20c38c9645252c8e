#!/bin/sh
# make bench-peers: osiris beside the tools of peers.txt. They are installed into a virtual environment that is kept outside the checkout.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
python=/usr/bin/python3
[ -x "$python" ] || python=$(command -v python3)
cache=${OSIRIS_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/osiris-build}
key=$( (cat "$here/peers.txt"; "$python" -VV) | sha256sum | cut -c1-16)
peers=$cache/peers-$key
mkdir -p "$cache"
exec 9>"$peers.lock"
flock 9
if [ ! -e "$peers/complete" ]; then
  rm -rf "$peers"
  "$python" -m venv "$peers"
  "$peers/bin/python" -m pip install --quiet --no-input --no-deps --only-binary :all: --require-hashes -r "$here/peers.txt" >&2
  touch "$peers/complete"
fi
rows=2000000
[ "${BENCH_FLAGS:-}" != --quick ] || rows=200000
"$peers/bin/python" "$here/peers.py" "$OSIRIS_BUILD_DIR" --environment "$peers" ${BENCH_FLAGS:-}
"$OSIRIS_BUILD_DIR/tests/osiris-mariadb" --bench-rows $rows -- "$peers/bin/python" "$here/peers.py" "$OSIRIS_BUILD_DIR" --environment "$peers" ${BENCH_FLAGS:-}
