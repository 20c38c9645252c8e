#!/bin/sh
# What an author of an adapter gets: from the installed prefix alone, `osiris adapters new` writes a project in each language, that
# builds at once and runs an example to its expected bytes. The component `sdk` alone is enough to build. All of it after the
# installation happens where this repository is not there: an empty file system is in its place.
set -eu
fail() { echo "sdk_test: $*" >&2; exit 1; }
quietly() { "$@" > "$work/log" 2>&1 || { cat "$work/log" >&2; fail "$* failed"; }; }

if [ -z "${SDK_TEST_WORK:-}" ]; then
  : "${OSIRIS_BUILD_DIR:?}" "${OSIRIS_SOURCE_DIR:?}"
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT INT TERM
  quietly cmake --install "$OSIRIS_BUILD_DIR" --prefix "$work/prefix"
  quietly cmake --install "$OSIRIS_BUILD_DIR" --prefix "$work/sdk" --component sdk
  cp -r "$OSIRIS_SOURCE_DIR/examples/01-csv-duckdb-csv" "$work/project"
  cp "$OSIRIS_SOURCE_DIR/README.md" "$0" "$work"
  hidden="$OSIRIS_SOURCE_DIR $OSIRIS_BUILD_DIR"
  unset OSIRIS_BUILD_DIR OSIRIS_SOURCE_DIR
  export SDK_TEST_WORK="$work"
  cd "$work"
  if unshare --mount true 2> /dev/null; then
    unshare --mount sh -ec '
      for each in $1; do [ ! -d "$each" ] || mount -t tmpfs -o size=1m none "$each"; done
      exec sh "$SDK_TEST_WORK/sdk_test.sh" "$1"' sh "$hidden"
  else
    [ -z "${CI:-}" ] || fail "CI needs namespaces"
    sh "$work/sdk_test.sh" ""
  fi
  exit
fi
work=$SDK_TEST_WORK
for each in $1; do
  [ -z "$(ls -A "$each" 2> /dev/null)" ] || fail "$each can be read"
done
[ "$(ls "$work/sdk/bin")" = osiris-adapter-check ] || fail "the component sdk holds other programs than the check"
readme=$work/README.md
# HOME stays: a compiler may live there.
export PATH="$work/prefix/bin:$PATH" XDG_STATE_HOME="$work/state" XDG_DATA_HOME="$work/data" XDG_CACHE_HOME="$work/cache"

for language in c cpp; do
  cd "$work"
  quietly osiris adapters new "far$language" --lang $language
  for prefix in sdk prefix; do
    quietly cmake -S "far$language" -B "far$language/build" -DCMAKE_PREFIX_PATH="$work/$prefix"
    quietly cmake --build "far$language/build" --clean-first
    rm "far$language/build/CMakeCache.txt"
  done
  osiris adapters show "far$language" --adapter-dir "$work/far$language/build" > "$work/shown" || fail "far$language is not loaded"
  grep -q "^far$language 0.1.0\|^far$language 1.0.0" "$work/shown" || { cat "$work/shown" >&2; fail "far$language has another name"; }
  ! grep -r -i -w -e mine -e cmini "far$language" --include=* --exclude-dir=build || fail "the template's name is left in far$language"
done
cd "$work"
quietly osiris adapters new farrust --lang rust
quietly make -C farrust
quietly osiris adapters new fargo --lang go
quietly env PKG_CONFIG_PATH="$work/sdk/share/pkgconfig" make -C fargo
! grep -r -i -w gmini fargo --exclude-dir=build || fail "the template's name is left in fargo"

cd "$work/project"
for adapter in farc farcpp farrust fargo; do
  rm -rf out
  quietly osiris run pipeline.yaml --adapter $adapter --adapter-dir "$work/$adapter/build"
  diff -r expected/out out || fail "$adapter wrote something else"
done

[ -e "$work/sdk/share/doc/osiris/docs/adapter-check.md" ] || fail "the component sdk has no page about the check"

# The check, from the installed prefix: whole with the worker beside it; by the component alone, without real runs.
for adapter in farc farcpp; do
  osiris-adapter-check "$work/$adapter/build/$adapter.so" --quiet --html "$work/$adapter.html" > "$work/log" 2>&1 ||
    { cat "$work/log" >&2; fail "$adapter, as the template is, does not keep its promises"; }
done
osiris-adapter-check --verify "$work/farc.html" > "$work/log" 2>&1 || { cat "$work/log" >&2; fail "the result is not whole"; }
! osiris-adapter-check --verify "$work/farc.html" "$work/farrust/build/farrust.so" > "$work/log" 2>&1 || fail "another library has this result"
"$work/sdk/bin/osiris-adapter-check" "$work/farc/build/farc.so" --only 'life.*' --only 'run.*' > "$work/log" 2>&1 ||
  { cat "$work/log" >&2; fail "the check of the component sdk fails"; }
grep -q 'ok       life.whole' "$work/log" || { cat "$work/log" >&2; fail "the check of the component sdk did not call the adapter"; }
grep -q 'name one with --worker' "$work/log" || { cat "$work/log" >&2; fail "it is not said that there is no worker"; }

# The README's commands for authors, as they are written.
sed -n '/^## Write an adapter/,/^## /p' "$readme" | sed -n '/^```sh/,/^```$/p' | sed '/^```/d' > "$work/readme.sh"
grep -q 'osiris adapters new far' "$work/readme.sh" || fail "the README does not say how to write an adapter"
mkdir "$work/author"
cd "$work/author"
quietly env CMAKE_PREFIX_PATH="$work/prefix" sh -eux "$work/readme.sh"
grep -q ' 0 failed' "$work/log" || { cat "$work/log" >&2; fail "the README's adapter was not checked"; }

# Without CMake: pkg-config knows the flags.
cd "$work/farc"
flags=$(PKG_CONFIG_PATH="$work/sdk/share/pkgconfig" pkg-config --cflags --libs osiris-adapter)
quietly cc -shared -fPIC -o by-hand.so farc.c $flags
[ "$(nm -D --defined-only by-hand.so | awk '{print $3}')" = osiris_adapter_main_v1 ] || fail "more than the entry is exported"

# The SDK is one archive in which nothing but its own names is seen, and pkg-config knows it.
others=$(nm -C --defined-only --extern-only "$work/sdk/lib/libosiris-adapter-sdk.a" | sed -n 's/^[0-9a-f]* [A-Z] //p' | grep -v -e osiris::adapter_sdk -e '^osiris_adapter_sdk_' || true)
[ -z "$others" ] || { echo "$others" | head >&2; fail "libosiris-adapter-sdk.a shows other names than its own"; }
cd "$work/farcpp"
flags=$(PKG_CONFIG_PATH="$work/sdk/share/pkgconfig:$work/sdk/lib/pkgconfig" pkg-config --cflags --libs osiris-adapter-sdk)
quietly c++ -std=c++17 -shared -fPIC -o by-hand.so farcpp.cc $flags
[ "$(nm -D --defined-only by-hand.so | awk '{print $3}')" = osiris_adapter_main_v1 ] || fail "the SDK makes an adapter export more than its entry"
PKG_CONFIG_PATH="$work/sdk/share/pkgconfig:$work/sdk/lib/pkgconfig" pkg-config --atleast-version=0.2 osiris-adapter-sdk || fail "the SDK has no version"

# Names that are none, and directories that are not free.
for name in Far far-away run; do
  ! osiris adapters new $name > "$work/log" 2>&1 || fail "an adapter was made with the name $name"
done
! (cd "$work" && osiris adapters new farc) > "$work/log" 2>&1 || fail "an adapter was made over another"
grep -q "is there already and not empty" "$work/log" || { cat "$work/log" >&2; fail "what is in the way is not said"; }
