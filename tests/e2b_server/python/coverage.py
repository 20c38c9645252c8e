"""The table that the fidelity tests add up to, for each client: every call that reaches the server, the test in which it
succeeded and the one in which it was refused. Only tests that passed count. Fails when one of the two is missing, and when
the SDK has a call that is neither wanted nor left out."""

import json
import os
import subprocess
import sys


def passed_entries(client):
    with open(os.environ["OSIRIS_E2B_LEDGER"], encoding="utf-8") as lines:
        entries = [entry for entry in map(json.loads, lines) if entry["client"] == client]
    passed = {entry["test"] for entry in entries if entry.get("passed")}
    return [entry for entry in entries if "call" in entry and entry["test"] in passed]


def report(client):
    from calls import ABSENT, CLASSES, LEFT_OUT, WANTED
    from ledger import public_methods

    seen = {}
    for entry in passed_entries(client):
        where = entry["test"] + (f" [{entry['detail']}]" if entry["outcome"] == "refused" else "")
        seen.setdefault((entry["call"], entry["outcome"]), where)
    gaps = []
    for label, owner in CLASSES.items():
        known = WANTED[label] + LEFT_OUT.get(label, ("", ""))[0].split()
        gaps += [f"{label}.{name} is neither tested nor left out" for name in public_methods(owner) if name not in known]
    print(f"{'call, ' + client + ' client':<30} | {'succeeds in the test':<72} | is refused in the test")
    shown = total = 0
    for label, names in WANTED.items():
        for call in (f"{label}.{name}" for name in names):
            done, refused = seen.get((call, "done")), seen.get((call, "refused"))
            print(f"{call:<30} | {done or '- none -':<72} | {refused or '- none -'}")
            total += 2
            shown += bool(done) + bool(refused)
            gaps += [f"{call} was never {outcome}" for outcome in ("done", "refused") if (call, outcome) not in seen]
    for label, (names, reason) in LEFT_OUT.items():
        if names:
            print(f"left out of {label}: {names}: {reason}")
    print(f"left out: {ABSENT}")
    print(f"Python SDK, {client}: {total // 2} calls, (success, refusal) passing {shown} of {total}")
    for gap in gaps:
        print(f"gap: {gap}", file=sys.stderr)
    return not gaps


def main():
    if len(sys.argv) > 1:
        return 0 if report(sys.argv[1]) else 1
    # A process each: the methods of the two clients are looked up at import.
    results = [
        subprocess.run([sys.executable, __file__, client], env={**os.environ, "OSIRIS_E2B_PYTHON": client}, check=False).returncode
        for client in ("sync", "async")
    ]
    return max(results)


if __name__ == "__main__":
    sys.exit(main())
