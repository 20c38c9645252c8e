"""scripts/failed_tests.sh on logs of ctest."""
import os
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCRIPT = os.path.join(ROOT, "scripts", "failed_tests.sh")

PASSED = "  1/4 Test  #11: a_test.A.Passes .....................   Passed    0.01 sec\n"
FAILED = """  2/4 Test  #12: b_test.B.Fails ......................***Failed    2.00 sec
[ RUN      ] B.Fails
tests/b_test.cc:24: Failure
Expected equality of these values:

  checked.exit
resources.lists-the-same: ["two lists differ"]
[  FAILED  ] B.Fails (7 ms)

"""
SKIPPED = "  3/4 Test  #13: c_test.C.Skips .....................***Skipped   0.01 sec\nError: no such thing\n"
SUMMARY = "\n67% tests passed, 1 tests failed out of 3\n\nThe following tests FAILED:\n\t 12 - b_test.B.Fails (Failed)\nErrors while running CTest\n"


class FailedTests(unittest.TestCase):
    def of(self, log):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "ctest.log")
            with open(path, "w", encoding="utf-8") as file:
                file.write(log)
            return subprocess.run([SCRIPT, path], capture_output=True, text=True, check=True).stdout

    def test_a_failed_test_is_named_with_its_reason(self):
        said = self.of(PASSED + FAILED + PASSED + SKIPPED + SUMMARY)
        self.assertIn("b_test.B.Fails", said)
        self.assertIn('resources.lists-the-same: ["two lists differ"]', said)
        for absent in ("a_test", "c_test", "no such thing", "The following"):
            self.assertNotIn(absent, said)

    def test_a_log_without_failures_gives_nothing(self):
        self.assertEqual(self.of(PASSED + SKIPPED + "100% tests passed, 0 tests failed out of 2\n"), "")

    def test_many_failures_are_counted(self):
        said = self.of(FAILED * 30)
        self.assertEqual(said.count("b_test.B.Fails ...."), 10)
        self.assertIn("and 20 more", said)


if __name__ == "__main__":
    unittest.main()
