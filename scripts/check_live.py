#!/usr/bin/env python3
"""make check-live: a small suite against the real E2B (or what E2B_API_URL and E2B_SANDBOX_URL name).

With E2B_API_KEY in the environment each row below runs, one sandbox at a time; the sum of the seconds in which one may have
been alive stays below a cap. At the end everything it made is released, and that is verified. What was seen is printed and
written to check-live/report.md in the build directory, without keys or tokens. Without a key it says what it would do.

  OSIRIS_LIVE_SECONDS_MAX   the cap, in sandbox-seconds (3600): a row that might exceed it is not begun
  OSIRIS_LIVE_ROWS          only these rows, comma-separated
  OSIRIS_LIVE_HOST          what the network row reaches by its name, over plain HTTP (example.com:80)
  OSIRIS_LIVE_MEGABYTES     size of the artifacts row (20)
  OSIRIS_LIVE_DIR           where it works and writes the report (check-live in the build directory)
  OSIRIS_E2B_*, E2B_*       as for every run: template, domain, URLs, proxy

Exit status: 0 every row passed and nothing is left (or no key), 1 otherwise, 2 a wrong setting.
"""

import datetime
import os
import platform
import subprocess
import sys
import time

sys.dont_write_bytecode = True  # the checkout stays as it is

from live.driver import BUILD_SECONDS, GRACE_SECONDS, LEASE_SECONDS, RUN_SECONDS, Check, Failed
from live.rows import ROWS


def seconds_at_most(runs, builds):
    return runs * (RUN_SECONDS + GRACE_SECONDS + LEASE_SECONDS) + builds * BUILD_SECONDS


def plan(check, rows):
    print(f"Would run against {check.service}, one sandbox at a time, at most {check.seconds_max:.0f} sandbox-seconds in all:")
    for row, runs, builds in rows:
        print(f"  {row.__name__:<10} {row.__doc__}: {runs} sandboxes{', a template build' if builds else ''}, {seconds_at_most(runs, builds)} s at the very most")
    print("Then everything it made is released, and `osiris resources list` has to show that. The report goes to")
    print(f"  {check.directory / 'report.md'}")
    print("Set E2B_API_KEY to do it.")


def run_rows(check, rows, table):
    """Appends (name, result, seconds, sandboxes, calls, text) for each row."""
    for row, runs, builds in rows:
        name = row.__name__
        left = check.seconds_max - check.spent
        if seconds_at_most(runs, builds) > left:
            table.append((name, "not run", 0.0, 0, 0, f"it may take {seconds_at_most(runs, builds)} sandbox-seconds and {left:.0f} are left of the cap"))
        else:
            print(f"{name}: {row.__doc__} ...", flush=True)
            before, started = len(check.runs), time.monotonic()
            try:
                result, text = "passed", row(check)
            except Failed as failure:
                result, text = "FAILED", str(failure)
            except (OSError, ValueError, KeyError, TypeError, IndexError, subprocess.SubprocessError) as error:
                result, text = "FAILED", f"{type(error).__name__}: {error}"
            seconds = time.monotonic() - started
            check.spent += seconds
            own = check.runs[before:]
            table.append((name, result, seconds, len({id for run in own for id in run.sandboxes()}), sum(run.remote_calls for run in own), text))
        print(f"  {table[-1][1]} ({table[-1][2]:.1f} s): {check.masks(table[-1][5])}", flush=True)


def report(check, table, cleaning, clean):
    version = subprocess.run([check.osiris, "--version"], capture_output=True, text=True, check=False).stdout.strip()
    lines = [
        "# osiris check-live", "",
        f"- when: {datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d %H:%M:%S} UTC",
        f"- osiris: {version}; {platform.system()} {platform.release()} {platform.machine()}",
        f"- service: {check.service}",
        f"- cost: {sum(row[3] for row in table)} sandboxes, at most {check.spent:.0f} sandbox-seconds of {check.seconds_max:.0f} allowed",
        f"- left behind: {'nothing' if clean else 'SOMETHING, see below'}", "",
        "| row | result | seconds | sandboxes | calls | seen |", "|---|---|---|---|---|---|",
    ]
    for name, result, seconds, sandboxes, calls, text in table:
        lines.append(f"| {name} | {result} | {seconds:.1f} | {sandboxes} | {calls} | {text.splitlines()[0].replace('|', '/') if text else ''} |")
    lines += ["", "Clean-up:", ""] + [f"- {line}" for line in cleaning]
    for name, result, _, _, _, text in table:
        if result == "FAILED":
            lines += ["", f"## {name}", "", "```", text, "```"]
    text = check.masks("\n".join(lines) + "\n")
    (check.directory / "report.md").write_text(text, encoding="utf-8")
    print(f"\n{text}\nWritten to {check.directory / 'report.md'}")


def main():
    try:
        check = Check(dict(os.environ))
    except ValueError as error:
        print(f"check-live: a wrong OSIRIS_LIVE_ setting: {error}", file=sys.stderr)
        return 2
    wanted = [name for name in os.environ.get("OSIRIS_LIVE_ROWS", "").split(",") if name]
    unknown = set(wanted) - {row[0].__name__ for row in ROWS}
    if unknown:
        print(f"check-live: no row {', '.join(sorted(unknown))}; there are {', '.join(row[0].__name__ for row in ROWS)}", file=sys.stderr)
        return 2
    rows = [row for row in ROWS if not wanted or row[0].__name__ in wanted]
    if not os.environ.get("E2B_API_KEY"):
        plan(check, rows)
        return 0
    check.prepare()
    table, cleaning, clean = [], [], False
    try:
        check.clean_up()  # of a check that was killed
        run_rows(check, rows, table)
    except Failed as failure:
        table.append(("resources", "FAILED", 0.0, 0, 0, str(failure)))
    finally:
        try:
            cleaning, clean = check.clean_up(), True
        except (Failed, OSError, ValueError, KeyError, subprocess.SubprocessError) as failure:
            cleaning = [str(failure)]
        report(check, table, cleaning, clean)
    return 0 if clean and all(row[1] == "passed" for row in table) else 1


if __name__ == "__main__":
    sys.exit(main())
