"""fidelity.py sync|async [test_file ...]: runs the tests with one of the SDK's two clients."""

import logging
import os
import sys
import unittest


class Result(unittest.TextTestResult):
    def startTest(self, test):
        ledger.begin_test(test.shortDescription() or test.id())
        super().startTest(test)

    def addSuccess(self, test):
        ledger.note_passed()
        super().addSuccess(test)

    def getDescription(self, test):
        return test.shortDescription() or str(test)


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    logging.getLogger("asyncio").setLevel(logging.ERROR)  # unittest's loops tell about every slow step
    names = sys.argv[2:] or sorted(name[:-3] for name in os.listdir(here) if name.startswith("test_") and name.endswith(".py"))
    suite = unittest.defaultTestLoader.loadTestsFromNames(names)
    result = unittest.TextTestRunner(resultclass=Result, verbosity=2).run(suite)
    if result.skipped and os.environ.get("CI"):
        print(f"{len(result.skipped)} skipped under CI", file=sys.stderr)
        return 1
    return 0 if result.wasSuccessful() else 1


if __name__ == "__main__":
    os.environ["OSIRIS_E2B_PYTHON"] = sys.argv[1]
    import ledger

    sys.exit(main())
