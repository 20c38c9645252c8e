"""What is known of each mutant, one line of JSON a verdict; the last one of a mutant counts. Appended after every test program that a mutant
met, so that an interrupted session is continued by the next one. What the repository keeps (`--keep`) is read first, so that another machine
goes on as well."""
import json
import os
import tomllib

KILLED, SURVIVED, UNBUILDABLE = "killed", "survived", "unbuildable"


class Results:
    """`kept`: the repository's file of verdicts."""

    def __init__(self, path, kept=""):
        self._path, self._kept, self._known = path, kept, {}
        for source in (kept, path):
            if not os.path.exists(source):
                continue
            with open(source, encoding="utf-8") as file:
                for line in file:
                    if line.endswith("\n"):  # the last one may have been cut
                        verdict = json.loads(line)
                        self._known[verdict["id"]] = verdict

    def keep(self):
        """Writes one line a mutant into the repository's file: the last verdict, without what differs from machine to machine, as a compiler's
        messages do."""
        os.makedirs(os.path.dirname(self._kept), exist_ok=True)
        with open(self._kept, "w", encoding="utf-8") as file:
            for _, verdict in sorted(self._known.items()):
                kept = {name: value for name, value in verdict.items() if name != "seconds"}
                if verdict["verdict"] == UNBUILDABLE:
                    kept["by"] = ""
                file.write(json.dumps(kept) + "\n")

    def of(self, mutant):
        return self._known.get(mutant.id)

    def untried(self, mutant, tests, tree):
        """Those of its test programs that may still kill it. A killed mutant stays killed; what it survived in another tree counts no more."""
        known = self.of(mutant)
        if known is None:
            return tests
        if known["verdict"] != SURVIVED:
            return []
        return [test for test in tests if test not in self.passed(mutant, tree)]

    def passed(self, mutant, tree):
        """The test programs and single cases that it has survived in this tree."""
        known = self.of(mutant)
        return known["passed"] if known and known["verdict"] == SURVIVED and known["tree"] == tree else []

    def add(self, mutant, verdict, tree, by, seconds, passed=()):
        """`passed`: the test programs, and the single cases, that a survivor has survived so far."""
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
