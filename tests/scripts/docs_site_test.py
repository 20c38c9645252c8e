#!/usr/bin/env python3
"""The site that `make docs` makes: it is made, whole, searchable, loads nothing from elsewhere, and a link that leads nowhere is found."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ["OSIRIS_BUILD_DIR"])
sys.dont_write_bytecode = True
sys.path.insert(0, str(SOURCE / "scripts/docs"))
import check  # noqa: E402
import reference  # noqa: E402


class Check(unittest.TestCase):
    def problems(self, **files):
        with tempfile.TemporaryDirectory() as directory:
            for name, text in files.items():
                (pathlib.Path(directory) / f"{name}.html").write_text(text)
            return check.problems(directory)

    def test_links_that_lead_somewhere_are_none(self):
        self.assertEqual(self.problems(index='<p id="a"><a href="b.html#x">b</a><a href="#a">a</a><a href="https://x.example/">x</a>',
                                       b='<h1 id="x">'), [])

    def test_what_is_not_there_is_found(self):
        found = self.problems(index='<a href="gone.html">x</a><a href="#gone">y</a><img src="gone.png">')
        self.assertEqual(len(found), 3, found)

    def test_what_is_loaded_from_elsewhere_is_found(self):
        found = self.problems(index='<script src="https://x.example/a.js"></script><link rel="stylesheet" href="//x.example/a.css">')
        self.assertEqual(len(found), 2, found)

    def test_a_site_without_pages_is_a_problem(self):
        self.assertEqual(self.problems(), ["no page"])


class Reference(unittest.TestCase):
    def test_names_of_commands_are_read_from_a_help_page(self):
        text = "Usage: osiris\n\nOptions:\n  -h,--help  x\n\nSubcommands:\n  run        Runs it\n  schedule   A timer\n\nExamples:\n  osiris run\n"
        self.assertEqual([name for name, _ in reference.subcommands(text)], ["run", "schedule"])


class Site(unittest.TestCase):
    def test_is_made_whole_and_searchable(self):
        with tempfile.TemporaryDirectory() as directory:
            site = pathlib.Path(directory) / "site"
            made = subprocess.run([sys.executable, "-B", str(SOURCE / "scripts/docs/site.py"), str(BUILD), str(site)],
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            self.assertEqual(made.returncode, 0, made.stdout)
            self.assertEqual(check.problems(site), [])
            for page in ("index", "docs/tutorial", "docs/howto/import", "docs/coming-from", "reference/command/osiris-run",
                         "reference/command/osiris-runs-prune", "reference/component/postgres.writer", "docs/decisions/0001-confining-sql"):
                self.assertTrue((site / f"{page}.html").exists(), page)
            self.assertIn("--param", (site / "reference/command/osiris-run.html").read_text())
            index = (site / "searchindex.js").read_text()
            for word in ("increment", "postgr", "sandbox"):
                self.assertIn(word, index)
            # The search, in a browser and without a server.
            found = subprocess.run(["chromium-headless-shell", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=10000", "--dump-dom",
                                    f"{(site / 'search.html').as_uri()}?q=incremental"],
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
            self.assertRegex(found, r"Search finished, found [1-9]")
            self.assertIn("docs/howto/incremental-load.html", found)


if __name__ == "__main__":
    if not shutil.which("sphinx-build"):
        if os.environ.get("CI") == "true":
            sys.exit("sphinx-build is missing: scripts/setup.sh docs installs it")
        print("skipped: sphinx-build is not installed (scripts/setup.sh docs)")
        sys.exit(77)
    unittest.main()
