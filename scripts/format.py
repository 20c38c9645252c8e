#!/usr/bin/env python3
"""format.py [--check] [--root DIR]: gives every C and C++ file of the tree the form of .clang-format.

With --check nothing is written: every file that differs is named with its first differing line, and the exit status is 1."""
import argparse
import os
import re
import subprocess
import sys

sys.dont_write_bytecode = True  # the checkout stays as it is

import clang_tools

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BATCH = 200  # files a process
VIOLATION = re.compile(r"^(?P<file>.+?):(?P<line>\d+):\d+: (?:error|warning): code should be clang-formatted")


def differing(tool, root, files):
    """[(file, line, text)]: the first line of each file that the formatter would change."""
    first = {}
    for start in range(0, len(files), BATCH):
        batch = files[start:start + BATCH]
        done = subprocess.run([tool, "--dry-run", "--style=file", *batch], cwd=root, capture_output=True, text=True, check=False)
        said = [VIOLATION.match(line) for line in done.stderr.split("\n")]
        if done.returncode != 0 and not any(said):
            raise RuntimeError(done.stderr)
        for violation in filter(None, said):
            first.setdefault(violation["file"], int(violation["line"]))
    result = []
    for file, line in sorted(first.items()):
        with open(os.path.join(root, file), encoding="utf-8") as text:
            result.append((file, line, text.read().split("\n")[line - 1]))
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--root", default=ROOT)
    options = parser.parse_args()
    tool = clang_tools.find("clang-format")
    files = clang_tools.sources(options.root)
    if not files:
        print(f"no C or C++ file below {options.root}", file=sys.stderr)
        return 1
    if not options.check:
        for start in range(0, len(files), BATCH):
            subprocess.run([tool, "-i", "--style=file", *files[start:start + BATCH]], cwd=options.root, check=True)
        return 0
    found = differing(tool, options.root, files)
    for file, line, text in found:
        print(f"{file}:{line}: {text}")
    if found:
        print(f"{len(found)} of {len(files)} files are not as clang-format {clang_tools.MAJOR} makes them: make format")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
