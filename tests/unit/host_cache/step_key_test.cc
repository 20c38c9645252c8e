// What changes the key of a step, what does not, and of which kind steps are.
#include "host/cache/step_key.h"

#include <gmock/gmock.h>

#include "tests/unit/host_compiler/compile_fixture.h"

namespace osiris {
namespace {

using ::testing::HasSubstr;

class StepKeys : public CompileTest {
 protected:
  StepKeys() {
    environment_.set("TOKEN", "one");
    write("in/a.csv", "k\n1\n");
    write("run.py", "print(1)\n");
  }

  StepFacts facts(const std::string& step) {
    options_.connections = ConnectionCheck::kResolves;
    const CompileResult compiled = compile_text(pipeline(step));
    EXPECT_TRUE(compiled.ok()) << all_text(compiled);
    if (!compiled.ok()) return {};
    const auto inputs = make_adapter_inputs(*compiled.pipeline, this->inputs(), {directory_.path(), {"TOKEN"}});
    EXPECT_TRUE(inputs.ok()) << inputs.error().message;
    FileHashes hashes(directory_.path() / "files.json", clock_);
    return facts_of(inputs->plan.steps.back(), {registry_, environment_, *inputs, worker_, "secret", hashes});
  }
  std::string key(const std::string& step) { return key_of(facts(step).parts); }
  StepNature nature(const std::string& step) { return facts(step).nature; }

  static std::string read(const std::string& config = "path: in/a.csv", const std::string& extra = "") {
    return "  - {id: s, component: filesystem.csv_extractor, mode: read, needs: [], config: {" + config + "}" + extra +
           "}\n";
  }
  static std::string sql(const std::string& query, const std::string& extra = "") {
    return read() + "  - {id: t, component: duckdb.processor, mode: transform, config: {query: \"" + query + "\"}" +
           extra + "}\n";
  }
  static std::string python(const std::string& extra = "") {
    return read() + "  - {id: t, component: python.processor, mode: transform, config: {script: run.py" + extra +
           "}}\n";
  }

  std::string worker_ = "0.1.0 abc";
};

TEST_F(StepKeys, TheSameStepHasTheSameKey) {
  EXPECT_EQ(key(read()), key(read()));
  EXPECT_EQ(key(sql("SELECT 1 AS a")), key(sql("SELECT 1 AS a", ", timeout: 5s, retry: 3, materialize: true")));
}

TEST_F(StepKeys, ConfigFileWorkerChecksAndComponentAreInIt) {
  const std::string before = key(read());
  EXPECT_NE(key(read("path: in/a.csv, delimiter: ';'")), before);
  EXPECT_NE(key(read("path: in/a.csv", ", checks: [{not_null: k}]")), before);
  worker_ = "0.1.0 abd";
  EXPECT_NE(key(read()), before);
  worker_ = "0.1.0 abc";
  write("in/a.csv", "k\n2\n");
  EXPECT_NE(key(read()), before);
  write("in/a.csv", "k\n1\n");
  EXPECT_EQ(key(read()), before);
  EXPECT_NE(key(sql("SELECT 1 AS a")), key(sql("SELECT 2 AS a")));
}

TEST_F(StepKeys, AScriptAndThePassedVariablesAreInThatOfAProgram) {
  const std::string before = key(python());
  const std::string of_sql = key(sql("SELECT 1 AS a"));
  environment_.set("TOKEN", "two");
  EXPECT_NE(key(python()), before);
  EXPECT_EQ(key(sql("SELECT 1 AS a")), of_sql);
  for (const auto& [name, value] : facts(python()).parts) EXPECT_EQ(value.find("two"), std::string::npos) << name;
  environment_.set("TOKEN", "one");
  write("run.py", "print(2)\n");
  EXPECT_NE(key(python()), before);
}

TEST_F(StepKeys, StepsAreOfKinds) {
  use_connections("version: 1\nconnections: {mysql: {default: {host: h, database: d, user: u, password: p}}}\n");
  const std::string mysql = "component: mysql.extractor, mode: read, config: {query: SELECT 1";
  EXPECT_EQ(nature(read()), StepNature::kFile);
  EXPECT_EQ(nature(sql("SELECT 1 AS a")), StepNature::kSql);
  EXPECT_EQ(nature(sql("SELECT now() AS a")), StepNature::kProgram);
  EXPECT_THAT(facts(sql("SELECT now() AS a")).why_not_kept, HasSubstr("now"));
  EXPECT_EQ(nature(python()), StepNature::kProgram);
  EXPECT_EQ(nature("  - {id: m, " + mysql + "}}\n"), StepNature::kSource);
  EXPECT_EQ(nature("  - {id: m, " + mysql + ", incremental: {column: id}}}\n"), StepNature::kStateful);
  EXPECT_EQ(nature(read("path: https://example.org/a.csv")), StepNature::kSource);
  EXPECT_EQ(nature(read() + "  - {id: w, component: filesystem.csv_writer, mode: write, config: {path: o.csv}}\n"),
            StepNature::kFileWriter);
}

TEST_F(StepKeys, AConnectionIsInItWithoutItsSecrets) {
  const auto key_with = [&](const std::string& fields) {
    use_connections("version: 1\nconnections: {mysql: {default: {" + fields + ", database: d, user: u}}}\n");
    return key("  - {id: m, component: mysql.extractor, mode: read, config: {query: SELECT 1}}\n");
  };
  EXPECT_EQ(key_with("host: h, password: p"), key_with("host: h, password: q"));
  EXPECT_NE(key_with("host: h, password: p"), key_with("host: i, password: p"));
}

TEST_F(StepKeys, ACheckThatAsksForTheTimeIsMadeAgain) {
  EXPECT_EQ(facts(read("path: in/a.csv", ", checks: [{not_null: k}]")).always_runs, "");
  for (const char* check : {"freshness: {column: k, max_age: 1h}", "sql: SELECT * FROM this WHERE now() > k"})
    EXPECT_THAT(facts(read("path: in/a.csv", std::string(", checks: [{") + check + "}]")).always_runs,
                HasSubstr("asks for the time"));
}

TEST_F(StepKeys, AFileThatCannotBeReadLeavesNoKey) {
  std::filesystem::remove(directory_.path() / "in/a.csv");
  EXPECT_THAT(facts(read()).unknown, HasSubstr("in/a.csv"));
}

}  // namespace
}  // namespace osiris
