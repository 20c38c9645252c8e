#!/bin/sh
# What `make release` refuses, and that it leaves nothing then: a tree with changes, a commit without its tag, a tag of another version,
# a changelog without the release. What it does with a project whose build takes no time: two builds compared, the second without a
# compiler cache, stages that are not repeated, nothing in its place until all has passed. What it makes of osiris is what
# install_reproducible and install_package look at.
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
version_line=$(sed -n 2p CMakeLists.txt)
echo 'project(osiris LANGUAGES C)' > CMakeLists.txt
refused "CMakeLists.txt has no version" "project(osiris VERSION"

# A project whose one object is a text, and whose packages are that text. $TRACE outside the checkout counts what is done.
export TRACE="$work/trace"
mkdir -p tests/install
{
  echo 'cmake_minimum_required(VERSION 3.25)'
  echo "$version_line" | sed 's/LANGUAGES.*/LANGUAGES NONE)/'
  echo 'add_custom_command(OUTPUT object COMMAND sh "${CMAKE_SOURCE_DIR}/scripts/compile.sh" VERBATIM)'
  echo 'add_custom_target(osiris_installed DEPENDS object)'
} > CMakeLists.txt
cat > scripts/compile.sh <<'SCRIPT'
echo "compiled, cache ${CCACHE_DISABLE:-on}, flags ${CXXFLAGS:-none}, toolchain ${CMAKE_TOOLCHAIN_FILE:-none}, repository ${GIT_DIR:-its own}" >> "$TRACE"
echo object > object
[ ! -e "$TRACE.path" ] || pwd >> object
SCRIPT
cat > scripts/package.sh <<'SCRIPT'
#!/bin/sh
mkdir -p "$2"
for name in osiris.deb osiris-dev.deb osiris.tar.zst; do cp "$1/object" "$2/$name"; done
SCRIPT
cat > tests/install/package_test.sh <<'SCRIPT'
#!/bin/sh
[ "$CI" = true ] && [ -s "$1/osiris.deb" ] && [ -d "$OSIRIS_SOURCE_DIR/scripts" ] && [ -e "$OSIRIS_BUILD_DIR/object" ] || exit 3
echo tried >> "$TRACE"
[ ! -e "$TRACE.bare" ] || { echo "the bare root has no cat"; exit 1; }
echo "deb: first result after 1 ms"
SCRIPT
chmod 755 scripts/*.sh tests/install/*.sh
git add .
git commit -q -m third
git tag -f v7.8.9 > /dev/null
traced() { grep -c "$1" "$TRACE" || true; }
release() { # release STATUS
  status=0
  CXXFLAGS=-O0 CMAKE_TOOLCHAIN_FILE=/nowhere GIT_DIR="$PWD/.git" scripts/release.sh > "$work/said" 2>&1 || status=$?
  [ $status = "$1" ] || { cat "$work/said" build/releases/*.log >&2; fail "ended with $status, not $1"; }
}

# Two builds that differ, here by the directory that they were made in, are no release.
touch "$TRACE.path"
release 1
grep -q 'the two builds differ' build/releases/7.8.9.log || fail "the log does not say that the builds differ"
[ ! -e build/releases/7.8.9 ] || fail "packages that differ were put in place"
[ "$(traced tried)" = 0 ] || fail "packages that differ were tried"
rm -rf build "$TRACE" "$TRACE.path"

# A stage that fails leaves its words and nothing in place; what was done before it is not done again.
touch "$TRACE.bare"
release 1
grep -q 'the bare root has no cat' build/releases/7.8.9.log || fail "the log does not say why it failed"
[ ! -e build/releases/7.8.9 ] || fail "packages that failed were put in place"
rm "$TRACE.bare"
release 0
[ "$(traced compiled)" = 2 ] || { cat "$TRACE" >&2; fail "what was built was built again"; }
[ "$(sed -n 1p "$TRACE")" = "compiled, cache on, flags none, toolchain none, repository its own" ] || fail "the user's flags count: $(sed -n 1p "$TRACE")"
[ "$(sed -n 2p "$TRACE")" = "compiled, cache 1, flags none, toolchain none, repository its own" ] || fail "the second build has a compiler cache: $(sed -n 2p "$TRACE")"
(cd build/releases/7.8.9 && sha256sum --quiet --check SHA256SUMS && [ "$(find . -type f | wc -l)" = 4 ]) || fail "the release is not whole"
[ ! -e build/releases/7.8.9.work ] || fail "what it was made in is left"
grep -q 'first result after 1 ms' build/releases/7.8.9.log || fail "the log does not say how fast the first result is"

# What another commit left is of no use.
mkdir -p build/releases/7.8.9.work/first
echo 0123 > build/releases/7.8.9.work/commit
touch build/releases/7.8.9.work/first/packed
release 0
[ "$(traced compiled)" = 4 ] || fail "what another commit had built was taken"

# One at a time.
flock build/releases/7.8.9.lock sh -c 'scripts/release.sh > "$1" 2>&1 || [ $? = 2 ]' sh "$work/said" || fail "two releases ran at once"
grep -q 'another release of v7.8.9 is under way' "$work/said" || fail "it does not say that another one is under way"
