"""What is known of each mutant, one line of JSON a verdict; the last one of a mutant counts. Appended after every test program that a mutant
met, so that an interrupted session is continued by the next one."""
import json
import os
import tomllib

KILLED, SURVIVED, UNBUILDABLE = "killed", "survived", "unbuildable"


class Results:
    def __init__(self, path):
        self._path, self._known = path, {}
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                for line in file:
                    if line.endswith("\n"):  # the last one may have been cut
                        verdict = json.loads(line)
                        self._known[verdict["id"]] = verdict

    def of(self, mutant):
        return self._known.get(mutant.id)

    def untried(self, mutant, tests, tree):
        """Those of its test programs that may still kill it. A killed mutant stays killed; what it survived in another tree counts no more."""
        known = self.of(mutant)
        if known is None:
            return tests
        if known["verdict"] != SURVIVED:
            return []
        return [test for test in tests if known["tree"] != tree or test not in known["passed"]]

    def add(self, mutant, verdict, tree, by, seconds, passed=()):
        """`passed`: the test programs that a survivor has survived so far."""
        entry = {"id": mutant.id, "verdict": verdict, "tree": tree, "by": by, "passed": list(passed), "seconds": round(seconds, 1),
                 "path": mutant.path, "line": mutant.line, "kind": mutant.kind, "change": mutant.shown()}
        self._known[mutant.id] = entry
        with open(self._path, "a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")


def read_judged(path):
    """id -> why, of the mutants that a person found equivalent: no input tells them from the original."""
    with open(path, "rb") as file:
        return {entry["id"]: entry["why"] for entry in tomllib.load(file).get("equivalent", [])}


class Tally:
    """One folder's figures."""

    def __init__(self, name, wanted):
        self.name, self.wanted = name, wanted
        self.gone = self.unbuildable = self.killed = self.equivalent = 0
        self.survivors, self.untested = [], []

    def add(self, mutant, known, judged, untried):
        if known and known["verdict"] == KILLED:
            self.killed += 1
        elif mutant.id in judged:
            self.equivalent += 1
        elif untried:
            self.untested.append(mutant)
        else:
            self.survivors.append(mutant)

    @property
    def share(self):
        tested = self.killed + len(self.survivors)
        return self.killed / tested if tested else 0.0


def line_of(tally):
    return (f"{tally.name:<12}{tally.wanted:>7}{tally.killed:>8}{len(tally.survivors):>10}{tally.equivalent:>12}{len(tally.untested):>10}"
            f"{tally.share:>8.0%}   passed over: {tally.gone} gone, {tally.unbuildable} unbuildable")


HEADING = f"{'folder':<12}{'drawn':>7}{'killed':>8}{'survived':>10}{'equivalent':>12}{'untested':>10}{'share':>8}"
