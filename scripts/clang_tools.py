"""The pinned clang-format and clang-tidy, and the files of the tree they are for."""
import os
import re
import shutil
import subprocess
import sys

MAJOR = 19  # Debian 12's clang-format-19 and clang-tidy-19; another major version formats and finds otherwise
ENDINGS = (".c", ".cc", ".cpp", ".h", ".hpp")
SKIPPED = {"build", ".git", "node_modules", "corpus"}  # as tests/tidy/tree.cc skips them


def find(tool):
    """The path of `tool` (clang-format, clang-tidy) in the pinned version; ends the program when there is only another."""
    others = []
    for name in (f"{tool}-{MAJOR}", tool):
        path = shutil.which(name)
        if not path:
            continue
        said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout
        version = re.search(r"version (\d+)[\d.]*", said)
        if version and int(version[1]) == MAJOR:
            return path
        others.append(f"{path} is {version[0] if version else 'of no known version'}")
    found = "; ".join(others) or "none was found"
    print(f"{tool} {MAJOR} is needed, and no other version: {found}. Install it: apt-get install {tool}-{MAJOR}", file=sys.stderr)
    sys.exit(2)


def sources(root):
    """Every C and C++ file below `root`, relative to it, sorted."""
    found = []
    for directory, folders, files in os.walk(root):
        folders[:] = sorted(folder for folder in folders if folder not in SKIPPED)
        found += [os.path.relpath(os.path.join(directory, file), root) for file in files if file.endswith(ENDINGS)]
    return sorted(found)
