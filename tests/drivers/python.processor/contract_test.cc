// What a script can rely on: its variables, its description, where it stands, and that all of it is gone afterwards.
#include <gmock/gmock.h>

#include "protocol/base/text.h"
#include "tests/drivers/python.processor/python_step.h"

namespace osiris::worker::test {
namespace {

using ::testing::HasSubstr;

class PythonContract : public PythonStep {
 protected:
  PythonContract() { use_fresh_cache(step); }
};

TEST_F(PythonContract, TheEnvironmentIsPathHomePassedVariablesAndTheContract) {
  step.add_input("a", "SELECT 1 AS x");
  step.set_environment(Json::object({{"TOKEN", "t-0k3n-value"}, {"LC_ALL", "C.UTF-8"}}));
  set_code(step,
           "write([{'names': sorted(os.environ), 'token': os.environ['TOKEN'], 'tz': os.environ['TZ'], 'lc': "
           "os.environ['LC_ALL']}])\n");
  expect_success();
  EXPECT_EQ(step.query("SELECT array_to_string(names, ' '), token, tz, lc FROM {out}"),
            "HOME LC_ALL OSIRIS_ARTIFACTS_DIR OSIRIS_INPUT OSIRIS_OUTPUT OSIRIS_STEP PATH TMPDIR TOKEN TZ "
            "VIRTUAL_ENV|t-0k3n-value|UTC|C.UTF-8\n");
}

TEST_F(PythonContract, TheContractsVariablesCannotBeReplaced) {
  step.set_environment(Json::object({{"OSIRIS_OUTPUT", "/tmp/elsewhere"}, {"OSIRIS_STEP", "/nowhere"}}));
  set_code(step, "write([{'x': 1}])\n");
  expect_success();
}

TEST_F(PythonContract, WithoutInputsThereIsNoInputVariable) {
  set_code(step, "write([{'has': 'OSIRIS_INPUT' in os.environ, 'inputs': len(step['inputs'])}])\n");
  expect_success();
  EXPECT_EQ(step.query("SELECT * FROM {out}"), "false|0\n");
}

TEST_F(PythonContract, SeveralInputsAreDescribedByName) {
  step.add_input("first", "SELECT i AS a, 'x' AS b FROM range(3) t(i)");
  step.add_input("second step", "SELECT 2.5::DECIMAL(4,1) AS c");
  set_code(step,
           "second = step['inputs']['df_second_step']\n"
           "write([{'names': list(step['inputs']), 'rows': step['inputs']['df_first']['rows'], 'from': "
           "second['from_step'],\n"
           "        'type': second['columns'][0]['type'], 'c': rows('df_second_step')[0]['c'], 'first': "
           "os.environ['OSIRIS_INPUT'] == step['inputs']['df_first']['path'],\n"
           "        'id': step['step_id'], 'format': step['output']['format'], 'version': step['version']}])\n");
  expect_success();
  EXPECT_EQ(
      step.query("SELECT array_to_string(names, ' '), rows, \"from\", type, c, first, id, format, version FROM {out}"),
      "df_first df_second_step|3|second step|DECIMAL(4,1)|2.5|true|step|ndjson|1\n");
}

TEST_F(PythonContract, TheScriptStandsAmongItsFilesAndNotInTheProject) {
  step.write_file("secret-of-the-project.txt", "");
  set_code(step, "write([{'here': sorted(os.listdir('.'))}])\n");
  expect_success();
  EXPECT_EQ(step.query("SELECT array_to_string(here, ' ') FROM {out}"), "step.py\n");
}

TEST_F(PythonContract, ItsEnvironmentIsItsOwn) {
  set_code(step,
           "import sysconfig\n"
           "write([{'venv': sys.prefix != sys.base_prefix, 'same': sys.prefix == os.environ['VIRTUAL_ENV'],\n"
           "        'first': os.environ['PATH'].split(':')[0] == sys.prefix + '/bin', 'dist': any('dist-packages' in p "
           "for p in sys.path)}])\n");
  expect_success();
  EXPECT_EQ(step.query("SELECT venv, same, first, dist FROM {out}"), "true|true|true|false\n");
}

TEST_F(PythonContract, TheEnvironmentIsMadeOnceAndFoundAgain) {
  set_code(step, "write([{'prefix': sys.prefix}])\n");
  expect_success();
  const std::string first = step.query("SELECT * FROM {out}");
  step.sql("DROP TABLE " + step.output_table().quoted());
  expect_success();
  EXPECT_EQ(step.query("SELECT * FROM {out}"), first);
  const auto ready = events("environment_ready");
  ASSERT_EQ(ready.size(), 2u);
  EXPECT_FALSE(ready[0].fields["cached"].as_bool());
  EXPECT_TRUE(ready[1].fields["cached"].as_bool());
  EXPECT_TRUE(events("dependency_check").empty()) << "nothing is required";
}

TEST_F(PythonContract, WhereTheCacheCannotBeWrittenTheStepMakesItsOwn) {
  step.write_file("in-the-way", "a file where the cache should be");
  step.set_setting("cache_dir", (step.work_dir() / "in-the-way").string());
  set_code(step, "write([{'own': '/scratch/' in sys.prefix}])\n");
  expect_success();
  EXPECT_EQ(step.query("SELECT * FROM {out}"), "true\n");
  EXPECT_THAT(logged(), HasSubstr("cache of environments cannot be used"));
}

TEST_F(PythonContract, AHalfMadeEnvironmentIsMadeAnew) {
  set_code(step, "write([{'prefix': sys.prefix}])\n");
  expect_success();
  const std::filesystem::path environment = trim(step.query("SELECT * FROM {out}"));
  step.sql("DROP TABLE " + step.output_table().quoted());
  // As a killed run leaves it: no mark, and not all files.
  std::filesystem::remove(environment.parent_path() / "ready");
  std::filesystem::remove(environment / "pyvenv.cfg");
  expect_success();
  EXPECT_TRUE(std::filesystem::exists(environment / "pyvenv.cfg"));
  EXPECT_FALSE(events("environment_ready").back().fields["cached"].as_bool());
}

TEST_F(PythonContract, TextIsUtf8InTheCLocale) {
  set_code(step, "print('\xc4\x9b\xc5\xa1\xc4\x8d')\nwrite([{'x': open(__file__).encoding}])\n");
  expect_success();
  EXPECT_THAT(logged(), HasSubstr("\xc4\x9b\xc5\xa1\xc4\x8d"));
  EXPECT_EQ(step.query("SELECT upper(x) FROM {out}"), "UTF-8\n");
}

TEST_F(PythonContract, FilesLeftInTheArtifactsDirectoryStay) {
  set_code(
      step,
      "open(os.path.join(os.environ['OSIRIS_ARTIFACTS_DIR'], 'model.bin'), 'w').write('weights')\nwrite([{'x': 1}])\n");
  expect_success();
  EXPECT_TRUE(std::filesystem::exists(step.artifacts_dir() / "model.bin"));
}

TEST_F(PythonContract, EventsAreSaidOnStdout) {
  set_code(step,
           "print('::event trained {\"rounds\": 3}')\nprint('::event step_complete')\nprint('::event broken "
           "{')\nprint('::event')\nwrite([{'x': 1}])\n");
  expect_success();
  const auto said = events("script_event");
  ASSERT_EQ(said.size(), 2u);
  EXPECT_EQ(said[0].fields, Json::object({{"name", "trained"}, {"data", Json::object({{"rounds", 3}})}}));
  EXPECT_EQ(said[1].fields, Json::object({{"name", "step_complete"}, {"data", Json()}}));
  EXPECT_TRUE(events("step_complete").empty());
  EXPECT_THAT(logged(), HasSubstr("::event broken {\n::event\n"));
}

TEST_F(PythonContract, ProgressAndMetricsAreSaidOnStdout) {
  set_code(step,
           "print('::progress 5')\nprint('::metric accuracy 0.75 ratio')\nprint('::progress "
           "three')\nprint('::other')\nprint('::progress 7x')\nprint('::progress -1')\nwrite([{'x': i} for i in "
           "range(9)])\n");
  expect_success();
  EXPECT_EQ(step.progress_reports(), (std::vector<uint64_t>{5, 9}));
  ASSERT_EQ(step.metrics().size(), 1u);
  EXPECT_EQ(step.metrics()[0].name + " " + step.metrics()[0].unit, "accuracy ratio");
  EXPECT_EQ(step.metrics()[0].value, 0.75);
  EXPECT_THAT(logged(), HasSubstr("::progress three\n::other\n::progress 7x\n::progress -1\n"));
  EXPECT_THAT(logged(), ::testing::Not(HasSubstr("::progress 5")));
}

}  // namespace
}  // namespace osiris::worker::test
