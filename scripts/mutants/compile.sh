#!/bin/sh
# compile.sh COMPILER ...: through the compiler cache, if there is one. A mutant may cause a warning, which the preset ci
# makes an error: what does not compile is compiled again with warnings as warnings. So the clone takes from the cache
# what `make test` of any preset put there.
set -eu
cache=$(command -v ccache || true)
$cache "$@" 2>/dev/null || exec "$@" -Wno-error
