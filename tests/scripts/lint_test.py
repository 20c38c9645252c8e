"""scripts/lint.py: which files go together, and what it finds, remembers and looks at again."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCRIPT = os.path.join(ROOT, "scripts", "lint.py")
sys.path.insert(0, os.path.join(ROOT, "scripts"))

import lint
from translation_units import own_names, parted, units

CLEAN = '#include "host/a.h"\nnamespace {\nint helper() { return one(); }\n}  // namespace\nint clean() { return helper(); }\n'
# bugprone-infinite-loop
BROKEN = "int broken(int n) {\n  int i = 0, sum = 0;\n  while (i < 10) sum += n;\n  return sum;\n}\n"


class Groups(unittest.TestCase):
    def test_own_names_are_those_of_unnamed_namespaces(self):
        text = """namespace osiris {
namespace {
constexpr int kOne = 1;
constexpr const char* kNames[] = {"a"};
using Pair = std::pair<int, int>;
struct Options {
  int inside = 0;
};
template <class T> class Box {};
std::optional<std::string> find(const std::string& name) {
  return {};
}
}  // namespace
int shared() { return 0; }
}  // namespace osiris
"""
        self.assertEqual(own_names(text), {"kOne", "kNames", "Pair", "Options", "Box", "find"})

    def test_files_with_a_name_of_their_own_in_common_are_parted(self):
        texts = {"a": "namespace {\nint f() {\n", "b": "namespace {\nint g() {\n", "c": "namespace {\nint f() {\n"}
        self.assertEqual(parted(["a", "b", "c"], texts), [["a", "b"], ["c"]])

    def test_a_name_of_its_own_that_another_file_takes_for_something_else_parts_them(self):
        borrows = {"a": "namespace {\nconstexpr size_t kNone = 1;\n", "b": "using other::kNone;\n"}
        self.assertEqual(parted(["a", "b"], borrows), [["a"], ["b"]])
        self.assertEqual(parted(["b", "a"], borrows), [["b"], ["a"]])
        uses = {"a": "namespace {\nstruct Run {\n", "b": "Run& run = setup.run;\n", "c": "int run;\n"}
        self.assertEqual(parted(["a", "b", "c"], uses), [["a", "c"], ["b"]])

    def test_names_that_mean_the_same_everywhere_part_nothing(self):
        text = """namespace fs = std::filesystem;
using testing::HasSubstr;
namespace {
namespace fs = std::filesystem;
using ::testing::Not;
TEST(Suite, Case) {
#define ROWS 3
}  // namespace
static int once(int n) { return n; }
"""
        self.assertEqual(own_names(text), {"ROWS", "once"})

    def test_a_unit_has_so_many_files_and_is_written_where_it_differs(self):
        with tempfile.TemporaryDirectory() as root:
            files = [f"tests/{name}.cc" for name in "abcdefghi"]
            os.makedirs(os.path.join(root, "tests"))
            for file in files:
                with open(os.path.join(root, file), "w", encoding="utf-8") as source:
                    source.write("namespace {\nint f() {\n" if file.endswith(("b.cc", "c.cc")) else "")
            made = os.path.join(root, "made")
            unit = os.path.join(made, "unit_0.cc")
            self.assertEqual(units(made, root, files), [unit, os.path.join(root, "tests/c.cc")])
            with open(unit, encoding="utf-8") as text:
                self.assertEqual(text.read(), "".join(f'#include "tests/{name}.cc"\n' for name in "abdefghi"))
            os.utime(unit, (1, 1))
            units(made, root, files)
            self.assertEqual(os.stat(unit).st_mtime, 1)
            units(made, root, files[:2])
            self.assertNotEqual(os.stat(unit).st_mtime, 1)

    def test_flags_that_mean_something_stay(self):
        self.assertEqual(lint.flags_of("c++ -I/a -isystem /b -DX=1 -D_FORTIFY_SOURCE=2 -O2 -Wall -std=c++20 -o x.o -c x.cc"),
                         ["-I/a", "-isystem", "/b", "-DX=1", "-std=c++20"])


class Program(unittest.TestCase):
    """A tree of a few files that ninja compiles."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = os.path.join(folder.name, "tree")
        self.build, self.cache = os.path.join(self.root, "build"), os.path.join(folder.name, "cache")
        os.makedirs(self.build)
        shutil.copy(os.path.join(ROOT, ".clang-tidy"), self.root)
        self.write("host/a.h", "inline int one() { return 1; }\n")
        self.write("host/a.cc", CLEAN)
        self.write("host/b.cc", CLEAN.replace("clean", "also_clean"))

    def write(self, name, text):
        path = os.path.join(self.root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def compile(self):
        names = sorted(name for name in os.listdir(os.path.join(self.root, "host")) if name.endswith(".cc"))
        command = f"g++ -I{self.root} -std=c++20 -c"
        rule = f"rule cc\n  command = {command} -MD -MF $out.d -o $out $in\n  depfile = $out.d\n  deps = gcc\n"
        edges = [f"build {name}.o: cc {self.root}/host/{name}\n" for name in names]
        with open(os.path.join(self.build, "build.ninja"), "w", encoding="utf-8") as file:
            file.write(rule + "".join(edges))
        entries = [{"directory": self.build, "file": f"{self.root}/host/{name}", "command": f"{command} -o {name}.o"} for name in names]
        with open(os.path.join(self.build, "compile_commands.json"), "w", encoding="utf-8") as file:
            json.dump(entries, file)
        subprocess.run(["ninja", "-C", self.build], check=True, capture_output=True)

    def run_it(self, *options):
        self.compile()
        return subprocess.run([sys.executable, SCRIPT, self.build, "--root", self.root, *options], capture_output=True, text=True, check=False,
                              env={**os.environ, "OSIRIS_CACHE_DIR": self.cache})

    def test_clean_files_are_looked_at_once(self):
        first = self.run_it()
        self.assertEqual(first.returncode, 0, first.stdout + first.stderr)
        self.assertIn("2 files in 2 groups, 2 of them not known", first.stdout)
        self.assertIn("2 groups, 0 of them not known", self.run_it().stdout)

    def test_a_finding_fails_every_time_with_its_place(self):
        self.write("host/a.cc", CLEAN + BROKEN)
        for _ in range(2):
            done = self.run_it()
            self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
            self.assertIn("host/a.cc:8:3: error", done.stdout)
            self.assertIn("bugprone-infinite-loop", done.stdout)

    def test_a_finding_in_a_header_fails_and_a_changed_header_is_looked_at(self):
        self.assertEqual(self.run_it().returncode, 0)
        self.write("host/a.h", "inline int one() { return 1; }\ninline " + BROKEN)
        done = self.run_it()
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn("host/a.h:4:3: error", done.stdout)

    def test_of_some_folders_only_their_files_are_looked_at(self):
        self.write("host/a.cc", CLEAN + BROKEN)
        self.assertEqual(self.run_it("--folder", "host").returncode, 1)
        done = self.run_it("--folder", "worker")
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn("no C++ file", done.stderr)

    def test_what_is_as_recorded_is_not_looked_at(self):
        os.makedirs(os.path.join(self.root, "scripts"))
        self.write("host/only/b.h", "inline int two() { return 2; }\n")
        self.assertEqual(self.run_it("--record").returncode, 0)
        shutil.rmtree(self.cache)
        with open(os.path.join(self.root, ".clang-tidy"), encoding="utf-8") as file:
            checks = file.read()
        done = self.run_it("--recorded")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("0 folders differ", done.stdout)
        self.assertIn("2 files in 0 groups", done.stdout)
        for name, text in (("host/a.cc", CLEAN + "int more();\n"), ("host/a.h", "inline int one() { return 1; }\n\n"),
                           ("host/only/b.h", "inline int two() { return 3; }\n"), (".clang-tidy", checks + "#\n")):
            with self.subTest(name):
                self.write(name, text)
                self.assertIn("1 folders differ", self.run_it("--recorded").stdout)
                self.assertEqual(self.run_it("--record").returncode, 0)

    def test_a_finding_is_neither_recorded_nor_passed_by_the_record(self):
        os.makedirs(os.path.join(self.root, "scripts"))
        self.assertEqual(self.run_it("--record").returncode, 0)
        self.write("host/a.cc", CLEAN + BROKEN)
        self.assertEqual(self.run_it("--record").returncode, 1)
        done = self.run_it("--recorded")
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn("bugprone-infinite-loop", done.stdout)

    def test_other_checks_look_at_everything_again(self):
        self.assertEqual(self.run_it().returncode, 0)
        with open(os.path.join(self.root, ".clang-tidy"), "a", encoding="utf-8") as file:
            file.write("# changed\n")
        self.assertIn("2 groups, 2 of them not known", self.run_it().stdout)

    def test_names_that_the_program_did_not_see_part_files_too(self):
        for name in ("a", "b"):
            self.write(f"host/{name}.cc", f"enum Hidden {{ kOne }};\nint {name}() {{ return kOne; }}\n")
        done = self.run_it()
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("2 files in 1 groups", done.stdout)

    def test_another_major_version_is_refused_with_a_remedy(self):
        self.write("bin/clang-tidy", "#!/bin/sh\necho Debian LLVM version 14.0.6\n")
        os.chmod(os.path.join(self.root, "bin/clang-tidy"), 0o755)
        self.compile()
        done = subprocess.run([sys.executable, SCRIPT, self.build, "--root", self.root], capture_output=True, text=True, check=False,
                              env={**os.environ, "PATH": os.path.join(self.root, "bin")})
        self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
        self.assertIn("apt-get install clang-tidy-19", done.stderr)


if __name__ == "__main__":
    unittest.main()
