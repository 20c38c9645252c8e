#!/bin/sh
# What `make release` refuses, and that it leaves nothing then: a tree with changes, a commit without its tag, a tag of another version,
# a changelog without the release. What it makes is what install_reproducible and install_package look at.
set -eu
: "${OSIRIS_SOURCE_DIR:?}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
fail() { echo "release_test: $*" >&2; exit 1; }
export HOME="$work" GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@localhost GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@localhost
refused() { # refused WHY HINT
  status=0
  scripts/release.sh > "$work/said" 2>&1 || status=$?
  [ $status = 2 ] || { cat "$work/said" >&2; fail "ended with $status, not 2, where it should say: $1"; }
  grep -q -F "release: $1" "$work/said" && grep -q -F "$2" "$work/said" || { cat "$work/said" >&2; fail "did not say '$1' and '$2'"; }
  [ ! -e build ] || fail "something was made although: $1"
}

mkdir -p "$work/repository/scripts"
cd "$work/repository"
cp "$OSIRIS_SOURCE_DIR/scripts/release.sh" scripts/
# The line that the script reads the version from is the project's own.
sed -n '1,2p' "$OSIRIS_SOURCE_DIR/CMakeLists.txt" | sed 's/VERSION [0-9.]*/VERSION 7.8.9/' > CMakeLists.txt
grep -q 'VERSION 7.8.9' CMakeLists.txt || fail "project() of CMakeLists.txt is not in its second line"
printf '# Changelog\n\n## Unreleased\n' > CHANGELOG.md
git init -q .
git add .
git commit -q -m first

refused "HEAD is not v7.8.9" "git tag -a v7.8.9"
git tag v7.8.8
refused "HEAD is not v7.8.9" "git tag -a v7.8.9"
git tag v7.8.9
refused "CHANGELOG.md has no section of this release" "## 7.8.9 ("
printf '# Changelog\n\n## 7.8.9 (2026-12-01)\n' > CHANGELOG.md
refused "files differ from the commit" "git stash"
git commit -q -a -m second
refused "HEAD is not v7.8.9" "check that tag out"
echo 'project(osiris LANGUAGES C)' > CMakeLists.txt
refused "CMakeLists.txt has no version" "project(osiris VERSION"
