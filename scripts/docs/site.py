#!/usr/bin/env python3
"""site.py BUILD OUT: docs/ as a static site with a search, in OUT. It begins at README.md; pages are those that a link leads to and
those of docs/, and a reference is made of what the built osiris says of itself. A link that leads nowhere fails, before Sphinx sees it
and again in the pages that it wrote."""
import fnmatch
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import check
import reference

SOURCE = pathlib.Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^\s*```")
LINK = re.compile(r"(\]\(\s*)([^)\s]+)(\s*\))")
CODE = re.compile(r"`[^`\n]*`")

# The contents of the site, in reading order; a pattern is in the order of its names, "*" alone is for pages at the top. Every page stands
# in one of them.
CONTENTS = {
    "Begin": ["docs/tutorial", "docs/howto/README", "docs/howto/*", "docs/coming-from"],
    "Pipelines": ["docs/oml", "docs/checks", "docs/incremental", "docs/types", "docs/drivers/README", "docs/drivers/*", "examples/README",
                  "host/compat/README", "docs/compatibility"],
    "Running": ["docs/cli", "docs/project-file", "docs/local", "docs/e2b", "docs/fleet", "docs/e2b-server", "docs/sessions", "docs/exit-codes", "docs/error-categories"],
    "Reference": ["reference/commands", "reference/command/*", "reference/components", "reference/component/*", "docs/glossary"],
    "Adapters": ["docs/writing-an-adapter", "docs/adapter-check", "docs/plugin-abi", "docs/abi/*", "docs/run-package",
                 "docs/worker-protocol", "docs/writing-a-driver", "examples/*"],
    "The project": ["docs/packaging", "docs/building", "docs/benchmarks", "docs/attack-suite", "docs/architecture", "docs/*",
                    "docs/decisions/*", "tests/*", "CHANGELOG", "CONTRIBUTING", "THIRD_PARTY", "*"],
}

CONFIG = """
project = "osiris"
extensions = ["myst_parser"]
myst_heading_anchors = 6
html_theme = "furo"
html_title = "osiris {version}"
html_copy_source = False
html_show_sphinx = False
html_permalinks = True
highlight_language = "none"
# Blocks of YAML with marks in them are no YAML; a page begins where its first heading is.
suppress_warnings = ["misc.highlighting_failure", "myst.header"]
"""


def fail(message):
    sys.exit(f"docs: {message}")


def version():
    return re.search(r"project\(osiris VERSION ([0-9.]+)", (SOURCE / "CMakeLists.txt").read_text())[1]


class Stage:
    """The pages as Sphinx is to read them, at their places in the repository; README.md is index.md."""

    def __init__(self, root):
        self.root = root
        self.pages = {}  # path in the repository -> text
        self.dead = []

    def add(self, path):
        """A page, with all that its links lead to."""
        if path in self.pages:
            return
        self.pages[path] = ""
        lines, inside = [], False
        for line in (SOURCE / path).read_text().split("\n"):
            inside ^= bool(FENCE.match(line))
            lines.append(line if inside else self.with_links(path, line))
        self.pages[path] = "\n".join(lines)

    def with_links(self, path, line):
        codes = []
        hidden = CODE.sub(lambda code: codes.append(code[0]) or f"\0{len(codes) - 1}\0", line)
        hidden = LINK.sub(lambda link: link[1] + self.target(path, link[2]) + link[3], hidden)
        return re.sub("\0([0-9]+)\0", lambda code: codes[int(code[1])], hidden)

    def target(self, path, link):
        if re.match(r"[a-z]+:|#", link):
            return link
        name, hash_, anchor = link.partition("#")
        found = os.path.normpath(os.path.join(os.path.dirname(path), name))
        if (SOURCE / found).is_dir():
            found = self.page_of_directory(found)
        if not (SOURCE / found).exists() and found not in self.pages:
            self.dead.append(f"{path}: {link}")
            return link
        if found.endswith(".md"):
            self.add(found) if (SOURCE / found).exists() else None
            found = "index.md" if found == "README.md" else found
        else:
            self.copy(found)
        here = os.path.dirname("index.md" if path == "README.md" else path)
        return os.path.relpath(found, here or ".") + hash_ + anchor

    def page_of_directory(self, directory):
        if (SOURCE / directory / "README.md").exists():
            return directory + "/README.md"
        index = directory + "/index.md"
        if index not in self.pages:
            self.pages[index] = ""
            lines = [f"# {directory}", ""]
            for page in sorted((SOURCE / directory).glob("*.md")):
                title = page.read_text().split("\n", 1)[0].lstrip("# ")
                lines.append(f"- [{title}]({page.name})")
                self.add(f"{directory}/{page.name}")
            self.pages[index] = "\n".join(lines) + "\n"
        return index

    def copy(self, file):
        """A file that is no page is for downloading."""
        target = self.root / file
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(SOURCE / file, target)

    def write(self):
        names = {"index" if page == "README.md" else page[: -len(".md")] for page in self.pages}
        for page, text in self.pages.items():
            if page == "README.md":
                page, text = "index.md", text + "\n" + contents(names)
            target = self.root / page
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)


def contents(names):
    """The site's contents as Sphinx's trees; a page is in the first that names it."""
    left = set(names) - {"index"}
    text = ""
    for caption, patterns in CONTENTS.items():
        text += f"\n```{{toctree}}\n:hidden:\n:maxdepth: 1\n:caption: {caption}\n\n"
        for pattern in patterns:
            found = sorted(name for name in left if fnmatch.fnmatchcase(name, pattern) and ("/" in pattern or "/" not in name))
            text += "".join(name + "\n" for name in found)
            left -= set(found)
        text += "```\n"
    if left:
        fail("pages that stand in no part of the contents (scripts/docs/site.py): " + ", ".join(sorted(left)))
    return text


def build(out, stage):
    stage.root.joinpath("conf.py").write_text(CONFIG.format(version=version()))
    environment = {**os.environ, "SOURCE_DATE_EPOCH": os.environ.get("SOURCE_DATE_EPOCH", "0"), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(["sphinx-build", "-W", "--keep-going", "-q", "-b", "html", str(stage.root), str(out)], env=environment,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        fail("Sphinx does not make the site:\n" + done.stdout.replace(str(stage.root) + "/", ""))
    shutil.rmtree(out / ".doctrees", ignore_errors=True)


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: site.py BUILD OUT")
    if not shutil.which("sphinx-build"):
        fail("sphinx-build is missing: scripts/setup.sh docs installs it")
    osiris = pathlib.Path(sys.argv[1]).resolve() / "bin/osiris"
    out = pathlib.Path(sys.argv[2]).resolve()
    with tempfile.TemporaryDirectory() as work:
        stage = Stage(pathlib.Path(work) / "pages")
        stage.root.mkdir()
        stage.pages.update(reference.pages(osiris))
        for page in ["README.md", *sorted(str(p.relative_to(SOURCE)) for p in (SOURCE / "docs").rglob("*.md"))]:
            stage.add(page)
        if stage.dead:
            fail("links that lead nowhere:\n  " + "\n  ".join(stage.dead))
        stage.write()
        made = pathlib.Path(work) / "site"
        build(made, stage)
        problems = check.problems(made)
        if problems:
            fail("the site has\n  " + "\n  ".join(problems))
        if out.exists():
            shutil.rmtree(out)
        shutil.copytree(made, out)
    print(f"{len(stage.pages)} pages in {out}/index.html, {check.links(out)} links lead somewhere")


if __name__ == "__main__":
    main()
