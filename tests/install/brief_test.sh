#!/bin/bash
# What a newcomer's terminal shows of a build: a few lines, every error, and where the rest is.
set -euo pipefail
: "${OSIRIS_SOURCE_DIR:?}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
fail() { echo "brief_test: $*" >&2; exit 1; }
brief() { "$OSIRIS_SOURCE_DIR/scripts/brief.sh" "$work/log/build.log" "$@"; }

build='echo "-- The C compiler identification is GNU"; for i in $(seq 557); do echo "[$i/557] Building CXX object $i.o"; done'
brief bash -c "$build" > "$work/shown"
lines=$(wc -l < "$work/shown")
[ "$lines" -ge 5 ] && [ "$lines" -le 15 ] || { cat "$work/shown" >&2; fail "$lines lines of a build of 557 steps"; }
[ "$(wc -l < "$work/log/build.log")" = 558 ] || fail "the log does not hold everything"

# An error is shown whole, with its status and the place of the log.
! brief bash -c "$build; echo 'FAILED: x.o'; echo 'x.cc:1: error: no'; exit 3" > "$work/shown" 2> "$work/errors" || fail "a failure was taken for a success"
grep -q 'x.cc:1: error: no' "$work/shown" || fail "the error was not shown"
grep -q 'build.log' "$work/errors" || fail "the log was not named"

# On a terminal: one line that changes.
script -qec "$(printf '%q ' "$OSIRIS_SOURCE_DIR/scripts/brief.sh" "$work/log/tty.log" bash -c "$build")" /dev/null < /dev/null > "$work/shown"
[ "$(wc -l < "$work/shown")" -le 2 ] || fail "more than a line on a terminal"
