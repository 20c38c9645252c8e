#!/bin/sh
# dump_abi.sh INCLUDE_DIR OUT.abi: builds the probe library with debug information and writes what abidw sees in it.
# To accept a change of the ABI (docs/abi/rules.md says when that is allowed):
#   tests/abi/dump_abi.sh plugin_api/include tests/abi/baseline/adapter-1.0.abi
set -eu
include=$1
out=$2
here=$(dirname "$0")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
gcc -std=c11 -g -O0 -fPIC -shared -fvisibility=hidden -I "$include" "$here/probe.c" -o "$work/probe.so"
abidw --no-corpus-path --no-comp-dir-path --no-show-locs --type-id-style hash --out-file "$out" "$work/probe.so"
