"""scripts/format.py --check on trees that are formatted, are not, or have the wrong tool."""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCRIPT = os.path.join(ROOT, "scripts", "format.py")


class Format(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.tree = folder.name
        shutil.copy(os.path.join(ROOT, ".clang-format"), self.tree)

    def write(self, name, text, mode=0o644):
        path = os.path.join(self.tree, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, mode)
        return path

    def run_it(self, *options, path=None):
        environment = dict(os.environ) if path is None else {**os.environ, "PATH": path}
        return subprocess.run([sys.executable, SCRIPT, "--root", self.tree, *options], capture_output=True, text=True, env=environment, check=False)

    def test_a_formatted_copy_passes(self):
        shutil.copytree(os.path.join(ROOT, "protocol", "base"), os.path.join(self.tree, "base"))
        done = self.run_it("--check")
        self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)

    def test_each_wrong_file_is_named_with_its_first_differing_line(self):
        with open(os.path.join(ROOT, "protocol", "base", "text.cc"), encoding="utf-8") as file:
            lines = file.read().split("\n")
        at = next(number for number, line in enumerate(lines) if line.startswith("namespace osiris {"))
        lines[at] = "namespace  osiris {"
        self.write("base/text.cc", "\n".join(lines))
        self.write("b.h", "int f();\nint  g( );\nint  h( );\n")
        self.write("good.c", "int f(void);\n")
        done = self.run_it("--check")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertEqual(done.stdout.split("\n")[:2], ["b.h:2: int  g( );", f"base/text.cc:{at + 1}: namespace  osiris {{"])
        self.assertNotIn("good.c", done.stdout)

    def test_without_check_the_files_are_rewritten(self):
        path = self.write("a.cc", "int  f( );\n")
        self.assertEqual(self.run_it().returncode, 0)
        with open(path, encoding="utf-8") as file:
            self.assertEqual(file.read(), "int f();\n")

    def test_a_tree_without_files_is_no_success(self):
        self.assertEqual(self.run_it("--check").returncode, 1)

    def test_another_major_version_is_refused_with_a_remedy(self):
        self.write("a.cc", "int f();\n")
        for said in ("Debian clang-format version 14.0.6", "clang-format version 190.1.0", "nothing known"):
            self.write("bin/clang-format", f"#!/bin/sh\necho {said}\n", 0o755)
            done = self.run_it("--check", path=os.path.join(self.tree, "bin"))
            self.assertEqual(done.returncode, 2, said)
            self.assertIn("apt-get install clang-format-19", done.stderr)

    def test_the_right_version_may_have_the_plain_name(self):
        self.write("a.cc", "int f();\n")
        tool = shutil.which("clang-format-19") or shutil.which("clang-format")
        os.makedirs(os.path.join(self.tree, "bin"))
        os.symlink(tool, os.path.join(self.tree, "bin", "clang-format"))
        self.assertEqual(self.run_it("--check", path=os.path.join(self.tree, "bin")).returncode, 0)


if __name__ == "__main__":
    unittest.main()
