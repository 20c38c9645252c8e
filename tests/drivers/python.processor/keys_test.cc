// One test per key of the step's config, and its twin that is refused.
#include <gmock/gmock.h>

#include "tests/drivers/python.processor/python_step.h"

namespace osiris::worker::test {
namespace {

using ::testing::HasSubstr;

const char* kPeople = "SELECT * FROM (VALUES (1, 'Ann', 1.5::DOUBLE), (2, 'Bob', NULL)) t(id, name, score)";

class PythonKeys : public PythonStep {};

TEST_F(PythonKeys, ScriptIsAFileOfTheWorkDirectory) {
  step.write_file("etl/answer.py",
                  std::string(kPreamble) + "write([{'answer': 42, 'file': os.path.basename(__file__)}])\n");
  step.set_config({{"script", "etl/answer.py"}, {"format", "ndjson"}});
  expect_success();
  EXPECT_EQ(step.query("SELECT * FROM {out}"), "42|answer.py\n");
}

TEST_F(PythonKeys, ScriptGoesWhereThePlanSays) {
  step.write_file("elsewhere/0001/answer.py", std::string(kPreamble) + "write([{'answer': 43}])\n");
  step.plan_path("etl/answer.py", "elsewhere/0001/answer.py");
  step.set_config({{"script", "etl/answer.py"}, {"format", "ndjson"}});
  expect_success();
  EXPECT_EQ(step.query("SELECT * FROM {out}"), "43\n");
}

TEST_F(PythonKeys, AMissingScriptIsNamedAsThePipelineNamesIt) {
  step.set_config({{"script", "etl/nowhere.py"}, {"format", "ndjson"}});
  EXPECT_THAT(failure(), HasSubstr("the script etl/nowhere.py does not exist"));
  EXPECT_EQ(code, Code::kInvalidArgument);
}

TEST_F(PythonKeys, AScriptThatIsADirectoryIsRefused) {
  step.write_file("etl/x", "");
  step.set_config({{"script", "etl"}, {"format", "ndjson"}});
  EXPECT_THAT(failure(), HasSubstr("the script etl is not a file"));
}

TEST_F(PythonKeys, CodeIsTheScriptItself) {
  set_code(step, "write([{'answer': 44}])\n");
  expect_success();
  EXPECT_EQ(step.query("SELECT * FROM {out}"), "44\n");
}

TEST_F(PythonKeys, ScriptAndCodeExcludeEachOtherAndOneIsNeeded) {
  step.set_config({{"script", "a.py"}, {"code", "pass"}});
  EXPECT_THAT(failure(), HasSubstr("exclude each other"));
  step.set_config({{"format", "csv"}});
  EXPECT_THAT(failure(), HasSubstr("`script` of the step's config is missing"));
}

TEST_F(PythonKeys, FilesLieBesideTheScriptAsTheyDoInTheProject) {
  step.write_file("etl/main.py", std::string(kPreamble) +
                                     "import helper\n"
                                     "rate = open('data/rate.txt').read()\n"
                                     "same = open(step['files']['data/rate.txt']).read() == rate\n"
                                     "far = open(step['files']['../far.txt']).read()\n"
                                     "write([{'answer': helper.answer(), 'rate': rate, 'same': same, 'far': far}])\n");
  step.write_file("etl/helper.py", "def answer(): return 45\n");
  step.write_file("data/rate.txt", "2.5");
  step.write_file("../far.txt", "beyond");
  step.set_config({{"script", "etl/main.py"},
                   {"files", Json::array({"etl/helper.py", "data/rate.txt", "../far.txt"})},
                   {"format", "ndjson"}});
  expect_success();
  EXPECT_EQ(step.query("SELECT * FROM {out}"), "45|2.5|true|beyond\n");
}

TEST_F(PythonKeys, AFileThatIsNotNamedIsNotThere) {
  step.write_file("etl/main.py", "import helper\n");
  step.write_file("etl/helper.py", "");
  step.set_config({{"script", "etl/main.py"}, {"format", "ndjson"}});
  const std::string text = failure();
  EXPECT_THAT(text, HasSubstr("etl/main.py needs the Python module 'helper'"));
  EXPECT_THAT(text, HasSubstr("`files`"));
}

TEST_F(PythonKeys, AMissingFileIsNamed) {
  set_code(step, "write([])\n", {{"files", Json::array({"data/none.txt"})}});
  EXPECT_THAT(failure(), HasSubstr("the file data/none.txt does not exist"));
}

TEST_F(PythonKeys, RequirementsThatAreNotInstalledNameTheFlags) {
  set_code(step, "write([])\n", {{"requirements", Json::array({"zeta==1.0", "alpha"})}});
  const std::string text = failure();
  EXPECT_THAT(text, HasSubstr("alpha, zeta==1.0"));
  EXPECT_THAT(text, HasSubstr("--local-install-deps"));
  EXPECT_THAT(text, HasSubstr("--e2b-install-deps"));
  EXPECT_EQ(code, Code::kUnsupported);
  ASSERT_EQ(events("dependency_check").size(), 1u);
  EXPECT_EQ(events("dependency_check")[0].fields["missing"], Json::array({"alpha", "zeta==1.0"}));
}

TEST_F(PythonKeys, ARequirementThatIsAnOptionOfPipsIsRefused) {
  step.set_setting("install_deps", true);
  for (const char* requirement : {"--index-url=http://example.org", "-rfile.txt", "", "a\n--pre", "./local.whl"}) {
    set_code(step, "write([])\n", {{"requirements", Json::array({requirement})}});
    EXPECT_THAT(failure(), HasSubstr("names no package")) << requirement;
    EXPECT_EQ(code, Code::kInvalidArgument);
  }
}

TEST_F(PythonKeys, PythonNamesTheInterpreter) {
  const auto wrapper = step.write_file("bin/my-python", "#!/bin/sh\nexec /usr/bin/python3 \"$@\"\n");
  std::filesystem::permissions(wrapper, std::filesystem::perms::all);
  set_code(step, "write([{'major': sys.version_info[0]}])\n", {{"python", wrapper.string()}});
  expect_success();
  EXPECT_EQ(step.query("SELECT * FROM {out}"), "3\n");
}

TEST_F(PythonKeys, AMissingInterpreterSaysWhereItWasLookedForAndWhatToDo) {
  set_code(step, "write([])\n", {{"python", "python9.9"}});
  std::string text = failure();
  EXPECT_THAT(text, HasSubstr("'python9.9'"));
  EXPECT_THAT(text, HasSubstr("PATH"));
  EXPECT_THAT(text, HasSubstr("python3-venv"));
  EXPECT_THAT(text, HasSubstr("--e2b-template"));
  EXPECT_EQ(code, Code::kUnsupported);
  set_code(step, "write([])\n", {{"python", "/nowhere/python3"}});
  EXPECT_THAT(failure(), HasSubstr("/nowhere/python3"));
}

TEST_F(PythonKeys, AProgramThatIsNoPythonIsRefused) {
  set_code(step, "write([])\n", {{"python", "/bin/false"}});
  EXPECT_THAT(failure(), HasSubstr("/bin/false is no Python"));
  const auto old = step.write_file("old", "#!/bin/sh\necho '{\"version\": \"2.7.18\", \"major\": 2, \"minor\": 7}'\n");
  std::filesystem::permissions(old, std::filesystem::perms::all);
  set_code(step, "write([])\n", {{"python", old.string()}});
  EXPECT_THAT(failure(), HasSubstr("is Python 2.7.18"));
}

TEST_F(PythonKeys, ArgsAreTheScriptsArguments) {
  set_code(step, "write([{'args': sys.argv[1:]}])\n",
           {{"args", Json::array({"--fast", "a b; echo $HOME", 7, 2.5, true})}});
  expect_success();
  EXPECT_EQ(step.query("SELECT unnest(args) FROM {out}"), "--fast\na b; echo $HOME\n7\n2.5\ntrue\n");
}

TEST_F(PythonKeys, ParamsComeWithTheirTypes) {
  set_code(step,
           "p = step['params']\nwrite([{'t': type(p['n']).__name__, 'n': p['n'] + 1, 'deep': p['list'][1]['x']}])\n",
           {{"params", Json::object({{"n", 41}, {"list", Json::array({1, Json::object({{"x", "\xc4\x9b"}})})}})}});
  expect_success();
  EXPECT_EQ(step.query("SELECT * FROM {out}"), "int|42|\xc4\x9b\n");
}

TEST_F(PythonKeys, FormatParquetIsTheDefaultAndKeepsTypesExactly) {
  step.add_input("all",
                 "SELECT 18446744073709551615::UBIGINT AS u, 170141183460469231731::HUGEINT AS h, "
                 "12345678901234567.89::DECIMAL(20,2) AS d, "
                 "DATE '2024-02-29' AS day, TIMESTAMP '2024-02-29 12:34:56.123456' AS ts, TIMESTAMPTZ '2024-02-29 "
                 "12:34:56+00' AS tz, "
                 "'\\x00\\xFF'::BLOB AS b, [1, NULL, 3] AS l, {'a': 1, 'b': 'x'} AS s, NULL::INTEGER AS n, true AS "
                 "yes, '' AS empty, "
                 "1.5::FLOAT AS f, uuid '00000000-0000-0000-0000-000000000001' AS id, TIME '01:02:03.4' AS t");
  step.set_config(
      {{"code", "import os, shutil\nshutil.copyfile(os.environ['OSIRIS_INPUT'], os.environ['OSIRIS_OUTPUT'])\n"}});
  expect_success();
  EXPECT_EQ(step.output_columns(),
            "u UBIGINT, h HUGEINT, d DECIMAL(20,2), day DATE, ts TIMESTAMP, tz TIMESTAMP WITH TIME ZONE, b BLOB, "
            "l INTEGER[], "
            "s STRUCT(a INTEGER, b VARCHAR), n INTEGER, yes BOOLEAN, empty VARCHAR, f FLOAT, id UUID, t TIME");
  EXPECT_EQ(step.query("SELECT count(*) FROM (SELECT * FROM {out} EXCEPT SELECT * FROM \"in all\".main.t)"), "0\n");
}

TEST_F(PythonKeys, TheParquetInputIsAParquetFile) {
  step.add_input("people", kPeople);
  step.set_config({{"code",
                    "import os, json, shutil\nstep = json.load(open(os.environ['OSIRIS_STEP']))\n"
                    "path = step['inputs']['df_people']['path']\nassert path.endswith('/df_people.parquet'), path\n"
                    "shutil.copyfile(path, os.path.join(step['artifacts_dir'], 'copy.parquet'))\n"
                    "shutil.copyfile(path, os.environ['OSIRIS_OUTPUT'])\n"}});
  expect_success();
  const std::string copy = (step.artifacts_dir() / "copy.parquet").string();
  EXPECT_EQ(step.query("SELECT * FROM read_parquet('" + copy + "')"), "1|Ann|1.5\n2|Bob|NULL\n");
}

TEST_F(PythonKeys, AHugeIntegerBeyondThirtyEightDigitsIsAnErrorAndNotRounded) {
  step.add_input("huge", "SELECT 170141183460469231731687303715884105727::HUGEINT AS h");
  step.set_config({{"code", "pass"}});
  EXPECT_THAT(failure(),
              HasSubstr("cannot hand df_huge to the script: column 'h' (HUGEINT) cannot be kept in Parquet as "
                        "DECIMAL(38,0): a value does not fit"));
}

TEST_F(PythonKeys, FormatCsv) {
  step.add_input("people", kPeople);
  step.set_config({{"format", "csv"},
                   {"code",
                    "import csv, os\nrows = list(csv.DictReader(open(os.environ['OSIRIS_INPUT'], newline='')))\n"
                    "out = csv.writer(open(os.environ['OSIRIS_OUTPUT'], 'w', newline=''))\n"
                    "out.writerow(['id', 'name', 'score', 'zip', 'big', 'flag', 'day', 'void'])\n"
                    "for r in rows: out.writerow([r['id'], r['name'] + ', \"x\"\\nline', r['score'], '007', 2**64, "
                    "'True', '2024-01-01', None])\n"}});
  expect_success();
  EXPECT_EQ(step.output_columns(),
            "id BIGINT, name VARCHAR, score DOUBLE, zip VARCHAR, big HUGEINT, flag BOOLEAN, day VARCHAR, void VARCHAR");
  EXPECT_EQ(step.query("SELECT id, replace(name, chr(10), '/'), score, zip, big, flag, day, void FROM {out}"),
            "1|Ann, \"x\"/line|1.5|007|18446744073709551616|true|2024-01-01|NULL\n"
            "2|Bob, \"x\"/line|NULL|007|18446744073709551616|true|2024-01-01|NULL\n");
}

TEST_F(PythonKeys, FormatNdjson) {
  step.add_input("people", kPeople);
  set_code(step,
           "write([dict(r, day='2024-01-01', big=2**63, id2='00000000-0000-0000-0000-000000000001', tags=['a', 'b']) "
           "for r in rows('df_people')])\n");
  expect_success();
  EXPECT_EQ(step.output_columns(),
            "id BIGINT, name VARCHAR, score DOUBLE, day VARCHAR, big HUGEINT, id2 VARCHAR, tags VARCHAR[]");
  EXPECT_EQ(step.query("SELECT id, name, score, day, big, len(tags) FROM {out}"),
            "1|Ann|1.5|2024-01-01|9223372036854775808|2\n2|Bob|NULL|2024-01-01|9223372036854775808|2\n");
}

TEST_F(PythonKeys, AnUnknownFormatIsRefused) {
  set_code(step, "pass\n", {{"format", "xlsx"}});
  EXPECT_THAT(failure(), HasSubstr("parquet, csv or ndjson"));
}

TEST_F(PythonKeys, ColumnsGiveNamesTypesAndOrder) {
  const Json columns =
      Json::object({{"id", "UBIGINT"}, {"price", "DECIMAL(10,2)"}, {"day", "DATE"}, {"tags", "VARCHAR[]"}});
  for (const char* format : {"ndjson", "csv"}) {
    StepHarness fresh;
    prepare(fresh);
    fresh.set_config({{"format", format},
                      {"columns", columns},
                      {"code",
                       "import os, csv, json, sys\nrow = {'day': '2024-02-29', 'id': 18446744073709551615, 'price': "
                       "'1.10', 'tags': ['a']}\n"
                       "with open(os.environ['OSIRIS_OUTPUT'], 'w') as out:\n"
                       "    if os.environ['OSIRIS_OUTPUT'].endswith('.csv'):\n"
                       "        out.write('day,id,price,tags\\n2024-02-29,18446744073709551615,1.10,[a]\\n')\n"
                       "    else: out.write(json.dumps(row) + '\\n')\n"}});
    const auto outcome = fresh.run(python_processor());
    ASSERT_TRUE(outcome.ok()) << outcome.error().message;
    EXPECT_EQ(fresh.output_columns(), "id UBIGINT, price DECIMAL(10,2), day DATE, tags VARCHAR[]") << format;
    EXPECT_EQ(fresh.query("SELECT id, price, day, tags[1] FROM {out}"), "18446744073709551615|1.10|2024-02-29|a\n")
        << format;
  }
}

TEST_F(PythonKeys, ColumnsApplyToParquetToo) {
  step.add_input("n", "SELECT 7::INTEGER AS a, 'x' AS b");
  step.set_config(
      {{"code", "import os, shutil\nshutil.copyfile(os.environ['OSIRIS_INPUT'], os.environ['OSIRIS_OUTPUT'])\n"},
       {"columns", Json::object({{"b", "VARCHAR"}, {"a", "BIGINT"}})}});
  expect_success();
  EXPECT_EQ(step.output_columns(), "b VARCHAR, a BIGINT");
}

TEST_F(PythonKeys, ColumnsMakeNoRowsPossible) {
  set_code(step, "write([])\n", {{"columns", Json::object({{"id", "BIGINT"}, {"a \"b\"", "VARCHAR"}})}});
  expect_success();
  EXPECT_EQ(step.query("SELECT count(*) FROM {out}"), "0\n");
  EXPECT_EQ(step.output_columns(), "id BIGINT, a \"b\" VARCHAR");
}

TEST_F(PythonKeys, OtherColumnsThanDeclaredAreNamed) {
  set_code(step, "write([{'id': 1, 'nmae': 'x'}])\n",
           {{"columns", Json::object({{"id", "BIGINT"}, {"name", "VARCHAR"}})}});
  EXPECT_THAT(failure(), HasSubstr("not declared: nmae"));
  step.set_config({{"format", "csv"},
                   {"columns", Json::object({{"id", "BIGINT"}, {"name", "VARCHAR"}})},
                   {"code", "import os\nopen(os.environ['OSIRIS_OUTPUT'], 'w').write('id,nmae\\n1,x\\n')\n"}});
  EXPECT_THAT(failure(), HasSubstr("missing: name; not declared: nmae"));
}

TEST_F(PythonKeys, AValueThatDoesNotFitItsDeclaredTypeIsShown) {
  set_code(step, "write([{'id': 'twelve'}])\n", {{"columns", Json::object({{"id", "BIGINT"}})}});
  const std::string text = failure();
  EXPECT_THAT(text, HasSubstr("twelve"));
  EXPECT_THAT(text, HasSubstr("the step's code left an output that cannot be read as ndjson"));
}

struct Changed {
  const char* name;
  const char* type;
  const char* value;  // of Python
  bool is_kept;
};
void PrintTo(const Changed& changed, std::ostream* out) { *out << changed.name; }

class PythonDeclared : public testing::TestWithParam<std::tuple<Changed, const char*>> {};

// A declared type takes a value as it is or refuses it: the engine's own casts would round and cut.
TEST_P(PythonDeclared, KeepsAValueOrRefusesIt) {
  const auto& [changed, format] = GetParam();
  StepHarness step;
  prepare(step);
  set_code(step,
           "out = os.environ['OSIRIS_OUTPUT']\nvalue = " + std::string(changed.value) +
               "\nwith open(out, 'w') as file:\n"
               "    if out.endswith('.csv'): file.write('v,w\\n\"%s\",1\\n' % str(value))\n"
               "    else: file.write(json.dumps({'v': value, 'w': 1}) + '\\n')\n",
           {{"format", format}, {"columns", Json::object({{"v", changed.type}, {"w", "BIGINT"}})}});
  const auto outcome = step.run(python_processor());
  if (changed.is_kept) {
    ASSERT_TRUE(outcome.ok()) << outcome.error().message;
    return;
  }
  ASSERT_FALSE(outcome.ok()) << step.query("SELECT v FROM {out}");
  EXPECT_THAT(outcome.error().message, HasSubstr("for column 'v', and a " + std::string(changed.type)));
  EXPECT_THAT(outcome.error().message, HasSubstr("does not keep it as it is"));
}

INSTANTIATE_TEST_SUITE_P(
    As, PythonDeclared,
    testing::Combine(
        testing::Values(
            Changed{"Fraction", "INTEGER", "1.5", false}, Changed{"TextOfFraction", "BIGINT", "'1.5'", false},
            Changed{"WholeFloat", "INTEGER", "2.0", true}, Changed{"Exponent", "INTEGER", "1e3", true},
            Changed{"FractionByExponent", "INTEGER", "'15e-1'", false},
            Changed{"Digits", "DECIMAL(5,1)", "1.25", false}, Changed{"Zeros", "DECIMAL(5,1)", "'1.50'", true},
            Changed{"NoDate", "DATE", "'2024-01-01 10:00:00'", false},
            Changed{"Midnight", "DATE", "'2024-01-01 00:00:00'", true},
            Changed{"Offset", "TIMESTAMP", "'2024-01-01 10:00:00+05:30'", false},
            Changed{"Utc", "TIMESTAMP", "'2024-01-01T10:00:00Z'", true},
            Changed{"Nanoseconds", "TIMESTAMP", "'2024-01-01 10:00:00.123456789'", false},
            Changed{"NanosecondsKept", "TIMESTAMP_NS", "'2024-01-01 10:00:00.123456789'", true},
            Changed{"HalfASecond", "TIMESTAMP_S", "'2024-01-01 10:00:00.5'", false},
            Changed{"OffsetOfTime", "TIME", "'10:00:00-03'", false}, Changed{"Truth", "BOOLEAN", "5", false},
            Changed{"One", "BOOLEAN", "1", true}, Changed{"Items", "INTEGER[]", "[1, 2.5]", false},
            Changed{"WholeItems", "INTEGER[]", "[1, 2]", true}),
        testing::Values("csv", "ndjson")),
    [](const auto& test) { return std::string(std::get<0>(test.param).name) + "_" + std::get<1>(test.param); });

TEST_F(PythonKeys, ADeclaredTypeThatChangesAValueOfParquetIsRefused) {
  for (const auto& [value, type] :
       std::initializer_list<std::pair<const char*, const char*>>{{"1.5::DOUBLE", "INTEGER"},
                                                                  {"1.25::DECIMAL(4,2)", "DECIMAL(5,1)"},
                                                                  {"TIMESTAMP '2024-01-01 10:00:00'", "DATE"},
                                                                  {"0.1::DOUBLE", "FLOAT"},
                                                                  {"9007199254740993::BIGINT", "DOUBLE"},
                                                                  {"5::INTEGER", "BOOLEAN"},
                                                                  {"'1.5'", "INTEGER"},
                                                                  {"[1.5::DOUBLE]", "INTEGER[]"}}) {
    StepHarness fresh;
    prepare(fresh);
    fresh.add_input("n", "SELECT NULL AS v UNION ALL SELECT " + std::string(value));
    fresh.set_config(
        {{"code", "import os, shutil\nshutil.copyfile(os.environ['OSIRIS_INPUT'], os.environ['OSIRIS_OUTPUT'])\n"},
         {"columns", Json::object({{"v", type}})}});
    const auto outcome = fresh.run(python_processor());
    ASSERT_FALSE(outcome.ok()) << value << " as " << type << ": " << fresh.query("SELECT v FROM {out}");
    EXPECT_THAT(outcome.error().message, HasSubstr("for column 'v', and a " + std::string(type))) << value;
  }
}

TEST_F(PythonKeys, ATypeThatIsSqlOfTheUsersIsRefused) {
  for (const char* type : {"BIGINT) AS x, (SELECT 1", "INTEGER; DROP TABLE t", "STRUCT(a INTEGER)", "bigint", ""}) {
    set_code(step, "write([])\n", {{"columns", Json::object({{"id", type}})}});
    EXPECT_THAT(failure(), HasSubstr("`columns`")) << type;
    EXPECT_EQ(code, Code::kInvalidArgument);
  }
}

}  // namespace
}  // namespace osiris::worker::test
