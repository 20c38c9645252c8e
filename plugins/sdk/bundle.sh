#!/bin/sh
# bundle.sh CXX OBJCOPY AR ARCHIVE OBJECT API PARTS...: links the archive API, whole, with what it needs of PARTS into OBJECT, hides all
# but the API's own names, and makes ARCHIVE of it.
set -eu
cxx=$1 objcopy=$2 ar=$3 archive=$4 object=$5 api=$6
shift 6
# Whatever of the API is defined anywhere is a root of the collection: some of its classes are the sdk's own.
roots=$(nm --defined-only --extern-only "$api" "$@" | awk '$3 ~ /NK?6osiris11adapter_sdk/ { print "-Wl,-u," $3 }' | sort -u)
# Groups are resolved here: one that is hidden would take the place of an author's of the same name.
# shellcheck disable=SC2086
"$cxx" -r -nostdlib -o "$object" -Wl,--gc-sections -Wl,-d -Wl,--unique=.text -Wl,--unique=.rodata -Wl,--unique=.data -Wl,--force-group-allocation $roots -Wl,--whole-archive "$api" -Wl,--no-whole-archive \
  -Wl,--start-group "$@" -Wl,--end-group
# Variables of inline functions that are one in a process (STB_GNU_UNIQUE) cannot be hidden: they get a name of their own.
nm --defined-only --extern-only "$object" | awk '$2 == "u" { print $3, "osiris_adapter_sdk_" $3 }' > "$object.renamed"
"$objcopy" --redefine-syms "$object.renamed" "$object"
"$objcopy" --wildcard --keep-global-symbol '_Z*N*6osiris11adapter_sdk*' "$object"
mkdir -p "$(dirname "$archive")"
rm -f "$archive"
"$ar" rcsD "$archive" "$object"
