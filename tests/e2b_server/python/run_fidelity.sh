#!/bin/bash
# Drives osiris-e2b-server with E2B's official Python SDK, unmodified, sync and async. Installs it (pip, every file by its hash)
# into a virtual environment in the cache, once per list of requirements.
#
#   run_fidelity.sh                        everything, and the table of calls
#   run_fidelity.sh sync test_files ...    one client, some of the files, no table
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
: "${OSIRIS_BUILD_DIR:?the build directory with bin/osiris-e2b-server}"
clients=$("$here/../../support/python_packages.sh" "$here/requirements.txt" e2b-python)
export PYTHONDONTWRITEBYTECODE=1
if [ $# -gt 0 ]; then
  exec "$clients/bin/python" "$here/fidelity.py" "$@"
fi
OSIRIS_E2B_LEDGER=$(mktemp)
export OSIRIS_E2B_LEDGER
trap 'rm -f "$OSIRIS_E2B_LEDGER"' EXIT
status=0
for client in sync async; do
  echo "# the Python SDK, $client"
  "$clients/bin/python" "$here/fidelity.py" "$client" || status=1
done
"$clients/bin/python" "$here/coverage.py" || status=1
exit $status
