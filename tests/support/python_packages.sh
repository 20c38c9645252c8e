#!/bin/bash
# python_packages.sh REQUIREMENTS NAME: installs what the file REQUIREMENTS pins (pip, every file by its hash) into a virtual environment in the
# cache, once per list and version of Python, and prints where: bin/python.
set -euo pipefail
python=/usr/bin/python3
[ -x "$python" ] || python=$(command -v python3)
cache=${OSIRIS_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/osiris-build}
key=$( (cat "$1"; "$python" -VV) | sha256sum | cut -c1-16)
packages=$cache/$2-$key
mkdir -p "$cache"
exec 9>"$packages.lock"
flock 9
if [ ! -e "$packages/complete" ]; then
  rm -rf "$packages"  # scripts in an environment hold its path: it is made where it stays
  "$python" -m venv "$packages"
  "$packages/bin/python" -m pip install --quiet --no-input --no-deps --only-binary :all: --require-hashes -r "$1" >&2
  touch "$packages/complete"
fi
printf '%s\n' "$packages"
