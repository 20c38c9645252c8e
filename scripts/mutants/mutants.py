#!/usr/bin/env python3
"""make mutants: do the tests notice when the product's code is wrong?

Draws one-line changes of product code by the commit and seed of sample.toml, builds each in a clone of HEAD below build/mutants and runs
the tests of its folder (tests.toml), the case that a reader expects to notice it first (expected.toml). A change that no test notices has
survived. See docs/decisions/0090-mutation-testing.md.

  mutants.py [--seed N] [--folder NAME ...] [--path PREFIX] [--at-most N] [--seconds N] [--jobs N] [--preset NAME]
                                                                       test what is not tested yet; continues where it was interrupted
  mutants.py --report [--seed N]                                       only print what is known
  mutants.py --keep [--seed N]                                         writes what is known into scripts/mutants/verdicts
  mutants.py --list [--seed N] [--folder NAME ...]                     only print what is drawn

Exit status: 0, and 1 when the whole sample was tested and fewer than 90 % were killed; 2 when the tests fail without a mutant."""
import argparse
import math
import os
import subprocess
import sys
import time
import tomllib

sys.dont_write_bytecode = True  # the checkout stays as it is

from results import HEADING, KILLED, SURVIVED, UNBUILDABLE, Results, Tally, line_of, read_judged
from sample import Commit, Tree, draws, is_product
from workshop import Broken, Workshop

HERE = os.path.dirname(os.path.abspath(__file__))
REPOSITORY = os.path.dirname(os.path.dirname(HERE))
SHARE_WANTED = 0.90


def read_toml(name):
    with open(os.path.join(HERE, name), "rb") as file:
        return tomllib.load(file)


def tests_of(path, table):
    """The test programs of the longest folder that contains the path."""
    return max((row for row in table if path.startswith(row["path"])), key=lambda row: len(row["path"]))["tests"]


def program_of(case):
    """The test program of `program.Suite.Case`, or of the beginning of such a name."""
    return case.split(".", 1)[0]


def of_a_failed_build(test, said):
    """A test program that was linked but cannot even list its cases has noticed the mutant."""
    if "Error running test executable" in said:
        return KILLED, f"{test}: cannot list its cases"
    return UNBUILDABLE, next((line for line in said.splitlines() if "error: " in line), said[-200:])


class Session:
    def __init__(self, arguments):
        sample = read_toml("sample.toml")
        self.seed = sample["seed"] if arguments.seed is None else arguments.seed
        self.folders = [folder for folder in sample["folder"] if not arguments.folder or folder["name"] in arguments.folder]
        self.commit = Commit(REPOSITORY, sample["commit"])
        self.path = arguments.path
        self.table = read_toml("tests.toml")["folder"]
        self.expected = read_toml("expected.toml")["case"]  # id -> the cases that a reader expects to notice a mutant: program.Suite.Case
        self.root = os.path.join(REPOSITORY, "build", "mutants")
        os.makedirs(self.root, exist_ok=True)
        name = f"{sample['commit']}-{self.seed}.jsonl"
        self.results = Results(os.path.join(self.root, f"results-{name}"), os.path.join(HERE, "verdicts", name))
        head = subprocess.run(["git", "-C", REPOSITORY, "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
        self.head = head.stdout.strip()
        here = Commit(REPOSITORY, self.head)
        self.tree = Tree({path: here.read(path) for path in here.paths() if any(is_product(path, row) for row in self.table)})
        self.judged = read_judged(os.path.join(HERE, "judged.toml"))
        self._draws = {folder["name"]: list(draws(self.commit, self.seed, folder)) for folder in self.folders}

    def sample_of(self, folder):
        """The first mutants of a folder that are still there and, as far as is known, compile; and their tally."""
        tally, mutants = Tally(folder["name"], folder["count"]), []
        for mutant in self._draws[folder["name"]]:
            if len(mutants) == folder["count"]:
                break
            known = self.results.of(mutant)
            if self.tree.find(mutant) is None:
                tally.gone += 1
            elif known and known["verdict"] == UNBUILDABLE:
                tally.unbuildable += 1
            else:
                mutants.append(mutant)
                tally.add(mutant, known, self.judged, self.untried(mutant))
        return mutants, tally

    def tests_of(self, mutant):
        return tests_of(self.tree.find(mutant).path, self.table)

    def untried(self, mutant):
        return self.results.untried(mutant, self.tests_of(mutant), self.head)

    def expected_case(self, mutant):
        """The case that it is to meet by itself, or ""."""
        case = self.expected.get(mutant.id, "")
        known = self.results.passed(mutant, self.head)
        return case if case and case not in known and program_of(case) in self.untried(mutant) else ""

    def prove(self, workshop, test, case):
        """Of single cases all that mutants of a program will meet: the program is then built without a mutant only once."""
        if case:
            cases = {self.expected_case(mutant) for folder in self.folders for mutant in self.sample_of(folder)[0]}
            for each in sorted(each for each in cases if each and program_of(each) == test):
                workshop.prove(test, each)
        else:
            workshop.prove(test)

    def next(self):
        """The next mutant, the test program it meets and, if only one case of it is run, the case. The expected cases of all mutants come
        first; then the quickest programs of all, because they kill most of those that are left. One program's mutants come together, file by
        file, so that little is built in between, and headers last, of which much is built."""
        waiting = []
        for folder in self.folders:
            for mutant in self.sample_of(folder)[0]:
                place = self.tree.find(mutant)
                if mutant.id in self.judged or not place.path.startswith(self.path) or not (untried := self.untried(mutant)):
                    continue
                case = self.expected_case(mutant)
                test = program_of(case) if case else untried[0]
                stage = -1 if case else self.tests_of(mutant).index(test)
                waiting.append((stage, place.path.endswith((".h", ".hpp")), folder["name"], test, place.path, place.line, case, mutant))
        if not waiting:
            return None
        _, _, _, test, _, _, case, mutant = min(waiting)
        return mutant, test, case

    def test(self, workshop, mutant, test, case):
        """Lets one test program meet a mutant, or one case of it. What a case alone has not noticed is no survivor yet."""
        place = self.tree.find(mutant)
        self.prove(workshop, test, case)
        started = time.monotonic()
        verdict, by = SURVIVED, ""
        passed = self.results.passed(mutant, self.head)
        workshop.write(place.path, self.tree.mutated(mutant, place))
        try:
            if (said := workshop.build(test)) is not None:
                verdict, by = of_a_failed_build(test, said)
            elif (failed := workshop.run(test, workshop.seconds_max(case or test), case)) is not None:
                verdict, by = KILLED, failed
        finally:
            workshop.write(place.path, self.tree.files[place.path])
        self.results.add(mutant, verdict, self.head, by, time.monotonic() - started, [*passed, case or test])
        said = f"survived {case or test}" if verdict == SURVIVED else verdict
        print(f"{said:<12} {mutant.id} {place.path}:{place.line} {mutant.kind}: {mutant.shown()}" + (f"\n{'':12} by {by}" if by else ""), flush=True)

    def report(self):
        tallies = [self.sample_of(folder)[1] for folder in self.folders]
        print("\n" + HEADING)
        for tally in tallies:
            print(line_of(tally))
        whole = Tally("all", sum(tally.wanted for tally in tallies))
        for tally in tallies:
            for name in ("gone", "unbuildable", "killed", "equivalent"):
                setattr(whole, name, getattr(whole, name) + getattr(tally, name))
            whole.survivors += tally.survivors
            whole.untested += tally.untested
        print(line_of(whole))
        for mutant in whole.survivors:
            place = self.tree.find(mutant)
            print(f"survived    {mutant.id} {place.path}:{place.line} {mutant.kind}: {mutant.shown()}")
        print(f"sample: commit {self.commit.commit}, seed {self.seed}; tests: commit {self.head[:7]}")
        return 1 if not whole.untested and whole.share < SHARE_WANTED else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--folder", action="append", default=[])
    parser.add_argument("--path", default="", help="only mutants whose code is below this path now")
    parser.add_argument("--at-most", type=int, default=sys.maxsize)
    parser.add_argument("--seconds", type=float, default=math.inf, help="begin with none after so long")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--preset", default="release")
    parser.add_argument("--report", action="store_true")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--list", action="store_true")
    arguments = parser.parse_args()
    session = Session(arguments)
    if arguments.list:
        for folder in session.folders:
            for mutant in session.sample_of(folder)[0]:
                place = session.tree.find(mutant)
                print(f"{mutant.id} {place.path}:{place.line} {mutant.kind}: {mutant.shown()}")
        return 0
    if arguments.keep:
        session.results.keep()
    if arguments.report or arguments.keep:
        return session.report()
    if os.geteuid() != 0:
        sys.exit("mutants.py: run it as root: the tests of a mutant run in namespaces of their own, because a mutant may kill or delete anything")
    started = time.monotonic()
    workshop = Workshop(REPOSITORY, session.root, arguments.jobs, arguments.preset)
    try:
        workshop.prepare(session.head)
        for _ in range(arguments.at_most):
            if time.monotonic() - started > arguments.seconds or (step := session.next()) is None:
                break
            session.test(workshop, *step)
    except Broken as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; the next call goes on from here")
    return session.report()


if __name__ == "__main__":
    sys.exit(main())
