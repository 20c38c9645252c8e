"""What scripts/coverage.py makes of gcov's output, and one program from end to end."""
import os
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "scripts"))

import coverage


def document(file, counts, directory="/src/build"):
    return {"current_working_directory": directory, "files": [{"file": file, "lines": [{"line_number": number, "count": count} for number, count in counts.items()]}]}


class Merge(unittest.TestCase):
    def test_a_line_is_covered_when_any_object_ran_it(self):
        files = coverage.merge([document("/src/host/a.h", {1: 0, 2: 5, 3: 0}), document("/src/host/a.h", {1: 1, 2: 0, 3: 0})], "/src")
        self.assertEqual(files, {"host/a.h": {1: True, 2: True, 3: False}})

    def test_only_product_code_counts(self):
        documents = [document(path, {1: 1}) for path in ("/src/tests/unit/x.cc", "/usr/include/c++/12/vector", "/src/build/gen.cc", "/src/worker/x.cc")]
        self.assertEqual(list(coverage.merge(documents, "/src")), ["worker/x.cc"])

    def test_a_relative_path_is_of_the_directory_it_was_compiled_in(self):
        self.assertEqual(list(coverage.merge([document("../worker/x.cc", {1: 1})], "/src")), ["worker/x.cc"])


class Report(unittest.TestCase):
    def test_lines_are_summed_by_folder(self):
        files = {"host/run/a.cc": {1: True, 2: False}, "host/run/b.cc": {1: True}, "host/main.cc": {1: True}, "worker/drivers/x/a.cc": {1: False}}
        self.assertEqual(coverage.rows(files), [("host", 1, 1), ("host/run", 2, 3), ("worker/drivers", 0, 1), ("all", 3, 5)])

    def test_uncovered_lines_are_ranges(self):
        self.assertEqual(coverage.ranges([7, 1, 3, 2]), "1-3 7")


class SourcesWithoutObjects(unittest.TestCase):
    def test_count_with_their_lines_of_code(self):
        text = "// A story.\n/* of two\n   lines */\n#include <x>\nnamespace a {\nint f(int a) {\n  return a;\n}\n\n}\n"
        self.assertEqual(coverage.lines_of_code(text), [6, 7])
        with tempfile.TemporaryDirectory() as folder:
            for path in ("worker/a.cc", "worker/b.cc", "worker/b.h", "tests/c.cc"):
                os.makedirs(os.path.join(folder, os.path.dirname(path)), exist_ok=True)
                with open(os.path.join(folder, path), "w", encoding="utf-8") as file:
                    file.write(text)
            files = {"worker/a.cc": {7: True}}
            self.assertEqual(coverage.add_sources_without_objects(files, folder), ["worker/b.cc"])
            self.assertEqual(files, {"worker/a.cc": {7: True}, "worker/b.cc": {6: False, 7: False}})


class Program(unittest.TestCase):
    def test_a_program_below_the_least_share_fails(self):
        build = os.environ.get("OSIRIS_BUILD_DIR", os.path.join(ROOT, "build"))
        os.makedirs(build, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=build) as folder:
            source = os.path.join(folder, "a.c")
            with open(source, "w", encoding="utf-8") as file:
                file.write("int main(int n, char **v) {\n  if (n > 1)\n    return v[1][0];\n  return 0;\n}\n")
            # As a file of the product: its path is what counts.
            mapped = f"-ffile-prefix-map={folder}={folder}/host"
            subprocess.run(["gcc", "--coverage", mapped, "-o", "a.out", source], cwd=folder, check=True)
            subprocess.run(["./a.out"], cwd=folder, check=True)
            script = os.path.join(ROOT, "scripts", "coverage.py")
            command = [script, folder, "--root", folder]
            done = subprocess.run(command, capture_output=True, text=True)
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertIn("3 of      4 lines", done.stdout)
            with open(os.path.join(folder, "coverage.txt"), encoding="utf-8") as file:
                self.assertEqual(file.read(), "host/a.c: 3\n")
            self.assertEqual(subprocess.run([*command, "--least", "75"], capture_output=True).returncode, 0)

    def test_a_folder_without_any_is_an_error(self):
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run([os.path.join(ROOT, "scripts", "coverage.py"), folder], capture_output=True, text=True)
            self.assertEqual(done.returncode, 1)
            self.assertIn("preset coverage", done.stderr)


if __name__ == "__main__":
    unittest.main()
