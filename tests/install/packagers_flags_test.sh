#!/bin/sh
# A packager's CFLAGS, CXXFLAGS and LDFLAGS reach every program that is installed, and win where they and ours disagree. Without them
# the build has its own hardening. Configures only; what the flags do to a program is binaries_test's.
set -eu
: "${OSIRIS_SOURCE_DIR:?}" "${OSIRIS_CACHE_DIR:?}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
fail() { echo "packagers_flags_test: $*" >&2; exit 1; }
configure() { # configure NAME [argument ...]
  name=$1
  shift
  cmake -S "$OSIRIS_SOURCE_DIR" -B "$work/$name" -G Ninja "-DOSIRIS_CACHE_DIR=$OSIRIS_CACHE_DIR" -DOSIRIS_BUILD_TESTS=OFF "$@" > "$work/log" 2>&1 ||
    { cat "$work/log" >&2; fail "configuring failed"; }
  grep '"command"' "$work/$name/compile_commands.json" > "$work/$name.compile"
  # The link lines of what is installed: programs and adapters.
  grep -E '^ *LINK_FLAGS =|^ *LANGUAGE_COMPILE_FLAGS =' "$work/$name/build.ninja" | sort -u > "$work/$name.link"
}
unset CFLAGS CXXFLAGS CPPFLAGS LDFLAGS

configure ours -DCMAKE_BUILD_TYPE=Release
for flag in -O2 -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection -fcf-protection; do
  grep -v -e " $flag " "$work/ours.compile" && fail "compiled without $flag"
done

# A preset or a bare cmake has the compiler cache as `make` has it: what one checkout compiled another finds.
if command -v ccache > /dev/null; then
  grep -q "CCACHE_BASEDIR=$OSIRIS_SOURCE_DIR " "$work/ours/CMakeFiles/rules.ninja" || fail "no compiler cache for who calls cmake"
  configure without -DCMAKE_C_COMPILER_LAUNCHER= -DCMAKE_CXX_COMPILER_LAUNCHER=
  grep -q ccache "$work/without/CMakeFiles/rules.ninja" && fail "who wants no launcher gets one"
fi

CFLAGS="-O1 -g -fno-stack-protector -D_FORTIFY_SOURCE=1" CXXFLAGS="$CFLAGS" LDFLAGS="-Wl,-z,separate-code" configure theirs -DCMAKE_BUILD_TYPE=Release
grep -v -e ' -O1 -g .*-fno-stack-protector' "$work/theirs.compile" && fail "the packager's flags are missing"
grep -e '-fstack-protector-strong' -e ' -O2' -e '_FORTIFY_SOURCE=2' "$work/theirs.compile" && fail "ours overrule the packager's"
grep -q -e '-Wl,-z,separate-code' "$work/theirs.link" || fail "LDFLAGS are missing"
grep -e 'LINK_FLAGS' "$work/theirs.link" | grep -v -e '-Wl,-z,separate-code' && fail "a link without LDFLAGS"

CXXFLAGS="-O3" CFLAGS="-O3" configure faster -DCMAKE_BUILD_TYPE=Release
grep -e ' -O2' "$work/faster.compile" && fail "a release overrules the packager's -O3"

# The compiler's own flags of a release are a packager's too.
configure chosen -DCMAKE_BUILD_TYPE=Release "-DCMAKE_CXX_FLAGS_RELEASE=-O3 -fno-plt" "-DCMAKE_C_FLAGS_RELEASE=-O3 -fno-plt"
grep -v -e ' -O3 -fno-plt' "$work/chosen.compile" && fail "the chosen flags of a release are missing"
exit 0
