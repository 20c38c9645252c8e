"""The rows of check_live.py. Each takes the Check, returns a sentence saying what was seen, and raises Failed otherwise. Its doc
string is what it promises."""

import base64
import hashlib
import json
import os
import shutil
import signal
import time

from live.driver import BUILD_SECONDS, RUN_SECONDS, expect, output_files


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def parity(check):
    """two examples give the files that a local run gives"""
    files = 0
    for example in ("01-csv-duckdb-csv", "04-multi-input-join"):
        here, there = check.project(f"{example}-local", example), check.project(f"{example}-e2b", example)
        check.run(here, adapter="local")
        check.run(there)
        expect(output_files(here) == output_files(there) != {}, f"{example}: {output_files(here)} here, {output_files(there)} there")
        files += len(output_files(there))
    return f"{files} files, equal byte for byte"


REACH = """import json, os, socket
step = json.load(open(os.environ["OSIRIS_STEP"]))
host, port = step["params"]["host"], step["params"]["port"]
try:
    with socket.create_connection((host, port), timeout=15) as connection:
        connection.sendall(f"HEAD / HTTP/1.0\\r\\nHost: {host}\\r\\n\\r\\n".encode())
        answer = connection.recv(64).decode("latin-1")
except OSError as error:
    answer = f"{type(error).__name__}: {error}"
print(host, port, "->", answer.split("\\r")[0])
verdict = "reached" if answer.startswith("HTTP/") else "refused"
open(os.environ["OSIRIS_OUTPUT"], "w").write(json.dumps({"verdict": verdict}) + "\\n")
"""


def network(check):
    """a name that is allowed is reached from the sandbox; without the rule it is not"""
    project = check.project("network")
    write(project / "reach.py", REACH)
    write(project / "pipeline.yaml", f"""oml_version: "0.1.0"
name: reach
steps:
  - id: reach
    component: python.processor
    mode: transform
    config: {{script: reach.py, format: ndjson, params: {{host: {json.dumps(check.host)}, port: {check.port}}}, columns: {{verdict: VARCHAR}}}}
  - id: save
    component: filesystem.csv_writer
    mode: write
    needs: [reach]
    config: {{path: out/verdict.csv}}
""")
    for options, wanted in ((("--e2b-network-allow", check.host), "reached"), ((), "refused")):
        run = check.run(project, *options)
        verdict = (project / "out/verdict.csv").read_text().split("\n")[1]
        said = [line for line in (run.session / "osiris.log").read_text().split("\n") if "->" in line]
        expect(verdict == wanted, f"{check.host} was {verdict} {'with' if options else 'without'} the rule; the step said: {said}")
    return f"{check.host}: reached by name with --e2b-network-allow, refused without"


def secrets(check):
    """a value lent to the steps is not in the service's log of the sandbox"""
    canary = "canary-" + os.urandom(12).hex()
    project = check.project("secrets", "01-csv-duckdb-csv")
    check.environment["OSIRIS_LIVE_CANARY"] = canary
    try:
        run = check.run(project, "--e2b-pass-env", "OSIRIS_LIVE_CANARY", "--e2b-keep")  # a living sandbox has its log at hand
    finally:
        del check.environment["OSIRIS_LIVE_CANARY"]
    sandbox = run.sandboxes()[-1]
    log, until = "", time.monotonic() + 30
    while not log and time.monotonic() < until:  # it takes a moment to get there
        log = check.service_log(sandbox)
        time.sleep(0.2)
    # Base64 of what surrounds it depends on where it begins.
    spellings = [canary] + [base64.b64encode(b"x" * before + canary.encode()).decode()[4:28] for before in range(3)]
    check.resources("release", sandbox)
    expect(not any(spelling in log for spelling in spellings), f"the log of {sandbox} holds the value")
    return f"{len(log.splitlines())} lines in the log of {sandbox}, none with the value"


def artifacts(check):
    """a large output comes back as a local run writes it"""
    here, there = check.project("artifacts-local"), check.project("artifacts-e2b")
    rows = check.megabytes * 2**20 // 64
    for project in (here, there):
        write(project / "pipeline.yaml", f"""oml_version: "0.1.0"
name: large
steps:
  - id: seed
    component: filesystem.csv_extractor
    mode: read
    config: {{path: seed.csv}}
  - id: many
    component: duckdb.processor
    mode: transform
    needs: [seed]
    config: {{query: "SELECT i, sha256(i::VARCHAR || s) AS h FROM df_seed, range({rows}) r(i) ORDER BY i"}}
  - id: save
    component: filesystem.csv_writer
    mode: write
    needs: [many]
    config: {{path: out/large.csv}}
""")
        write(project / "seed.csv", "s\nosiris\n")
    check.run(here, adapter="local")
    run = check.run(there)
    expect(output_files(here) == output_files(there) != {}, "the file differs from the local run's")
    size = (there / "out/large.csv").stat().st_size
    collected = run.event("artifacts_collected") or {}
    return f"{size} bytes, {collected.get('bytes')} on the wire in {collected.get('duration_ms')} ms; equal to the local run's"


def kill(check):
    """SIGTERM and SIGKILL to a run: no sandbox stays"""
    project = check.project("kill")
    write(project / "seed.csv", "n\n1000000000000\n")
    write(project / "pipeline.yaml", """oml_version: "0.1.0"
name: endless
steps:
  - id: seed
    component: filesystem.csv_extractor
    mode: read
    config: {path: seed.csv}
  - id: endless
    component: duckdb.processor
    mode: transform
    needs: [seed]
    config: {query: "SELECT sum(hash(i)) AS s FROM df_seed, range(1000000000000) r(i)"}
  - id: save
    component: filesystem.csv_writer
    mode: write
    needs: [endless]
    config: {path: out/never.csv}
""")
    process = check.start(project)
    check.await_event(project, process, "worker_started")
    process.send_signal(signal.SIGTERM)
    stopped = check.end(project, process)
    expect(stopped.exit_code == 130, f"SIGTERM: exit status {stopped.exit_code} instead of 130:\n{stopped.output.strip()}")
    expect(check.held() == [], f"after SIGTERM there is still {check.held()}")
    shutil.rmtree(project / "run_logs")
    process = check.start(project)
    check.await_event(project, process, "worker_started")
    process.kill()
    check.end(project, process)
    expect(len(check.held()) == 1, f"after SIGKILL one sandbox should be held, not {check.held()}")
    reaped = check.resources("reap")["released"]
    expect(len(reaped) == 1 and check.held() == [], f"reap released {reaped}, held are {check.held()}")
    return "SIGTERM: cancelled, exit 130, killed and verified; SIGKILL: `resources reap` released it"


def keep(check):
    """a kept sandbox is found by the next run"""
    project = check.project("keep", "01-csv-duckdb-csv")
    first = check.run(project, "--e2b-keep")
    second = check.run(project, "--e2b-keep")
    ids = [run.event("sandbox_created")["sandbox_id"] for run in (first, second)]
    expect(ids[0] == ids[1] and second.event("sandbox_created")["reused"], f"the sandboxes were {ids}")
    expect(check.held() == [ids[0]], f"held are {check.held()}")
    check.resources("release", ids[0])
    expect(check.held() == [], f"after the release there is still {check.held()}")
    uploads = [run.event("package_uploaded")["bytes"] for run in (first, second)]
    return f"{ids[0]} twice, {uploads[0]} bytes uploaded and then {uploads[1]}"


def template(check):
    """a template of another shape is built once and found again"""
    project = check.project("template", "01-csv-duckdb-csv")
    shape = ("--e2b-cpu", "2", "--e2b-mem", "1GiB")
    first = check.run(project, *shape, seconds_max=RUN_SECONDS + BUILD_SECONDS)
    second = check.run(project, *shape)
    built, found = first.event("template_built"), second.event("template_built")
    expect(built and found and not found["built"] and built["template_id"] == found["template_id"], f"the first run said {built}, the second {found}")
    return f"{built['template_id']} {'built' if built['built'] else 'found'} in {built['duration_ms']} ms, then found; {second.event('package_uploaded')['bytes']} bytes uploaded"


def python(check):
    """a Python step gives the files that are expected"""
    project = check.project("python", "07-python")
    check.run(project)
    expected = {f"out/{path.name}": hashlib.sha256(path.read_bytes()).hexdigest() for path in (project / "expected").rglob("*.csv")}
    expect(output_files(project) == expected != {}, f"{output_files(project)} instead of {expected}")
    return f"{len(expected)} file, as expected"


# How many runs, of which how many with a template's build: the most a row can cost.
ROWS = [(parity, 2, 0), (network, 2, 0), (secrets, 1, 0), (artifacts, 1, 0), (kill, 2, 0), (keep, 2, 0), (template, 2, 1), (python, 1, 0)]
