#!/usr/bin/env python3
"""lint.py BUILD [--folder NAME ...] [--jobs N] [--root DIR] [--record | --recorded]: clang-tidy with the checks of .clang-tidy over the product's
C++ files, or those of some of its folders, as BUILD compiles them.

Most of clang-tidy's time goes into the headers that every file includes, so the files of a folder are read together, as one translation
unit; names that two of them keep to themselves part them into several. What was found clean is remembered by its contents, headers, flags
and checks, outside the checkout. Exit status 1 when something was found.

  --record    writes scripts/lint_clean.txt when nothing was found: a digest of each folder's files and of the checks
  --recorded  looks only at the folders that differ from that record"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True  # the checkout stays as it is

import clang_tools
from translation_units import own_names, parted

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PRODUCT = ("check", "host", "plugin_api", "plugins", "protocol", "servers", "worker")
DOES_NOT_COMPILE = "[clang-diagnostic-error]"


def flags_of(command):
    """What of a compiler's command decides what the files mean."""
    words, flags = iter(shlex.split(command)), []
    for word in words:
        if word == "-isystem":
            flags += [word, next(words)]
        elif word.startswith(("-I", "-std=")) or (word.startswith("-D") and "FORTIFY" not in word):
            flags.append(word)
    return flags


def sources(build, root, folders=PRODUCT):
    """path from the root -> (flags, object file), of the C++ files of `folders`."""
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
        entries = json.load(file)
    found = {}
    for entry in entries:
        path = os.path.relpath(entry["file"], root)
        if path.split(os.sep)[0] in folders and path.endswith(".cc"):
            words = shlex.split(entry["command"])
            found[path] = (flags_of(entry["command"]), words[words.index("-o") + 1])  # "output" of an entry is not in CMake 3.25
    return found


def headers(build, root):
    """object file -> the files of the tree and of the build that it was made from, as ninja knows them."""
    listed = subprocess.run(["ninja", "-C", build, "-t", "deps"], capture_output=True, text=True, check=True).stdout
    found, current = {}, None
    for line in listed.split("\n"):
        if line.startswith("    "):
            path = os.path.normpath(os.path.join(build, line.strip()))
            if path.startswith((root + os.sep, build + os.sep)):
                current.append(path)
        elif ": #deps" in line:
            current = found.setdefault(line.split(": #deps")[0], [])
    return found


HEADER = (".h", ".hpp")


class Record:
    """scripts/lint_clean.txt: which folders were clean, by the contents of their files and by the checks.

    Headers of a folder without sources belong to every folder with sources at or below the nearest parent that has some."""

    def __init__(self, root, folders):
        self.path = os.path.join(root, "scripts", "lint_clean.txt")
        self._root, self._folders = root, sorted(folders)
        self._common = hashlib.sha256(f"{clang_tools.MAJOR}\0{digest_of(os.path.join(root, '.clang-tidy'))}".encode()).hexdigest()
        self._files = {folder: [] for folder in self._folders}
        for top in sorted({folder.split(os.sep)[0] for folder in self._folders}):
            for where, names, files in os.walk(os.path.join(root, top)):
                names[:] = [name for name in names if not name.startswith(("build", "."))]
                self._add(os.path.relpath(where, root), [name for name in files if name.endswith((".cc", *HEADER))])

    def _add(self, folder, files):
        owners = [folder] if folder in self._files else []
        parent = folder
        while files and not owners and parent:
            parent = os.path.dirname(parent)
            owners = [each for each in self._folders if f"{each}/".startswith(f"{parent}/")]
        for owner in owners:
            self._files[owner] += [os.path.join(folder, name) for name in files]

    def now(self):
        """folder -> digest"""
        digests = {}
        for folder, files in self._files.items():
            digest = hashlib.sha256(self._common.encode())
            for file in sorted(files):
                digest.update(f"{file} {digest_of(os.path.join(self._root, file))}\0".encode())
            digests[folder] = digest.hexdigest()[:32]
        return digests

    def changed(self):
        """The folders that are not as they were recorded."""
        try:
            with open(self.path, encoding="utf-8") as file:
                known = set(file.read().split("\n"))
        except FileNotFoundError:
            known = set()
        return {folder for folder, digest in self.now().items() if f"{digest} {folder}" not in known}

    def write(self):
        with open(self.path, "w", encoding="utf-8") as file:
            file.writelines(f"{digest} {folder}\n" for folder, digest in self.now().items())


def digest_of(path, known={}):
    if path not in known:
        try:
            with open(path, "rb") as file:
                known[path] = hashlib.sha256(file.read()).hexdigest()
        except FileNotFoundError:
            known[path] = "gone"
    return known[path]


class Lint:
    def __init__(self, build, root, folders=PRODUCT):
        self.build, self.root = os.path.abspath(build), os.path.abspath(root)
        self.tool = clang_tools.find("clang-tidy")
        self.version = subprocess.run([self.tool, "--version"], capture_output=True, text=True, check=True).stdout
        self.checks = os.path.join(self.root, ".clang-tidy")
        self.sources = sources(self.build, self.root, folders)
        self.headers = headers(self.build, self.root)
        cache = os.environ.get("OSIRIS_CACHE_DIR") or os.path.join(
            os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "osiris-build")
        self.clean = os.path.join(cache, "lint")  # an empty file for each group that was found clean

    def record(self):
        return Record(self.root, {os.path.dirname(path) for path in self.sources})

    def groups(self):
        folders, texts = {}, {}
        for path in sorted(self.sources):
            folders.setdefault(os.path.dirname(path), []).append(path)
            with open(os.path.join(self.root, path), encoding="utf-8") as file:
                texts[path] = file.read()
        return [group for files in folders.values() for group in parted(files, texts)]

    def flags(self, group):
        flags = [flag for path in group for flag in self.sources[path][0]]
        pairs = [flags[i:i + 2] if flag == "-isystem" else [flag] for i, flag in enumerate(flags) if i == 0 or flags[i - 1] != "-isystem"]
        return [word for pair in dict.fromkeys(map(tuple, pairs)) for word in pair]

    def key(self, group):
        """None: a file was not compiled yet, so that its headers are not known."""
        digest = hashlib.sha256()
        relative = lambda text: text.replace(self.build, "<build>").replace(self.root, "<root>")
        for word in [self.version, digest_of(self.checks), *map(relative, self.flags(group))]:
            digest.update(word.encode() + b"\0")
        for path in group:
            if not self.headers.get(self.sources[path][1]):
                return None
            for file in [os.path.join(self.root, path), *self.headers[self.sources[path][1]]]:
                digest.update(f"{relative(file)} {digest_of(file)}\0".encode())
        return digest.hexdigest()

    def findings(self, group):
        """What clang-tidy says of a group; "" of a clean one."""
        with tempfile.NamedTemporaryFile("w", suffix=".cc", encoding="utf-8") as unit:
            unit.writelines(f'#include "{os.path.join(self.root, path)}"\n' for path in group)
            unit.flush()
            command = [self.tool, "--quiet", f"--config-file={self.checks}", unit.name, "--", *self.flags(group), "-O2", "-w"]
            done = subprocess.run(command, cwd=self.build, capture_output=True, text=True, check=False)
        if DOES_NOT_COMPILE in done.stdout and len(group) > 1:  # names that own_names() did not see
            half = len(group) // 2
            return self.findings(group[:half]) + self.findings(group[half:])
        if done.returncode != 0 and not done.stdout:
            return f"{group[0]}: clang-tidy ended with {done.returncode}: {done.stderr}\n"
        return done.stdout

    def run(self, group):
        """(whether it was looked at now, findings)"""
        key = self.key(group)
        mark = key and os.path.join(self.clean, key)
        if mark and os.path.exists(mark):
            return False, ""
        found = self.findings(group)
        if mark and not found:
            os.makedirs(self.clean, exist_ok=True)
            with open(mark, "w", encoding="utf-8"):
                pass
        return True, found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("--folder", action="append", choices=PRODUCT, help="only the files below this folder; may be repeated")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--root", default=ROOT)
    parser.add_argument("--record", action="store_true", help="write scripts/lint_clean.txt when nothing was found")
    parser.add_argument("--recorded", action="store_true", help="only the folders that differ from scripts/lint_clean.txt")
    options = parser.parse_args()
    if options.record and options.folder:
        parser.error("--record is of the whole product: leave --folder out")
    lint = Lint(options.build, options.root, options.folder or PRODUCT)
    groups = lint.groups()
    if not groups:
        print("no C++ file of the product is compiled there", file=sys.stderr)
        return 1
    if options.recorded:
        changed = lint.record().changed()
        groups = [group for group in groups if os.path.dirname(group[0]) in changed]
        print(f"{len(changed)} folders differ from scripts/lint_clean.txt (`make lint` writes it)")
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        results = list(pool.map(lint.run, groups))
    found = "".join(sorted({finding for _, finding in results}))
    print(found.replace(lint.root + os.sep, ""), end="")
    print(f"{len(lint.sources)} files in {len(groups)} groups, {sum(looked for looked, _ in results)} of them not known to be clean")
    if options.record and not found:
        lint.record().write()
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
