"""What the rows of check_live.py drive: osiris as a user runs it, in a project and a state directory of the check's own."""

import glob
import hashlib
import json
import os
import re
import shutil
import subprocess
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
RUN_SECONDS = 120  # --timeout of each run
LEASE_SECONDS = 60
GRACE_SECONDS = 60  # what a run may take beyond its deadline, its clean-up included
BUILD_SECONDS = 600  # of a template


class Failed(Exception):
    """A row did not see what it should have."""


def expect(condition, text):
    if not condition:
        raise Failed(text)


class Run:
    """One ended `osiris run` and what its session says."""

    def __init__(self, exit_code, output, session):
        self.exit_code = exit_code
        self.output = output
        self.session = session
        self.events = read_lines(session / "events.jsonl") if session else []
        metrics = read_lines(session / "metrics.jsonl") if session else []
        self.remote_calls = max((line["value"] for line in metrics if line.get("metric") == "remote_calls"), default=0)

    def event(self, name):
        return next((event for event in self.events if event.get("event") == name), None)

    def sandboxes(self):
        return [event["id"] for event in self.events if event.get("event") == "resource_acquired" and event.get("kind") == "sandbox"]


def read_lines(path):
    try:
        text = path.read_text(encoding="utf-8")
    except OSError:
        return []
    return [json.loads(line) for line in text.split("\n")[:-1] if line]


def output_files(project):
    return {str(path.relative_to(project)): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted((project / "out").rglob("*")) if path.is_file()}


class Masks:
    """No key leaves: the environment's own secrets by value, others by their look."""

    def __init__(self, environment):
        names = re.compile("KEY|TOKEN|SECRET|PASSWORD", re.I)
        self._values = sorted((v for n, v in environment.items() if names.search(n) and len(v) >= 6), key=len, reverse=True)

    def __call__(self, text):
        for value in self._values:
            text = text.replace(value, "***")
        text = re.sub(r"\be2b_[0-9A-Za-z]{6,}", "***", text)
        return re.sub(r"(://)[^/@\s]+@", r"\1***@", text)


class Check:
    def __init__(self, environment):
        build = Path(environment.get("OSIRIS_BUILD_DIR") or ROOT / "build/release")
        self.osiris = build / "bin/osiris"
        self.directory = Path(environment.get("OSIRIS_LIVE_DIR") or build / "check-live")
        self.seconds_max = float(environment.get("OSIRIS_LIVE_SECONDS_MAX", "3600"))
        self.host, _, port = environment.get("OSIRIS_LIVE_HOST", "example.com:80").rpartition(":")
        self.port = int(port)
        self.megabytes = int(environment.get("OSIRIS_LIVE_MEGABYTES", "20"))
        self.masks = Masks(environment)
        self.service = environment.get("E2B_API_URL") or environment.get("OSIRIS_E2B_API_URL") or "E2B's own"
        # A state directory of its own, kept between checks: what is listed there is this check's, and a check that was killed
        # is cleaned up by the next one.
        passed = re.compile(r"(E2B_|OSIRIS_E2B_|SSL_CERT_)\w+|(HTTPS?|NO|ALL)_PROXY", re.I)
        self.environment = {name: value for name, value in environment.items() if passed.fullmatch(name)}
        self.environment.update(PATH="/usr/local/bin:/usr/bin:/bin", HOME=str(self.directory / "home"), LANG="C.UTF-8",
                                XDG_STATE_HOME=str(self.directory / "state"))
        self.spent = 0.0
        self.runs = []
        self.templates = set()

    def prepare(self):
        self.directory.mkdir(parents=True, exist_ok=True)
        for part in ("projects", "home"):
            shutil.rmtree(self.directory / part, ignore_errors=True)
            (self.directory / part).mkdir()
        (self.directory / "state").mkdir(exist_ok=True)

    # Running osiris.

    def project(self, name, example=None):
        path = self.directory / "projects" / name
        if example:
            shutil.copytree(ROOT / "examples" / example, path)
        else:
            path.mkdir()
            (path / "osiris.yaml").write_text('version: "2.0"\n')
        return path

    def start(self, project, *options, adapter="e2b"):
        limits = ("--timeout", str(RUN_SECONDS)) + (("--e2b-lease", str(LEASE_SECONDS)) if adapter == "e2b" else ())
        command = [self.osiris, "run", "pipeline.yaml", "--adapter", adapter, *limits, *options]
        return subprocess.Popen(command, cwd=project, env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def end(self, project, process, seconds_max=RUN_SECONDS + GRACE_SECONDS):
        try:
            output, _ = process.communicate(timeout=seconds_max)
        except subprocess.TimeoutExpired:
            process.terminate()
            try:
                output, _ = process.communicate(timeout=GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                output, _ = process.communicate()
            output += f"\n(stopped after {seconds_max} s)"
        sessions = sorted(glob.glob(str(project / "run_logs/*/*/*/")), key=os.path.getmtime)
        run = Run(process.returncode, output, Path(sessions[-1]) if sessions else None)
        if process.args[4] == "e2b":
            self.runs.append(run)
            for event in run.events:
                if event.get("event") == "template_built" and event.get("built"):
                    self.templates.add(event["template_id"])
        return run

    def run(self, project, *options, adapter="e2b", exit_code=0, seconds_max=RUN_SECONDS + GRACE_SECONDS):
        run = self.end(project, self.start(project, *options, adapter=adapter), seconds_max)
        expect(run.exit_code == exit_code, f"exit status {run.exit_code} instead of {exit_code}:\n{run.output.strip()}")
        return run

    def resources(self, *arguments):
        command = [self.osiris, "--json", "resources", *arguments, "--adapter", "e2b"]
        done = subprocess.run(command, cwd=self.directory, env=self.environment, capture_output=True, text=True, timeout=GRACE_SECONDS * 3, check=False)
        expect(done.returncode == 0, f"resources {' '.join(arguments)}: exit status {done.returncode}\n{(done.stdout + done.stderr).strip()}")
        return json.loads(done.stdout)

    def service_log(self, sandbox):
        """What the service's own log says of a sandbox, as text."""
        api = self.environment.get("OSIRIS_E2B_API_URL") or self.environment.get("E2B_API_URL")
        api = api or "https://api." + (self.environment.get("OSIRIS_E2B_DOMAIN") or self.environment.get("E2B_DOMAIN") or "e2b.app")
        request = urllib.request.Request(f"{api.rstrip('/')}/sandboxes/{sandbox}/logs?limit=1000", headers={"X-API-Key": self.environment["E2B_API_KEY"]})
        with urllib.request.urlopen(request, timeout=GRACE_SECONDS) as answer:
            return "\n".join(entry["line"] for entry in json.loads(answer.read())["logs"])

    def held(self, kind="sandbox"):
        return [each["id"] for each in self.resources("list", "--kind", kind)["resources"] if each["kind"] == kind]

    def await_event(self, project, process, name):
        until = time.monotonic() + RUN_SECONDS
        while time.monotonic() < until and process.poll() is None:
            for file in glob.glob(str(project / "run_logs/*/*/*/events.jsonl")):
                if any(event.get("event") == name for event in read_lines(Path(file))):
                    return
            time.sleep(0.1)
        process.terminate()
        raise Failed(f"no event {name}:\n{process.communicate()[0].strip()}")

    def clean_up(self):
        """Releases what this check made; the lines that say so. Raises Failed when something is left."""
        lines = []
        reaped = self.resources("reap").get("released", [])
        if reaped:
            lines.append("reaped: " + ", ".join(each["id"] for each in reaped))
        for sandbox in self.held():
            self.resources("release", sandbox)
            lines.append(f"released: sandbox {sandbox}")
        for template in sorted(self.templates & set(self.held("template"))):
            self.resources("release", template, "--kind", "template")
            lines.append(f"released: template {template}")
        left = self.held() + sorted(self.templates & set(self.held("template")))
        expect(not left, "`osiris resources list` still shows " + ", ".join(left))
        lines.append("`osiris resources list` shows nothing of this check")
        return lines


# The rows. Each returns a sentence saying what was seen.
