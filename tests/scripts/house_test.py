"""scripts/house.py: what it takes for a function, a comment and a type, and what it complains of."""
import os
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCRIPT = os.path.join(ROOT, "scripts", "house.py")
sys.path.insert(0, os.path.join(ROOT, "scripts"))

import house

SOURCE = """// A story.
#define MACRO(x) \\
  { x }
#include "a.h"

namespace osiris {
namespace {

constexpr const char* kText = R"({ "not": "code" })";
const std::map<int, int> kTable = {
    {1, 2},
};
const auto kLambda = [](int a) { return a; };
std::vector<int> numbers{1, 2};

int one() { return '{'; }

struct Local {
  explicit Local(int a) : a_{a}, b_(1'000) {
    run();
  }
  bool operator==(const Local& other) const { return a_ == other.a_; }
  int a_ = 0, b_{};
  enum class Kind { kOne, kTwo };
};

template <class T>
std::optional<std::pair<int, T>>
long_head(const T& value,
          int other = 3) {
  if (value) {
    return {};  // a } brace
  }
  return {};
}

}  // namespace

Thing::Thing(Options options = {})
    : options_(std::move(options)) {}

extern "C" {
static struct tm* now(void) {
  return 0;
}
}

/* A block
   comment. */
int last() {
  return 1;
}

}  // namespace osiris
"""


class Functions(unittest.TestCase):
    def test_functions_are_found_where_they_are_and_nothing_else(self):
        found = [(SOURCE.split("\n")[line - 1].strip(), size) for line, size in house.functions(SOURCE)]
        self.assertEqual(found, [
            ("int one() { return '{'; }", 1),
            ("explicit Local(int a) : a_{a}, b_(1'000) {", 3),
            ("bool operator==(const Local& other) const { return a_ == other.a_; }", 1),
            ("template <class T>", 9),
            ("Thing::Thing(Options options = {})", 2),
            ("static struct tm* now(void) {", 3),
            ("int last() {", 3),
        ])

    def test_a_function_behind_an_access_label_starts_at_itself(self):
        self.assertEqual(house.functions("class A {\n public:\n  int f() {\n    return 1;\n  }\n};\n"), [(3, 3)])

    def test_a_function_that_returns_a_struct_in_c_is_one(self):
        self.assertEqual(house.functions("struct a f(int b) {\n}\n"), [(1, 2)])


class Counts(unittest.TestCase):
    def test_whole_comment_lines_count(self):
        self.assertEqual(house.comment_lines("// a\nint b;  // c\n/* d\n   e */\n/* f */\n/* g */ int h;\n  // i\n"), 5)

    def test_types_are_definitions_at_the_left_margin(self):
        text = "class A;\nclass B {\n  struct C {};\n};\nenum class D { kE };\nstruct F : G {\n};\n// class H {\nstruct [[nodiscard]] I {\n};\n"
        self.assertEqual(house.types(text), 4)

    def test_quantiles_are_values_of_the_list(self):
        self.assertEqual([house.quantile([5, 1, 4, 2, 3], percent) for percent in (50, 90, 100)], [3, 5, 5])
        self.assertEqual(house.quantile([], 50), 0)


class Baseline(unittest.TestCase):
    def test_more_comment_and_smaller_sizes_are_fine(self):
        self.assertEqual(house.complaints("x", {"file_p90": 10, "comment_percent": 9.0}, {"file_p90": 11, "comment_percent": 5.0}), [])

    def test_each_worse_figure_is_named(self):
        worse = house.complaints("x", {"file_p90": 12, "comment_percent": 4.9, "types_per_1000_lines": 7.6},
                                 {"file_p90": 11, "comment_percent": 5.0, "types_per_1000_lines": 7.5})
        self.assertEqual(len(worse), 3)
        self.assertIn("x: file_p90 is 12, worse than 11", worse[0])


class Program(unittest.TestCase):
    RULES = "longest_function = 3\n[allowed]\n\"host/b.cc\" = 9\n[group.g]\ntrees = [\"host\"]\n[group.g.baseline]\nfile_p90 = 9\n"

    def run_on(self, **files):
        with tempfile.TemporaryDirectory() as root:
            for folder in ("scripts", "host"):
                os.mkdir(os.path.join(root, folder))
            with open(os.path.join(root, "scripts", "house.toml"), "w", encoding="utf-8") as file:
                file.write(self.RULES)
            for name, text in files.items():
                with open(os.path.join(root, "host", name + ".cc"), "w", encoding="utf-8") as file:
                    file.write(text)
            return subprocess.run([sys.executable, SCRIPT, "--root", root], capture_output=True, text=True, check=False)

    def test_a_function_that_is_too_long_fails_unless_its_file_may_have_it(self):
        long = "int f() {\n\n\n}\n"
        done = self.run_on(a=long, b=long)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("host/a.cc:1: a function of 4 lines; 3 are allowed", done.stdout)
        self.assertNotIn("host/b.cc", done.stdout)

    def test_a_file_that_is_too_long_for_the_baseline_fails(self):
        done = self.run_on(a="int f() {}\n" + "\n" * 9)
        self.assertEqual(done.returncode, 1)
        self.assertIn("g: file_p90 is 10, worse than 9", done.stdout)

    def test_an_empty_tree_fails(self):
        self.assertEqual(self.run_on().returncode, 1)

    def test_a_small_tree_passes(self):
        self.assertEqual(self.run_on(a="int f() {}\n").returncode, 0)


if __name__ == "__main__":
    unittest.main()
