#!/usr/bin/env python3
"""coverage.py BUILD [--least PERCENT]: which lines of product code the tests that have run in BUILD (preset coverage) went through.

gcov's JSON of every object file is merged: a line counts as covered when any translation unit executed it. A source that BUILD has not
compiled counts with its lines of code, none of them covered. Lines per folder and the files with the most uncovered lines are printed; every
uncovered line is in BUILD/coverage.txt. Exit status 1 when the whole is below PERCENT (90)."""
import argparse
import concurrent.futures
import json
import os
import subprocess
import sys

sys.dont_write_bytecode = True  # the checkout stays as it is

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PRODUCT = ("check/", "host/", "worker/", "protocol/", "plugins/", "plugin_api/include/", "servers/")
FOLDERS_DEEP = 2  # "host/run", "plugins/e2b"
FILES_SHOWN = 15


def merge(documents, root=ROOT):
    """path -> {line: executed}, of product files, from gcov's documents."""
    files = {}
    for document in documents:
        for file in document["files"]:
            path = os.path.relpath(os.path.join(document["current_working_directory"], file["file"]), root)
            if not path.startswith(PRODUCT):
                continue
            lines = files.setdefault(path, {})
            for line in file["lines"]:
                number = line["line_number"]
                lines[number] = lines.get(number, False) or line["count"] > 0
    return files


def lines_of_code(text):
    """The numbers of the lines that hold more than a comment, a directive or brackets: about those that gcov would count, rather more."""
    numbers, in_comment = [], False
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if in_comment or line.startswith("/*"):
            in_comment = "*/" not in line
        elif line.strip("{}();, ") and not line.startswith(("//", "#", "namespace ", "using ")):
            numbers.append(number)
    return numbers


def add_sources_without_objects(files, root=ROOT):
    """Their paths, too: what is left out of a build must not raise the share of what is in it."""
    added = []
    for folder, _, names in (walked for top in PRODUCT for walked in os.walk(os.path.join(root, top))):
        for name in names:
            path = os.path.relpath(os.path.join(folder, name), root)
            if name.endswith((".cc", ".c")) and path not in files:
                with open(os.path.join(root, path), encoding="utf-8") as file:
                    files[path] = {number: False for number in lines_of_code(file.read())}
                added.append(path)
    return sorted(added)


def folder_of(path):
    return "/".join(path.split("/")[:-1][:FOLDERS_DEEP])


def rows(files):
    """(folder, covered, lines), sorted; the last one is the sum."""
    sums = {}
    for path, lines in files.items():
        covered, count = sums.get(folder_of(path), (0, 0))
        sums[folder_of(path)] = (covered + sum(lines.values()), count + len(lines))
    table = [(folder, *sums[folder]) for folder in sorted(sums)]
    return table + [("all", sum(row[1] for row in table), sum(row[2] for row in table))]


def ranges(numbers):
    """[1, 2, 3, 7] -> "1-3 7"."""
    parts = []
    for number in sorted(numbers):
        if parts and number == parts[-1][1] + 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return " ".join(f"{first}" if first == last else f"{first}-{last}" for first, last in parts)


def of_object(data):
    done = subprocess.run(["gcov", "--json-format", "--stdout", os.path.basename(data)], cwd=os.path.dirname(data), capture_output=True)
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith(b"{")]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("--least", type=float, default=90.0)
    parser.add_argument("--root", default=ROOT, help="the checkout that BUILD was made of")
    arguments = parser.parse_args()
    # Objects that no test has run have their notes only; their lines count as well.
    objects = []
    for folder, _, names in os.walk(arguments.build):
        objects += [os.path.join(folder, name) for name in names if name.endswith(".gcno")]
    files = {}
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for path, lines in ((path, lines) for documents in pool.map(of_object, objects) for path, lines in merge(documents, arguments.root).items()):
            known = files.setdefault(path, {})
            for number, executed in lines.items():
                known[number] = known.get(number, False) or executed
    if not files:
        sys.exit(f"coverage.py: {arguments.build} holds no coverage of product code: build and test with the preset coverage first")
    for path in add_sources_without_objects(files, arguments.root):
        print(f"not compiled: {path}")
    table = rows(files)
    for folder, covered, count in table:
        print(f"{folder:<34}{covered:>7} of {count:>6} lines  {covered / count:>6.1%}")
    missed = {path: [number for number, executed in lines.items() if not executed] for path, lines in files.items()}
    for path in sorted(missed, key=lambda path: -len(missed[path]))[:FILES_SHOWN]:
        print(f"  {len(missed[path]):>4} uncovered of {len(files[path]):>4}  {path}")
    with open(os.path.join(arguments.build, "coverage.txt"), "w", encoding="utf-8") as report:
        for path in sorted(missed):
            if missed[path]:
                report.write(f"{path}: {ranges(missed[path])}\n")
    _, covered, count = table[-1]
    return 0 if 100.0 * covered / count >= arguments.least else 1


if __name__ == "__main__":
    sys.exit(main())
