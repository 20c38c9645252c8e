"""The tool behind `make mutants`: what it changes, how it draws, how it finds a mutant again, and one session from end to end."""
import glob
import json
import os
import re
import subprocess
import sys
import tempfile
import tomllib
import unittest

sys.dont_write_bytecode = True
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "scripts", "mutants"))

from kinds import KINDS, ORIGINAL, sites
from mutants import program_of, tests_of
from results import KILLED, SURVIVED, UNBUILDABLE, Results, Tally
from sample import Commit, Tree, draws
from tokens import tokenize
from workshop import Broken, Workshop


def mutated(kind, source):
    """What the kind makes of the source, one text a site."""
    tokens = tokenize(source)
    made = []
    for site in sites(kind, source, tokens):
        start, end = tokens[site.first].start, tokens[site.last - 1].end
        made.append(source[:start] + site.replacement.replace(ORIGINAL, source[start:end]) + source[end:])
    return made


def git(folder, *arguments):
    subprocess.run(["git", "-C", folder, "-c", "user.name=x", "-c", "user.email=x@example.com", *arguments], check=True, capture_output=True)


def repository(folder, files):
    git(folder, "init", "--quiet")
    for path, text in files.items():
        os.makedirs(os.path.dirname(os.path.join(folder, path)), exist_ok=True)
        with open(os.path.join(folder, path), "w", encoding="utf-8") as file:
            file.write(text)
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "x")
    done = subprocess.run(["git", "-C", folder, "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
    return done.stdout.strip()


class Tokens(unittest.TestCase):
    def test_comments_and_preprocessor_lines_are_no_tokens(self):
        self.assertEqual([token.text for token in tokenize("#define A \\\n  1\nint a; // 1 < 2\n/* 3\n4 */ b")], ["int", "a", ";", "b"])

    def test_texts_are_one_token_whatever_they_hold(self):
        self.assertEqual([token.text for token in tokenize('R"(a " < b)" "c \\" d" \'"\' 10\'000 1e-5')],
                         ['R"(a " < b)"', '"c \\" d"', "'\"'", "10'000", "1e-5"])

    def test_a_token_knows_its_line(self):
        self.assertEqual([(token.text, token.line) for token in tokenize("a\n// x\n\nb /* \n */ c")], [("a", 1), ("b", 4), ("c", 5)])


class Kinds(unittest.TestCase):
    def test_conditions_are_negated(self):
        self.assertEqual(mutated("negated condition", "if (a && b) c();"), ["if (!(a && b)) c();"])
        self.assertEqual(mutated("negated condition", "if (auto x = f(); x.ok()) c();"), ["if (auto x = f(); !(x.ok())) c();"])

    def test_a_declaration_in_a_condition_cannot_be_negated(self):
        self.assertEqual(mutated("negated condition", "if (auto x = f()) c();"), [])

    def test_boundaries_are_moved(self):
        self.assertEqual(mutated("boundary", "x = a < b;"), ["x = a <= b;"])
        self.assertEqual(mutated("boundary", "x = a >= b;"), ["x = a > b;"])

    def test_the_brackets_of_templates_are_no_boundaries(self):
        self.assertEqual(mutated("boundary", "std::vector<int> a; x<y> b;"), [])

    def test_equality_and_logic_are_swapped(self):
        self.assertEqual(mutated("equality", "x = a == b;"), ["x = a != b;"])
        self.assertEqual(mutated("and or", "x = a || b;"), ["x = a && b;"])
        self.assertEqual(mutated("and or", "void f(T&& x);"), [])

    def test_arithmetic_is_swapped_but_texts_are_not_added_up_otherwise(self):
        self.assertEqual(mutated("arithmetic", "x = a + b;"), ["x = a - b;"])
        self.assertEqual(mutated("arithmetic", 'x = a + "b"; y = -c; d = *e;'), [])

    def test_constants_are_changed(self):
        self.assertEqual(mutated("constant", "x = 10'000;"), ["x = 10001;"])
        self.assertEqual(mutated("constant", "x = true;"), ["x = false;"])
        self.assertEqual(mutated("constant", "virtual int f() const = 0; y = 0.5;"), [])

    def test_returned_values_are_replaced(self):
        self.assertEqual(mutated("returned value", "return a == b;"), ["return {};", "return !(a == b);"])
        self.assertEqual(mutated("returned value", "return; return {}; return true;"), [])

    def test_statements_are_dropped(self):
        self.assertEqual(mutated("dropped statement", "{ wipe(x); }"), ["{ ; }"])
        self.assertEqual(mutated("dropped statement", "if (a) b(c);"), ["if (a) ;"])
        self.assertEqual(mutated("dropped statement", "{ x.y = 1; }"), ["{ ; }"])

    def test_declarations_and_jumps_are_no_statements_to_drop(self):
        self.assertEqual(mutated("dropped statement", "{ int x = 1; return f(x); }"), [])

    def test_early_returns_are_removed(self):
        self.assertEqual(mutated("removed early return", "{ if (a) return b; c(); }"), ["{ ; c(); }"])
        self.assertEqual(mutated("removed early return", "{ if (a) {\n continue;\n} c(); }"), ["{ ; c(); }"])

    def test_an_if_with_an_else_or_with_more_than_a_jump_stays(self):
        self.assertEqual(mutated("removed early return", "{ if (a) return b; else c(); }"), [])
        self.assertEqual(mutated("removed early return", "{ if (a) { d(); return b; } c(); }"), [])


FOLDER = {"name": "product", "path": "product/", "count": 3, "without": ["test"]}
LINES = "".join(f"bool f{i}(int a) {{\n  if (a < {i}) return false;\n  note({i}, a);\n  return a == {i};\n}}\n" for i in range(20))


class Sample(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        commit = repository(self.folder.name, {"product/a.cc": LINES, "product/test/b.cc": LINES, "product/c.py": LINES, "other/d.cc": LINES})
        self.commit = Commit(self.folder.name, commit)
        self.drawn = list(draws(self.commit, 1, FOLDER))

    def test_the_same_seed_draws_the_same_mutants(self):
        self.assertEqual(self.drawn, list(draws(self.commit, 1, FOLDER)))

    def test_another_seed_draws_others(self):
        self.assertNotEqual(self.drawn[:5], list(draws(self.commit, 2, FOLDER))[:5])

    def test_only_code_of_the_product_is_drawn(self):
        self.assertEqual({mutant.path for mutant in self.drawn}, {"product/a.cc"})

    def test_a_line_is_drawn_once(self):
        self.assertEqual(len({mutant.line for mutant in self.drawn}), len(self.drawn))

    def test_every_kind_that_there_is_gets_drawn_early(self):
        self.assertGreaterEqual(len({mutant.kind for mutant in self.drawn[:20]}), 5)

    def place_in(self, files):
        return Tree(files).find(self.drawn[0])

    def test_a_mutant_is_found_where_it_was(self):
        self.assertEqual(self.place_in({"product/a.cc": LINES}).line, self.drawn[0].line)

    def test_a_mutant_is_found_in_a_file_that_moved_and_was_formatted_anew(self):
        moved = "// A story.\n\n" + LINES.replace("(", "(\n    ")
        place = self.place_in({"product/deeper/z.cc": moved, "product/x.cc": "int main() {}"})
        self.assertEqual(place.path, "product/deeper/z.cc")

    def test_a_mutant_whose_code_was_rewritten_is_gone(self):
        self.assertIsNone(self.place_in({"product/a.cc": "bool f(int a) {\n  return a;\n}\n"}))

    def test_a_mutant_that_could_be_in_two_places_is_in_none(self):
        self.assertIsNone(self.place_in({"product/x.cc": LINES, "product/y.cc": LINES}))

    def test_the_mutant_is_put_where_it_was_found(self):
        for mutant in self.drawn:
            tree = Tree({"product/a.cc": LINES})
            changed = tree.mutated(mutant, tree.find(mutant)).splitlines()
            differing = [i + 1 for i, (a, b) in enumerate(zip(LINES.splitlines(), changed)) if a != b]
            self.assertEqual(differing, [mutant.line])


class Memory(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        commit = repository(folder.name, {"product/a.cc": LINES})
        self.mutants = list(draws(Commit(folder.name, commit), 1, FOLDER))
        self.path = os.path.join(folder.name, "results.jsonl")

    TESTS = ["quick", "slow"]

    def untried(self, index, tree):
        return Results(self.path).untried(self.mutants[index], self.TESTS, tree)

    def test_a_session_goes_on_where_the_last_one_ended(self):
        Results(self.path).add(self.mutants[0], KILLED, "t1", "a.b", 1)
        self.assertEqual(self.untried(0, "t1"), [])
        self.assertEqual(self.untried(1, "t1"), self.TESTS)

    def test_a_line_that_was_cut_is_no_verdict(self):
        Results(self.path).add(self.mutants[0], KILLED, "t1", "a.b", 1)
        with open(self.path, "a", encoding="utf-8") as file:
            file.write('{"id": "x", "verd')
        self.assertEqual(self.untried(0, "t1"), [])

    def test_a_mutant_meets_every_test_program_until_one_kills_it(self):
        Results(self.path).add(self.mutants[0], SURVIVED, "t1", "", 1, ["quick"])
        self.assertEqual(self.untried(0, "t1"), ["slow"])
        Results(self.path).add(self.mutants[0], SURVIVED, "t1", "", 1, ["quick", "slow"])
        self.assertEqual(self.untried(0, "t1"), [])

    def test_a_survivor_is_tried_again_by_other_tests_only(self):
        results = Results(self.path)
        results.add(self.mutants[0], SURVIVED, "t1", "", 1, self.TESTS)
        results.add(self.mutants[1], KILLED, "t1", "a.b", 1)
        results.add(self.mutants[2], UNBUILDABLE, "t1", "error", 1)
        self.assertEqual([self.untried(index, "t1") for index in range(3)], [[], [], []])
        self.assertEqual([self.untried(index, "t2") for index in range(3)], [self.TESTS, [], []])

    def test_an_expected_case_that_noticed_nothing_is_not_run_again_and_is_no_verdict(self):
        Results(self.path).add(self.mutants[0], SURVIVED, "t1", "", 1, ["slow.A.b"])
        self.assertEqual(Results(self.path).passed(self.mutants[0], "t1"), ["slow.A.b"])
        self.assertEqual(Results(self.path).passed(self.mutants[0], "t2"), [])
        self.assertEqual(self.untried(0, "t1"), self.TESTS)

    def test_what_the_repository_keeps_is_known_on_another_machine(self):
        kept = os.path.join(os.path.dirname(self.path), "verdicts", "c-1.jsonl")
        here = Results(self.path, kept)
        here.add(self.mutants[0], SURVIVED, "t1", "", 1, ["quick"])
        here.add(self.mutants[0], KILLED, "t1", "a.b", 2)
        here.add(self.mutants[1], SURVIVED, "t1", "", 1, ["quick"])
        here.keep()
        with open(kept, encoding="utf-8") as file:
            lines = [json.loads(line) for line in file]
        self.assertEqual(sorted(line["id"] for line in lines), sorted(mutant.id for mutant in self.mutants[:2]))
        self.assertTrue(all("seconds" not in line for line in lines))
        os.remove(self.path)
        there = Results(self.path, kept)
        self.assertEqual([there.untried(mutant, self.TESTS, "t1") for mutant in self.mutants[:3]], [[], ["slow"], self.TESTS])
        there.add(self.mutants[1], KILLED, "t2", "a.b", 1)
        self.assertEqual(Results(self.path, kept).of(self.mutants[1])["verdict"], KILLED)

    def test_an_equivalent_mutant_counts_neither_as_killed_nor_as_survived(self):
        tally = Tally("product", 3)
        tally.add(self.mutants[0], {"verdict": KILLED}, {}, [])
        tally.add(self.mutants[1], {"verdict": SURVIVED}, {self.mutants[1].id: "the same"}, [])
        self.assertEqual((tally.share, tally.equivalent, tally.survivors), (1.0, 1, []))
        tally.add(self.mutants[2], {"verdict": SURVIVED}, {}, [])
        self.assertEqual((tally.share, tally.survivors), (0.5, [self.mutants[2]]))
        tally.add(self.mutants[2], {"verdict": SURVIVED}, {}, ["slow"])
        self.assertEqual((tally.share, tally.untested), (0.5, [self.mutants[2]]))


class Tables(unittest.TestCase):
    def setUp(self):
        with open(os.path.join(ROOT, "scripts/mutants/tests.toml"), "rb") as file:
            self.table = tomllib.load(file)["folder"]

    def test_the_longest_folder_decides(self):
        self.assertIn("http_test", tests_of("protocol/http/retry.cc", self.table))
        self.assertIn("unit_rpc", tests_of("protocol/rpc/frames.cc", self.table))

    def test_every_program_of_the_table_is_a_test_program(self):
        programs = set()
        for folder, _, names in os.walk(os.path.join(ROOT, "tests")):
            if "CMakeLists.txt" in names:
                with open(os.path.join(folder, "CMakeLists.txt"), encoding="utf-8") as file:
                    programs |= set(re.findall(r"osiris(?:_driver)?_test\((\w+)", file.read()))
        for row in self.table:
            self.assertEqual([test for test in row["tests"] if test not in programs], [], row["path"])

    def test_an_expected_case_is_one_of_a_program_of_the_table(self):
        with open(os.path.join(ROOT, "scripts/mutants/expected.toml"), "rb") as file:
            expected = tomllib.load(file)["case"]
        programs = {test for row in self.table for test in row["tests"]}
        self.assertEqual([case for case in expected.values() if program_of(case) not in programs or "." not in case], [])

    def test_every_file_of_the_product_has_tests(self):
        rows = tuple(row["path"] for row in self.table)
        self.assertEqual([row for row in rows if not glob.glob(os.path.join(ROOT, row) + "*")], [])
        lost = []
        for top in ("host", "worker", "protocol", "plugins", "plugin_api/include", "servers"):
            for folder, _, names in os.walk(os.path.join(ROOT, top)):
                paths = [os.path.relpath(os.path.join(folder, name), ROOT) for name in names if name.endswith((".cc", ".h", ".hpp", ".c"))]
                lost += [path for path in paths if not path.startswith(rows)]
        self.assertEqual(lost, [])


PROJECT = {
    "CMakeLists.txt": "cmake_minimum_required(VERSION 3.25)\nproject(p LANGUAGES C)\nenable_testing()\nadd_executable(p_test product/p.c t.c)\n"
                      "add_test(NAME p_test.Case COMMAND p_test)\nadd_test(NAME p_test.Other COMMAND true)\n"
                      "add_test(NAME p_test.Ci COMMAND sh -c \"test \\$CI = true\")\n",
    "CMakePresets.json": json.dumps({"version": 6, "configurePresets": [
        {"name": "release", "generator": "Ninja", "binaryDir": "${sourceDir}/build/release"}]}),
    "product/p.c": "int tested(int a) { return a + 1; }\nint untested(int a) { return a + 1; }\n",
    "t.c": "int tested(int);\nint main(void) { return tested(1) != 2; }\n",
}


@unittest.skipIf(os.geteuid() != 0, "namespaces need root")
class Session(unittest.TestCase):
    def setUp(self):
        # Below the build directory: a workshop's /tmp is a fresh one.
        build = os.environ.get("OSIRIS_BUILD_DIR", os.path.join(ROOT, "build"))
        os.makedirs(build, exist_ok=True)
        folder = tempfile.TemporaryDirectory(dir=build)
        self.addCleanup(folder.cleanup)
        self.project = folder.name
        self.head = repository(self.project, PROJECT)
        self.workshop = Workshop(self.project, os.path.join(self.project, "build", "mutants"), 2)
        self.workshop.prepare(self.head)

    def verdict(self, source):
        self.workshop.write("product/p.c", source)
        return self.workshop.build("p_test") and "unbuildable" or self.workshop.run("p_test", 60)

    def test_a_mutant_is_killed_survives_or_does_not_build(self):
        self.workshop.prove("p_test")
        source = PROJECT["product/p.c"]
        self.assertEqual(self.verdict(source.replace("a + 1", "a - 1", 1)), "p_test.Case")
        self.assertIsNone(self.verdict(source[:20] + source[20:].replace("untested(int a) { return a + 1", "untested(int a) { return a - 1")))
        self.assertEqual(self.verdict(source.replace("a + 1", "a +", 1)), "unbuildable")

    def test_one_case_is_run_alone_and_proves_nothing_of_the_others(self):
        self.workshop.write("t.c", "int main(void) { return 1; }\n")
        self.workshop.prove("p_test", "p_test.O")
        self.assertIsNone(self.workshop.run("p_test", 60, "p_test.O"))
        self.assertEqual(self.workshop.run("p_test", 60, "p_test.C"), "p_test.Case")
        with self.assertRaises(Broken):
            self.workshop.prove("p_test")

    def test_the_users_files_and_machine_are_out_of_a_mutants_reach(self):
        elsewhere = tempfile.NamedTemporaryFile(dir=os.path.dirname(self.project))
        self.addCleanup(elsewhere.close)
        bad = f'#include <stdlib.h>\nint tested(int a) {{ system("rm -f {self.project}/t.c {elsewhere.name}; kill -9 -1"); return a + 1; }}\n'
        self.assertIsNotNone(self.verdict(bad))
        self.assertTrue(os.path.exists(os.path.join(self.project, "t.c")))
        self.assertTrue(os.path.exists(elsewhere.name))

    def test_a_mutant_that_hangs_is_killed(self):
        self.workshop.write("product/p.c", "int tested(int a) { for (;;) a++; return a; }\n")
        self.assertIsNone(self.workshop.build("p_test"))
        self.assertIn("no end within", self.workshop.run("p_test", 2))

    def test_tests_that_fail_without_a_mutant_are_an_error(self):
        self.workshop.write("t.c", "int main(void) { return 1; }\n")
        with self.assertRaises(Broken):
            self.workshop.prove("p_test")

    def test_the_next_session_begins_without_the_last_ones_mutant(self):
        self.workshop.write("product/p.c", "broken")
        self.workshop.prepare(self.head)
        self.workshop.prove("p_test")


if __name__ == "__main__":
    unittest.main()
