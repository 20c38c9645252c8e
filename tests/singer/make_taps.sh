#!/bin/bash
# Installs the taps (pip, every file by its hash) into a virtual environment in the cache, once per list of requirements, and
# prints its directory.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
python=/usr/bin/python3
[ -x "$python" ] || python=$(command -v python3)
cache=${OSIRIS_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/osiris-build}
key=$( (cat "$here/requirements.txt"; "$python" -VV) | sha256sum | cut -c1-16)
taps=$cache/singer-taps-$key
mkdir -p "$cache"
exec 9>"$taps.lock"
flock 9
if [ ! -e "$taps/complete" ]; then
  rm -rf "$taps"  # scripts in an environment hold its path: it is made where it stays
  "$python" -m venv "$taps"
  "$taps/bin/python" -m pip install --quiet --no-input --no-deps --only-binary :all: --require-hashes -r "$here/requirements.txt" >&2
  touch "$taps/complete"
fi
echo "$taps"
