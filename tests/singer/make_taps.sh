#!/bin/bash
# Installs the taps (pip, every file by its hash) into a virtual environment in the cache, once per list of requirements, and
# prints its directory.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
exec "$here/../support/python_packages.sh" "$here/requirements.txt" singer-taps
