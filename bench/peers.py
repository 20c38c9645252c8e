#!/usr/bin/env python3
"""peers.py BUILD [--quick]: osiris beside the tools that people use for the same work. Prints rows for docs/benchmarks.md as Markdown.

`make bench-peers` runs it, and installs the tools first: those of bench/peers.txt, from PyPI, into a virtual environment of their own outside
the checkout. Each row alternates osiris and its peer, each a whole process, start and all; figures are medians of five rounds, peak memory is
that of the largest process. Inside `osiris-mariadb` (MARIADB_PORT is set) only the rows about MariaDB are measured."""
import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from typing import NamedTuple

ROUNDS = 5
MEMORY = "4GiB"
SQL_STEPS = 40
MODULES = "lib/python{}.{}/site-packages".format(*sys.version_info[:2])

POLARS_FILTER = """import sys, polars as pl
pl.scan_csv(sys.argv[1]).filter(pl.col("c1") < 75).sink_csv(sys.argv[2])
"""
CONNECTORX = """import sys, connectorx as cx
cx.read_sql(sys.argv[1], "SELECT * FROM orders", partition_on="id", partition_num=2, return_type="polars").write_csv(sys.argv[2])
"""


class Measured(NamedTuple):
    wall_ms: float
    peak_mib: float


class Row(NamedTuple):
    what: str
    osiris: list
    peer: str
    peers: list
    target: float

    def shown(self):
        ours, theirs = (statistics.median(run.wall_ms for run in runs) for runs in (self.osiris, self.peers))
        memory, other = (statistics.median(run.peak_mib for run in runs) for runs in (self.osiris, self.peers))
        missed = "" if ours / theirs <= self.target else ", missed"
        target = f"≤ {self.target:g} ×{missed}" if self.target < 1000 else "–"
        return (f"| {self.what} | {ours:.4g} ms, {memory:.0f} MiB | {self.peer}: {theirs:.4g} ms, {other:.0f} MiB "
                f"| {ours / theirs:.2f} × | {target} |")


NO_TARGET = 1000


def run(command, directory, **environment):
    """A program from its start to its end; its output is kept for the message that a failure ends the bench with."""
    with tempfile.TemporaryFile() as output:
        started = time.monotonic()
        process = subprocess.Popen(command, cwd=directory, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env={**os.environ, **environment})
        _, status, usage = os.wait4(process.pid, 0)
        wall_ms = (time.monotonic() - started) * 1000
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            output.seek(0)
            sys.exit(f"{' '.join(command)}: exit {process.returncode}\n{output.read().decode(errors='replace')[-2000:]}")
    return Measured(wall_ms, usage.ru_maxrss / 1024)


def alternate(what, ours, peer, theirs, target, rounds=ROUNDS):
    pairs = [(ours(), theirs()) for _ in range(rounds)]
    print(Row(what, [pair[0] for pair in pairs], peer, [pair[1] for pair in pairs], target).shown(), flush=True)


def write(directory, name, text):
    with open(os.path.join(directory, name), "w", encoding="utf-8") as file:
        file.write(text)


def step(name, component, mode, config, needs=""):
    return f"  - id: {name}\n    component: {component}\n    mode: {mode}\n    needs: [{needs}]\n    config: {{{config}}}\n"


def pipeline(name, steps):
    return f'oml_version: "0.1.0"\nname: {name}\nsteps:\n' + "".join(steps)


class Bench:
    def __init__(self, build, environment, project, quick):
        self.build, self.project, self.quick = build, project, quick
        self.python = os.path.join(environment, "bin/python3")
        self.duckdb = os.path.join(environment, MODULES, "duckdb_cli/duckdb")
        self.sling = os.path.join(environment, MODULES, "sling_linux_amd64/bin/sling-linux-amd64")
        os.chmod(self.sling, 0o755)
        write(project, "osiris.yaml", 'version: "2.0"\n')

    def osiris(self, name, *options, **environment):
        command = [os.path.join(self.build, "bin/osiris"), "run", f"{name}.yaml", "--memory-limit", MEMORY, *options]
        return run(command, self.project, **environment)

    def starts(self):
        write(self.project, "three.yaml", pipeline("three", [step(f"s{i}", "mock", "transform", "", f"s{i - 1}" if i else "") for i in range(3)]))
        alternate("three no-op steps", lambda: self.osiris("three", "--allow-mock"),
                  "DuckDB CLI, `select 1`", lambda: run([self.duckdb, "-c", "select 1"], self.project), 0.8, 4 * ROUNDS + 1)

    def statements(self):
        steps, script = [step("s0", "duckdb.processor", "transform", 'query: "SELECT range AS a FROM range(1000)"')], ["CREATE TABLE s0 AS SELECT range AS a FROM range(1000);"]
        for i in range(1, SQL_STEPS):
            steps.append(step(f"s{i}", "duckdb.processor", "transform", f'query: "SELECT a + 1 AS a FROM df_s{i - 1}"', f"s{i - 1}"))
            script.append(f"CREATE TABLE s{i} AS SELECT a + 1 AS a FROM s{i - 1};")
        write(self.project, "forty.yaml", pipeline("forty", steps))
        write(self.project, "forty.sql", "\n".join(script) + "\n")
        alternate(f"{SQL_STEPS} SQL steps", lambda: self.osiris("forty"),
                  "DuckDB CLI, the same statements in one process", lambda: run([self.duckdb, "-f", "forty.sql"], self.project), 1.5, 2 * ROUNDS + 1)

    def wide(self, rows):
        """A file of 12 mixed columns."""
        path = os.path.join(self.project, "wide.csv")
        rows = rows // 10 if self.quick else rows
        run([os.path.join(self.build, "bench/csv_statements"), "wide", str(rows), path, str(os.cpu_count()), MEMORY], self.project)
        return path

    def filters(self):
        path = self.wide(5_600_000)
        write(self.project, "filter.yaml", pipeline("filter", [
            step("load", "filesystem.csv_extractor", "read", f"path: {path}"),
            step("query", "duckdb.processor", "transform", 'query: "SELECT * FROM df_load WHERE c1 < 75"', "load"),
            step("write", "filesystem.csv_writer", "write", "path: out.csv, column_order: query", "query")]))
        alternate("5.6 M × 12 CSV → filter → CSV", lambda: self.osiris("filter"),
                  "polars, streaming", lambda: run([self.python, "-c", POLARS_FILTER, path, "theirs.csv"], self.project), 1.3)

    def copies(self):
        path = self.wide(1_000_000)
        write(self.project, "copy.yaml", pipeline("copy", [step("load", "filesystem.csv_extractor", "read", f"path: {path}"),
                                                           step("write", "filesystem.csv_writer", "write", "path: out.csv", "load")]))
        sling = [self.sling, "run", "--src-stream", f"file://{path}", "--tgt-object", f"file://{self.project}/theirs.csv"]
        alternate("1 M × 12 CSV → CSV", lambda: self.osiris("copy"),
                  "Sling", lambda: run(sling, self.project, HOME=self.project, SLING_DISABLE_TELEMETRY="true"), NO_TARGET)

    def mariadb(self):
        host, port = os.environ["MARIADB_HOST"], os.environ["MARIADB_PORT"]
        write(self.project, "osiris_connections.yaml", "version: 1\nconnections:\n  mysql:\n    bench: {default: true, "
              f'host: {host}, port: {port}, database: bench, user: bench, password: "${{BENCH_PASSWORD}}"}}\n')
        os.chmod(os.path.join(self.project, "osiris_connections.yaml"), 0o600)
        write(self.project, "pull.yaml", pipeline("pull", [
            step("pull", "mysql.extractor", "read", 'connection: "@mysql.bench", query: "SELECT * FROM orders"'),
            step("write", "filesystem.csv_writer", "write", "path: out.csv", "pull")]))
        url = f"mysql://bench:bench@{host}:{port}/bench"
        alternate("MariaDB 2 M × 10 → CSV", lambda: self.osiris("pull", BENCH_PASSWORD="bench"),
                  "connectorx, 2 partitions, and polars", lambda: run([self.python, "-c", CONNECTORX, url, "theirs.csv"], self.project), 0.8)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("--environment", required=True, help="the virtual environment with the tools of bench/peers.txt")
    parser.add_argument("--quick", action="store_true", help="a tenth of the data: a trial of the program, not a measurement")
    arguments = parser.parse_args()
    project = tempfile.mkdtemp(prefix="osiris-peers-", dir="/var/tmp")
    try:
        bench = Bench(os.path.abspath(arguments.build), os.path.abspath(arguments.environment), project, arguments.quick)
        if "MARIADB_PORT" in os.environ:
            bench.mariadb()
        else:
            print("| what | osiris | peer in the same run | ratio | target |\n|---|---|---|---|---|")
            bench.starts()
            bench.statements()
            bench.filters()
            bench.copies()
    finally:
        shutil.rmtree(project)


if __name__ == "__main__":
    main()
