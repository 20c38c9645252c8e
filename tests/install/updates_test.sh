#!/bin/sh
# make check-updates, with answers from a document: what is behind is named, what is out of support fails.
set -eu
: "${OSIRIS_SOURCE_DIR:?}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
fail() { echo "updates_test: $*" >&2; cat "$work/said" >&2; exit 1; }
answers() { # answers TODAY: every pin at its own version, but for a newer DuckDB of this line, a newer one, and one that is no release
  python3 - "$1" > "$work/answers.json" <<'END'
import json, sys
sys.path.insert(0, "scripts")
import check_updates
document = {"today": sys.argv[1], "npm": {}, "pip": {}}
for registry, name, version in check_updates.pins():
    document[registry].setdefault(name, []).append(version)
document["pip"]["duckdb"] = ["1.5.99", "1.5.6", "9.0.0", "10.0.0rc1"]
print(json.dumps(document))
END
}
cd "$OSIRIS_SOURCE_DIR"
export PYTHONDONTWRITEBYTECODE=1
check() { status=0; scripts/check_updates.py --offline "$work/answers.json" > "$work/said" 2>&1 || status=$?; }

answers 2026-12-01
check
[ $status = 0 ] || fail "supported pins give exit status $status"
grep -q '^duckdb .*newest 9.0.0; newest of this line 1.5.99; support ends 2027-03-31' "$work/said" || fail "a newer DuckDB is not named"
grep -q '^setuptools .*is the newest' "$work/said" || fail "what is the newest is not said to be"

answers 2027-04-01
check
[ $status = 1 ] || fail "an engine out of support gives exit status $status"
grep -q '^duckdb .*support ENDED 2027-03-31' "$work/said" || fail "the end of support is not named"
