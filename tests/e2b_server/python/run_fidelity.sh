#!/bin/bash
# Drives osiris-e2b-server with E2B's official Python SDK, unmodified, sync and async. Installs it (pip, every file by its hash)
# into a virtual environment in the cache, once per list of requirements.
#
#   run_fidelity.sh                        everything, and the table of calls
#   run_fidelity.sh sync test_files ...    one client, some of the files, no table
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
: "${OSIRIS_BUILD_DIR:?the build directory with bin/osiris-e2b-server}"
python=/usr/bin/python3
[ -x "$python" ] || python=$(command -v python3)
cache=${OSIRIS_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/osiris-build}
key=$( (cat "$here/requirements.txt"; "$python" -VV) | sha256sum | cut -c1-16)
clients=$cache/e2b-python-$key
mkdir -p "$cache"
exec 9>"$clients.lock"
flock 9
if [ ! -e "$clients/complete" ]; then
  rm -rf "$clients"  # scripts in an environment hold its path: it is made where it stays
  "$python" -m venv "$clients"
  "$clients/bin/python" -m pip install --quiet --no-input --no-deps --only-binary :all: --require-hashes -r "$here/requirements.txt" >&2
  touch "$clients/complete"
fi
flock -u 9
exec 9>&-
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
