#!/bin/sh
# Which commit `osiris --version` will name: the repository's, an archive's, and none where nobody knows.
set -eu
: "${OSIRIS_SOURCE_DIR:?}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
fail() { echo "commit_test: $*" >&2; exit 1; }
commit_of() { # commit_of SOURCE
  cmake "-DSOURCE=$1" "-DOUTPUT=$work/commit.cc" -P "$1/cmake/commit.cmake" >&2
  sed -n 's/.*kCommit = "\(.*\)";.*/\1/p' "$work/commit.cc"
}
tag_is() { grep -q "kTag = \"$2\";" "$work/commit.cc" || fail "$1: not the tag '$2' but $(cat "$work/commit.cc")"; }
expect() { [ "$2" = "$3" ] || fail "$1: '$2' instead of '$3'"; }
export HOME="$work" GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@localhost GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@localhost

mkdir -p "$work/repository/cmake"
cd "$work/repository"
cp "$OSIRIS_SOURCE_DIR/.gitattributes" .
cp "$OSIRIS_SOURCE_DIR/cmake/commit.cmake" "$OSIRIS_SOURCE_DIR/cmake/commit.txt" cmake/
printf '$Format:%%H$\n' > cmake/commit.txt  # in an archive the tests run from, it is filled in
git init -q .
git add .
git commit -q -m first
head=$(git rev-parse HEAD)
expect "in a repository" "$(commit_of "$PWD")" "$head"
tag_is "without a tag" ""
git tag v1.2.3
expect "at a tag" "$(commit_of "$PWD")" "$head"
tag_is "at a tag" v1.2.3
echo "# changed" >> cmake/commit.cmake
expect "with a change" "$(commit_of "$PWD")" "$head-dirty"
tag_is "with a change" ""

# A tarball, unpacked inside another repository, whose commit is not ours.
mkdir "$work/repository/unpacked" "$work/nothing"
git archive HEAD | tar -x -C unpacked
expect "in an archive" "$(commit_of "$PWD/unpacked")" "$head"
git archive HEAD | tar -x -C "$work/nothing"
printf '$Format:%%H$\n' > unpacked/cmake/commit.txt
expect "in a copy without a history" "$(commit_of "$PWD/unpacked")" unknown
