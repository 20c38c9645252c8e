#!/usr/bin/env python3
"""house.py [--root DIR]: how large files and functions of the product are, how much of it is comment, how many types its headers name.

A row per tree, and one per group of trees that scripts/house.toml names with the figures of its baseline. Exit status 1 when a group is
worse than its baseline, or a function longer than house.toml allows.

Sizes are lines of C and C++ files; quantiles are median/p90/max. A comment line has nothing but comment on it; its share is of the lines
that are not blank. A type is a class, struct or enum class that a header defines at the left margin. Functions are found by the braces of a
tree that clang-format has formatted: a body's brace stands after a space, an initializer's does not."""
import argparse
import os
import re
import sys
import tomllib

sys.dont_write_bytecode = True  # the checkout stays as it is

import clang_tools

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HEADERS = (".h", ".hpp")
SOURCES = (".c", ".cc", ".cpp")

# What is not code: comments, literals, and preprocessor lines with their continuations.
NOT_CODE = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<mark>[^()\\\s]{0,16})\(.*?\)(?P=mark)"|"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)+\'|^[ \t]*#(?:[^\n]*\\\n)*[^\n]*',
    re.DOTALL | re.MULTILINE)
DIGIT_SEPARATOR = re.compile(r"(?<=[0-9a-fA-F])'(?=[0-9a-fA-F])")
SCOPE = re.compile(r'^(?:(?:inline\s+)?namespace\b|extern\s*""\s*$|(?:typedef\s+)?(?:template\s*<.*>\s*)?(?:class|struct|union|enum)\b)', re.DOTALL)
RETURNS_STRUCT = re.compile(r"^(?:struct|union|enum)\s+\w+[\s*]+\w+\s*\(")
TYPE = re.compile(r"^(?:class|struct|enum class)\s+(?:\[\[\w+\]\]\s*)?\w+(?![^{]*;)")  # no declaration


def blank(match):
    """As many lines, and nothing to take for code."""
    text = match.group()
    return "\n" * text.count("\n") if text[0] in "/#" or text.lstrip().startswith("#") else '""' + "\n" * text.count("\n")


def code_of(text):
    return NOT_CODE.sub(blank, DIGIT_SEPARATOR.sub("", text))


def is_body(head, glued):
    """Whether the brace after `head`, at the top level or in a class, opens a function's body."""
    if glued or "(" not in head or (SCOPE.match(head) and not RETURNS_STRUCT.match(head)):
        return False
    outside = head
    while True:  # parentheses and what is in them, from the inside out
        shorter = re.sub(r"\([^()]*\)", "", outside)
        if shorter == outside:
            break
        outside = shorter
    outside = re.sub(r"operator\s*(?:<=>|[=!<>]=|=)", "operator", outside)
    return "(" not in outside and "=" not in re.sub(r"<[^<>]*>", "", outside).split(" : ")[0]


def functions(text):
    """(first line, lines) of every function that `text` defines, those of classes included."""
    code = code_of(text)
    found, scopes, head_start = [], [], 0
    line = 1
    inside = 0  # braces since a body or an initializer was opened; what is in there is not looked at
    for match in re.finditer(r"[{};\n]", code):
        mark, at = match.group(), match.start()
        if mark == "\n":
            line += 1
        elif inside:
            inside += {"{": 1, "}": -1}.get(mark, 0)
            if inside == 0:
                if body:
                    found.append((first, line - first + 1))
                    head_start = at + 1
        elif mark == "{":
            head = code[head_start:at]
            stripped = strip_access(head)
            body = is_body(stripped, glued=not head[-1:].isspace())
            if body:
                first = line - stripped.count("\n") - head[len(head.rstrip()):].count("\n")
                inside = 1
            elif SCOPE.match(stripped):
                scopes.append(at)
                head_start = at + 1
            else:
                inside = 1  # an initializer, of a variable or a member
        elif mark == ";":
            head_start = at + 1
        else:
            if scopes:
                scopes.pop()
            head_start = at + 1
    return found


def strip_access(head):
    return re.sub(r"^(?:\s*(?:public|private|protected)\s*:)+", "", head).strip()


def comment_lines(text):
    count, open_block = 0, False
    for line in text.split("\n"):
        bare = line.strip()
        if open_block:
            count += 1
            open_block = "*/" not in bare
        elif bare.startswith("//"):
            count += 1
        elif bare.startswith("/*"):
            count += bare.endswith("*/") or "*/" not in bare
            open_block = "*/" not in bare
    return count


def types(text):
    return sum(bool(TYPE.match(line)) for line in code_of(text).split("\n"))


def quantile(values, percent):
    """The smallest value that `percent` of all do not exceed; 0 of none."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)] if ordered else 0


class Figures:
    """What was measured of some files."""

    def __init__(self):
        self.sizes, self.functions, self.long = [], [], []
        self.comments, self.lines, self.types = {HEADERS: 0, SOURCES: 0}, {HEADERS: 0, SOURCES: 0}, 0

    def add(self, path, text, rules):
        kind = HEADERS if path.endswith(HEADERS) else SOURCES
        self.sizes.append(text.count("\n"))
        found = functions(text)
        self.functions += [size for _, size in found]
        longest = rules["allowed"].get(path, rules["longest_function"])
        self.long += [f"{path}:{line}: a function of {size} lines; {longest} are allowed" for line, size in found if size > longest]
        self.comments[kind] += comment_lines(text)
        self.lines[kind] += sum(1 for line in text.split("\n") if line.strip())
        if kind == HEADERS:
            self.types += types(text)

    def join(self, other):
        self.sizes += other.sizes
        self.functions += other.functions
        self.long += other.long
        self.types += other.types
        for kind in (HEADERS, SOURCES):
            self.comments[kind] += other.comments[kind]
            self.lines[kind] += other.lines[kind]

    def share(self, *kinds):
        return 100 * sum(self.comments[kind] for kind in kinds) / max(1, sum(self.lines[kind] for kind in kinds))

    def values(self):
        """By the names of house.toml."""
        return {
            "file_p90": quantile(self.sizes, 90), "file_max": max(self.sizes, default=0),
            "function_p90": quantile(self.functions, 90), "function_max": max(self.functions, default=0),
            "comment_percent_headers": self.share(HEADERS), "comment_percent": self.share(HEADERS, SOURCES),
            "types_per_1000_lines": 1000 * self.types / max(1, sum(self.sizes)),
        }

    def row(self, name):
        shape = lambda values: f"{quantile(values, 50)}/{quantile(values, 90)}/{max(values, default=0)}"
        shares = f"{self.share(HEADERS):.0f}/{self.share(SOURCES):.0f}/{self.share(HEADERS, SOURCES):.0f}"
        return (f"{name:<12}{len(self.sizes):>6}{sum(self.sizes):>8}{shape(self.sizes):>14}{len(self.functions):>11}"
                f"{shape(self.functions):>12}{len(self.long):>6}{shares:>11}{self.values()['types_per_1000_lines']:>7.2f}")


HEADING = f"{'tree':<12}{'files':>6}{'lines':>8}{'lines/file':>14}{'functions':>11}{'lines':>12}{'long':>6}{'comment %':>11}{'types':>7}"
MORE_IS_BETTER = ("comment_percent", "comment_percent_headers")
TOLERANCE = 0.05  # of a figure that is no whole number, which is written with one or two decimals


def measure(root, tree, rules):
    figures = Figures()
    for path in clang_tools.sources(os.path.join(root, tree)):
        with open(os.path.join(root, tree, path), encoding="utf-8") as file:
            figures.add(os.path.join(tree, path), file.read(), rules)
    return figures


def complaints(name, values, baseline):
    """What is worse than the baseline, a sentence each."""
    found = []
    for key, allowed in baseline.items():
        worse = values[key] < allowed - TOLERANCE if key in MORE_IS_BETTER else values[key] > allowed + (TOLERANCE if isinstance(allowed, float) else 0)
        if worse:
            found.append(f"{name}: {key} is {values[key]:.4g}, worse than {allowed} of scripts/house.toml")
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", default=ROOT)
    options = parser.parse_args()
    with open(os.path.join(options.root, "scripts", "house.toml"), "rb") as file:
        rules = tomllib.load(file)
    print(HEADING)
    wrong = []
    for name, group in rules["group"].items():
        whole = Figures()
        for tree in group["trees"]:
            figures = measure(options.root, tree, rules)
            if not figures.functions:
                wrong.append(f"{tree}: no function was found there")
            print(figures.row(tree))
            whole.join(figures)
        print(whole.row(f"= {name}"))
        wrong += whole.long + complaints(name, whole.values(), group["baseline"])
    print("\n".join(wrong), end="\n" if wrong else "")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
