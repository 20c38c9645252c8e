// What a script may leave in place of its output.
#include <gmock/gmock.h>

#include "tests/drivers/python.processor/python_step.h"

namespace osiris::worker::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

struct Leaving {
  const char* name;
  const char* format;
  const char* code;  // `out` is the output's path
  const char* message;
};
void PrintTo(const Leaving& leaving, std::ostream* out) { *out << leaving.name; }

class PythonOutput : public PythonStep, public testing::WithParamInterface<Leaving> {};

TEST_P(PythonOutput, IsAnErrorThatSaysWhatIsWrong) {
  step.set_config({{"format", GetParam().format},
                   {"code", std::string("import os\nout = os.environ['OSIRIS_OUTPUT']\n") + GetParam().code}});
  const std::string text = failure();
  EXPECT_THAT(text, HasSubstr(GetParam().message));
  EXPECT_THAT(text, HasSubstr("the step's code"));
  EXPECT_THAT(text, Not(HasSubstr("/proc/self"))) << "an inner name";
  EXPECT_EQ(code, Code::kStepFailed);
}

INSTANTIATE_TEST_SUITE_P(
    Left, PythonOutput,
    testing::Values(
        Leaving{"Nothing", "ndjson", "pass\n", "ended without writing its output"},
        Leaving{"ADirectory", "ndjson", "os.mkdir(out)\n", "left a directory as its output"},
        Leaving{"ASymlink", "ndjson", "os.symlink('/etc/passwd', out)\n", "left a symbolic link as its output"},
        Leaving{"AFifo", "ndjson", "os.mkfifo(out)\n", "left no plain file as its output"},
        Leaving{"ASocket", "ndjson",
                "import "
                "socket\nos.chdir(os.path.dirname(out))\nsocket.socket(socket.AF_UNIX).bind(os.path.basename(out))\n",
                "left no plain file as its output"},
        Leaving{"AnEmptyNdjson", "ndjson", "open(out, 'w').close()\n", "names no columns"},
        Leaving{"AnEmptyCsv", "csv", "open(out, 'w').close()\n", "left an empty file as its output"},
        Leaving{"AnEmptyParquet", "parquet", "open(out, 'w').close()\n", "left an empty file as its output"},
        Leaving{"GarbageForParquet", "parquet", "open(out, 'wb').write(os.urandom(5000))\n",
                "cannot be read as parquet"},
        Leaving{"CsvForParquet", "parquet", "open(out, 'w').write('a,b\\n1,2\\n')\n", "cannot be read as parquet"},
        Leaving{"GarbageForNdjson", "ndjson", "open(out, 'wb').write(b'\\xff\\xfe{{{{\\n')\n",
                "cannot be read as ndjson"},
        Leaving{"ATornNdjson", "ndjson", "open(out, 'w').write('{\"a\": 1}\\n{\"a\": ')\n", "cannot be read as ndjson"},
        Leaving{"NumbersInNdjson", "ndjson", "open(out, 'w').write('1\\n2\\n')\n", "lines that are no JSON objects"},
        Leaving{"OneJsonArray", "ndjson", "open(out, 'w').write('[{\"a\": 1}]\\n')\n",
                "lines that are no JSON objects"},
        Leaving{"ALateNumberInNdjson", "ndjson", "open(out, 'w').write('{\"a\": 1}\\n3\\n')\n",
                "lines that are no JSON objects"},
        Leaving{"TwoColumnsOfOneName", "csv", "open(out, 'w').write('a,b,a\\n1,2,3\\n')\n", "names the column a twice"},
        Leaving{"ANulInAName", "csv", "open(out, 'w').write('a,b\\0c\\n1,2\\n')\n",
                "has a NUL character in the name of column 2"},
        Leaving{"AColumnWithoutAName", "csv", "open(out, 'w').write('a,,c\\n1,2,3\\n')\n", "gives column 2 no name"},
        Leaving{"ARaggedCsv", "csv", "open(out, 'w').write('a,b\\n1,2\\n3\\n4,5,6\\n')\n", "cannot be read as csv"},
        Leaving{"LatinInCsv", "csv", "open(out, 'wb').write(b'a,b\\n\\xe9,2\\n')\n", "cannot be read as csv"}),
    [](const auto& test) { return test.param.name; });

class PythonTypes : public PythonStep {};

TEST_F(PythonTypes, NanOfPythonsJsonIsANan) {
  set_code(step, "write([{'a': float('nan')}, {'a': 1.5}])\n");
  expect_success();
  EXPECT_EQ(step.query("SELECT isnan(a) FROM {out}"), "true\nfalse\n");
}

TEST_F(PythonTypes, ACsvWithQuotedNamesAMarkAndEitherLineEnd) {
  for (const char* end : {"\\n", "\\r\\n"}) {
    StepHarness fresh;
    prepare(fresh);
    fresh.set_config({{"format", "csv"},
                      {"code",
                       "import os\nopen(os.environ['OSIRIS_OUTPUT'], 'w', newline='', encoding='utf-8-sig').write('\"a "
                       "\"\"b\"\"\",\"c,d\"" +
                           std::string(end) + "1,\"x" + end + "y\"" + end + "2,z" + end + "')\n"}});
    const auto outcome = fresh.run(python_processor());
    ASSERT_TRUE(outcome.ok()) << outcome.error().message;
    EXPECT_EQ(fresh.output_columns(), "a \"b\" BIGINT, c,d VARCHAR");
    EXPECT_EQ(fresh.query("SELECT count(*), sum(\"a \"\"b\"\"\") FROM {out}"), "2|3\n");
  }
}

TEST_F(PythonTypes, TheColumnsOfACsvOfOnlyAHeaderGoWithEverySql) {
  step.set_config({{"format", "csv"}, {"code", "import os\nopen(os.environ['OSIRIS_OUTPUT'], 'w').write('a,b\\n')\n"}});
  expect_success();
  EXPECT_EQ(step.query("SELECT sum(a * 2), count(lower(b)) FROM {out} WHERE b LIKE 'x%' AND a > 1"), "NULL|0\n");
}

TEST_F(PythonTypes, ALateValueStillDecides) {
  // Far behind whatever a sniffer would look at.
  step.set_config({{"format", "csv"},
                   {"code",
                    "import os\nwith open(os.environ['OSIRIS_OUTPUT'], 'w') as out:\n    out.write('a,b\\n')\n"
                    "    for i in range(50000): out.write('%d,%d\\n' % (i, i))\n    out.write('1.5,x\\n')\n"}});
  expect_success();
  EXPECT_EQ(step.output_columns(), "a DOUBLE, b VARCHAR");
  EXPECT_EQ(step.query("SELECT count(*), max(b) FROM {out} WHERE a = 1.5"), "1|x\n");
}

TEST_F(PythonTypes, ALateKeyOfNdjsonIsAColumn) {
  set_code(step, "write([{'a': i} for i in range(30000)] + [{'a': 2.5, 'late': 'x'}])\n");
  expect_success();
  EXPECT_EQ(step.output_columns(), "a DOUBLE, late VARCHAR");
}

TEST_F(PythonTypes, QuotedEmptyTextOfCsvIsNoNull) {
  step.add_input("t", "SELECT * FROM (VALUES ('', 1), (NULL, 2)) t(a, i)");
  step.set_config(
      {{"format", "csv"},
       {"code", "import os, shutil\nshutil.copyfile(os.environ['OSIRIS_INPUT'], os.environ['OSIRIS_OUTPUT'])\n"}});
  expect_success();
  EXPECT_EQ(step.query("SELECT a IS NULL, i FROM {out} ORDER BY i"), "false|1\ntrue|2\n");
}

TEST_F(PythonTypes, OddColumnNamesArrive) {
  set_code(step, "write([{'a b': 1, \"it's\": 2, 'q\"q': 3, 'SELECT': 4}])\n");
  expect_success();
  EXPECT_EQ(step.query("SELECT \"a b\" + \"it's\" + \"q\"\"q\" + \"SELECT\" FROM {out}"), "10\n");
}

// What the engine's JSON reader finds would be other values: an offset lost, digits rounded.
TEST_F(PythonTypes, ValuesOfNdjsonStayWhatTheyAre) {
  set_code(step,
           "write([{'days': ['2024-01-01T10:00:00+05:00'], 'in': {'id': 'D1B2A3C4-0000-4000-8000-000000000001'}, "
           "'mixed': 9007199254740993, 'wide': 123456789012345678901234567890, 'plain': 1.5}, "
           "{'mixed': 1.5, 'wide': 1, 'plain': 2}])\n");
  expect_success();
  EXPECT_EQ(step.output_columns(), "days VARCHAR[], in STRUCT(id VARCHAR), mixed VARCHAR, wide HUGEINT, plain DOUBLE");
  EXPECT_EQ(step.query("SELECT days[1], \"in\".id, mixed, wide, plain FROM {out}"),
            "2024-01-01T10:00:00+05:00|D1B2A3C4-0000-4000-8000-000000000001|9007199254740993|"
            "123456789012345678901234567890|1.5\nNULL|NULL|1.5|1|2.0\n");
  EXPECT_THAT(logged(), HasSubstr("column 'mixed' holds numbers that a DOUBLE does not keep: it is text"));
}

// Of pyarrow: 45 digits of a decimal256(50, 0).
constexpr char kWideDecimal[] =
    "UEFSMRUAFTYVNiwVAhUAFQYVBhwAAAACAAAAAgEAAAT7fjVkTXiK/wugATy8cccccccVBBksNQAYBnNjaGVtYRUCABUOFSoVAhgB"
    "diUKFQAVZCxcFQAVZAAAABYCGRwZHCYAHBUOGSUGABkYAXYVABYCFlwWXCYISRwVABUAFQIAPCkGGSYAAgAAABZcFgImCBZcACgg"
    "cGFycXVldC1jcHAtYXJyb3cgdmVyc2lvbiAyNi4wLjEZHBwAAACKAAAAUEFSMQ==";

TEST_F(PythonTypes, ADecimalOfParquetThatNoTypeHoldsIsRefused) {
  step.set_config({{"code", "import base64, os\nopen(os.environ['OSIRIS_OUTPUT'], 'wb').write(base64.b64decode('" +
                                std::string(kWideDecimal) + "'))\n"}});
  EXPECT_THAT(failure(), HasSubstr("column 'v' of DECIMAL with 50 digits"));
}

TEST_F(PythonTypes, WholeNumbersOfCsvThatADoubleRoundsAreText) {
  step.set_config(
      {{"format", "csv"},
       {"code", "import os\nopen(os.environ['OSIRIS_OUTPUT'], 'w').write('a,b\\n9007199254740993,1\\n1.5,2.5\\n')\n"}});
  expect_success();
  EXPECT_EQ(step.output_columns(), "a VARCHAR, b DOUBLE");
  EXPECT_EQ(step.query("SELECT a FROM {out}"), "9007199254740993\n1.5\n");
}

}  // namespace
}  // namespace osiris::worker::test
