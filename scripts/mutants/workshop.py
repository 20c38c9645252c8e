"""Where mutants are built and tested: a clone of the repository below build/mutants. No file outside it is written.

A mutant may kill or delete whatever its tests' user may. So tests run in namespaces of their own: every process they leave ends with
them, and of the file system only the clone, /dev, /proc and a fresh /tmp can be written."""
import json
import os
import re
import subprocess
import time

_ISOLATED = r"""
set -e
trap 'exit 125' EXIT
mount --make-rprivate /
mount --bind "$REPOSITORY" "$REPOSITORY"
mount -o remount,bind,ro "$REPOSITORY"
mount --bind "$WORKSHOP" "$WORKSHOP"
mount -o remount,bind,rw "$WORKSHOP"
mount -o remount,bind,ro /
mount -t tmpfs -o mode=1777 mutants /run
mkdir /run/repository
mount --rbind "$REPOSITORY" /run/repository
# On the disk: a file system in memory may know no attributes of users, which some tests need.
rm -rf "$WORKSHOP/scratch"
for fresh in /tmp /var/tmp; do
  mkdir -p -m 1777 "$WORKSHOP/scratch$fresh"
  chmod 1777 "$WORKSHOP/scratch$fresh"
done
scratch=/run/scratch
mkdir "$scratch"
mount --bind "$WORKSHOP/scratch" "$scratch"
for fresh in /tmp /var/tmp; do mount --bind "$scratch$fresh" "$fresh"; done
if [ ! -d "$BUILD" ]; then  # a repository below /tmp went with it
  mkdir -p "$REPOSITORY"
  mount --rbind /run/repository "$REPOSITORY"
fi
umount --lazy /run/repository "$scratch"
export HOME=/tmp/home
mkdir "$HOME"
cd "$BUILD"
trap - EXIT
ulimit -v 6291456  # KiB: a mutant may never stop asking for memory
exec "$@"
"""


COMPILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "compile.sh")
_CTEST_SAW_FAILURES = 8


class Broken(Exception):
    """Nothing can be said of mutants: the unchanged tree does not build or fails its own tests, or the tests cannot be run."""


class Workshop:
    def __init__(self, repository, root, jobs, preset="release"):
        self._repository, self._root, self._jobs, self._preset = repository, root, jobs, preset
        self.tree = os.path.join(root, "tree")
        self._build = os.path.join(self.tree, "build", preset)
        self._proved = os.path.join(root, "proved.json")
        self._commit, self._seconds = "", {}  # test program -> how long it takes without a mutant

    def prepare(self, commit):
        """The clone at `commit`, without any mutant of an interrupted session, and configured."""
        os.makedirs(self._root, exist_ok=True)
        self._commit = commit
        if os.path.exists(self._proved):
            with open(self._proved, encoding="utf-8") as file:
                self._seconds = json.load(file).get(commit, {})
        if not os.path.isdir(os.path.join(self.tree, ".git")):
            self._must(["git", "clone", "--quiet", "--no-checkout", self._repository, self.tree])
        self._must(["git", "-C", self.tree, "fetch", "--quiet", self._repository, commit])
        self._must(["git", "-C", self.tree, "checkout", "--quiet", "--force", "--detach", commit])
        launcher = ";".join(["env", f"CCACHE_BASEDIR={self.tree}", "CCACHE_NOHASHDIR=true", COMPILE])
        self._must(["cmake", "--preset", self._preset, f"-DCMAKE_C_COMPILER_LAUNCHER={launcher}", f"-DCMAKE_CXX_COMPILER_LAUNCHER={launcher}"],
                   cwd=self.tree)

    def _must(self, command, **options):
        done = subprocess.run(command, capture_output=True, text=True, **options)
        if done.returncode != 0:
            raise Broken(f"{' '.join(command)}:\n{(done.stdout + done.stderr)[-4000:]}")

    def write(self, path, text):
        with open(os.path.join(self.tree, path), "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
            file.write(text)

    def build(self, test):
        """None, or what the compiler said."""
        done = subprocess.run(["cmake", "--build", self._build, "-j", str(self._jobs), "--target", test], capture_output=True, text=True)
        return None if done.returncode == 0 else done.stdout + done.stderr

    def run(self, test, seconds_max=None, case=""):
        """None if every case of a test program passes, or else the first that did not. `case`: only those whose names begin so."""
        begins = re.sub(r"[][().*+?^$|\\]", r"\\\g<0>", case or test + ".")
        ctest = ["ctest", "-R", f"^{begins}", "-j", str(self._jobs), "--stop-on-failure", "--no-tests=error"]
        # CI: what a machine or a mutant lacks fails a test that would be skipped otherwise, and a skipped one notices nothing.
        environment = dict(os.environ, CI="true", REPOSITORY=self._repository, WORKSHOP=self._root, BUILD=self._build)
        command = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", _ISOLATED, "sh", *ctest]
        try:
            done = subprocess.run(command, env=environment, capture_output=True, text=True, errors="replace", timeout=seconds_max)
        except subprocess.TimeoutExpired:
            return f"{case or test}: no end within {seconds_max:.0f} s"
        if done.returncode == 0:
            return None
        failed = re.search(r"^\s*\d+/\d+ Test +#\d+: (\S+).*\*\*\*", done.stdout, re.MULTILINE)
        if done.returncode != _CTEST_SAW_FAILURES or not failed:
            raise Broken(f"{case or test} could not be run:\n{(done.stdout + done.stderr)[-4000:]}")
        return failed.group(1)

    def prove(self, test, case=""):
        """Once per commit: a test program, or one case of it, passes without a mutant. The time it takes sets the limit of its mutants."""
        proved = case or test
        if proved in self._seconds:
            return
        if (said := self.build(test)) is not None:
            raise Broken(f"{test} does not build without a mutant:\n{said[-4000:]}")
        started = time.monotonic()
        if (failed := self.run(test, case=case)) is not None:
            raise Broken(f"{test} fails without a mutant: {failed}")
        self._seconds[proved] = time.monotonic() - started
        with open(self._proved, "w", encoding="utf-8") as file:
            json.dump({self._commit: self._seconds}, file)

    def seconds_max(self, test):
        return 60 + 4 * self._seconds[test]
