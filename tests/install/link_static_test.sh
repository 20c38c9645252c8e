#!/bin/bash
# The linker's warnings about static glibc: the known ones are silent, any other is heard, and so is a failure.
set -euo pipefail
: "${OSIRIS_SOURCE_DIR:?}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
cd "$work"
fail() { echo "link_static_test: $*" >&2; exit 1; }
link() { "$OSIRIS_SOURCE_DIR/cmake/link_static.sh" gcc -static -x c - -o program 2> heard; }

link <<< '#include <netdb.h>
int main(void) { return getaddrinfo("x", 0, 0, 0) != 0; }' || fail "linking failed"
[ ! -s heard ] || { cat heard >&2; fail "a known warning was shown"; }
[ -x program ] || fail "no program"

link <<< '#include <netdb.h>
#include <sys/types.h>
int main(void) { return getaddrinfo("x", 0, 0, 0) != 0 || getnetbyname("x") != 0; }' || fail "linking failed"
grep -q "Using 'getnetbyname'" heard || fail "a new warning was not shown"
! grep -q "Using 'getaddrinfo'" heard || fail "a known warning was shown beside a new one"

! link <<< 'int missing(void); int main(void) { return missing(); }' || fail "a failed link was taken for a good one"
grep -q 'missing' heard || fail "the linker's error was not shown"
