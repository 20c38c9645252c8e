#!/bin/bash
# link_static.sh LINKER ...: links a fully static program without glibc's warnings about functions that load shared libraries at run
# time, for those that are known and cannot hurt here; any other warning is shown.
#   getaddrinfo, gethostbyname, getservbyname   "files" and "dns" are inside libc.a, and the worker configures no other source
#   getpwnam, getpwuid, getpwuid_r, getgrnam    the same; a user who is in no file is simply not found
#   dlopen                                      OpenSSL's engines and Connector/C's plugins: not there, and reported as such
set -u
known='getaddrinfo|gethostbyname|getservbyname|getpwnam|getpwuid|getpwuid_r|getgrnam|dlopen'
errors=$(mktemp)
trap 'rm -f "$errors"' EXIT
"$@" 2> "$errors"
status=$?
# ld says where ("in function ..."), then what.
where=
while IFS= read -r line; do
  if [[ $line =~ warning:\ Using\ \'($known)\'\ in\ statically\ linked ]]; then
    where=
    continue
  fi
  [ -z "$where" ] || printf '%s\n' "$where" >&2
  where=
  if [[ $line == *': in function '* ]]; then where=$line; else printf '%s\n' "$line" >&2; fi
done < "$errors"
[ -z "$where" ] || printf '%s\n' "$where" >&2
exit $status
