// What validate finds without running: in one file, in directories, in the project; and what a run says later is no
// surprise.
#include <gtest/gtest.h>

#include <string>

#include "tests/e2e/project.h"

namespace osiris::e2e {
namespace {

std::string pipeline(const std::string& query) {
  return oml("p",
             {"  - id: read-people\n    component: filesystem.csv_extractor\n    mode: read\n"
              "    config: {path: people.csv}\n",
              "  - id: adults\n    component: duckdb.processor\n    mode: transform\n    config:\n      query: |\n"
              "        SELECT id,\n               " +
                  query + "\n        FROM df_read_people\n",
              "  - id: save\n    component: filesystem.csv_writer\n    mode: write\n    config: {path: out.csv}\n"});
}

class Validate : public testing::Test {
 protected:
  Validate() { project_.write("people.csv", "id,name,age\n1,Ann,20\n2,Bob,17\n"); }
  Outcome validate(std::vector<std::string> arguments = {"p.yaml"}) const {
    arguments.insert(arguments.begin(), "validate");
    return project_.osiris(arguments);
  }
  Project project_;
};

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST_F(Validate, WritesAndLeavesNothing) {
  project_.write("p.yaml", pipeline("name"));
  const auto before = project_.tree();
  EXPECT_EQ(validate().exit, 0);
  EXPECT_EQ(project_.tree(), before);
}

TEST_F(Validate, ValuesAreTakenWhereTheColumnsAreNotKnown) {
  project_.write(
      "p.yaml",
      oml("p",
          {"  - {id: read, component: filesystem.csv_extractor, mode: read, config: {path: later.csv}}\n",
           "  - {id: some, component: duckdb.processor, mode: transform, needs: [read], config: {query: \"SELECT * "
           "FROM df_read WHERE day >= $since AND name IN $names\", values: {since: a, names: [b, c]}}}\n",
           "  - {id: save, component: filesystem.csv_writer, mode: write, config: {path: out.csv}}\n"}));
  const Outcome outcome = validate();
  EXPECT_EQ(outcome.exit, 0) << outcome.out << outcome.err;
}

TEST_F(Validate, NamesTheLineOfAColumnThatTheInputsDoNotHave) {
  project_.write("p.yaml", pipeline("nmae"));
  const Outcome outcome = validate();
  EXPECT_EQ(outcome.exit, 2);
  EXPECT_TRUE(holds(outcome.err, "p.yaml:14:16: error: ")) << outcome.err;
  EXPECT_TRUE(holds(outcome.err, "\"nmae\"")) << outcome.err;
  const Json error = validate({"p.yaml", "--json"}).json()["errors"].items().at(0);
  EXPECT_EQ(error["type"].as_string(), "sql_error");
  EXPECT_EQ(error["line"].as_int(), 14);
  EXPECT_EQ(error["source_line"].as_string(), "               nmae");
  const Outcome dry = project_.osiris({"run", "p.yaml", "--dry-run"});
  EXPECT_EQ(dry.exit, 2) << "a dry run says no less";
  EXPECT_TRUE(holds(dry.err, "p.yaml:14:16: error: ")) << dry.err;
}

TEST_F(Validate, TheColumnsOfASqlStepAreThoseTheNextOneMayUse) {
  project_.write("p.yaml", pipeline("age") +
                               "  - id: late\n    component: duckdb.processor\n    mode: transform\n"
                               "    needs: [adults]\n    config: {query: SELECT name FROM df_adults}\n");
  const Outcome outcome = validate();
  EXPECT_EQ(outcome.exit, 2);
  EXPECT_TRUE(holds(outcome.err, "step 'late'")) << outcome.err;
}

// The first rows say text; a later one may not, and the run decides.
TEST_F(Validate, WhatDependsOnTypesOfASampleIsAWarning) {
  project_.write("p.yaml", pipeline("name + 1 AS n"));
  const Outcome outcome = validate();
  EXPECT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_TRUE(holds(outcome.err, "warning: ")) << outcome.err;
  EXPECT_EQ(validate({"p.yaml", "--strict"}).exit, 2);
}

TEST_F(Validate, WithoutTheInputTheTablesAreLookedUpAllTheSame) {
  project_.write("p.yaml", pipeline("anything"));
  std::filesystem::remove(project_.dir() / "people.csv");
  const Outcome outcome = validate();
  EXPECT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_TRUE(holds(outcome.err, "there is no file 'people.csv'")) << outcome.err;
  project_.write("p.yaml", pipeline("(SELECT x FROM orders) AS o"));
  EXPECT_TRUE(holds(validate().err, "there is no table orders")) << validate().err;
}

TEST_F(Validate, ASecretOrdinaryFileIsNotReadBySql) {
  project_.write("p.yaml", pipeline("(SELECT content FROM read_text('people.csv')) AS c"));
  const Outcome outcome = validate();
  EXPECT_EQ(outcome.exit, 2);
  EXPECT_FALSE(holds(outcome.err, "Ann")) << outcome.err;
}

TEST_F(Validate, ARunThatFailsInSqlNamesTheSamePlace) {
  project_.write("p.yaml", pipeline("CAST(name AS INTEGER) AS n"));
  const Outcome run = project_.osiris({"run", "p.yaml"});
  EXPECT_EQ(run.exit, 1);
  EXPECT_TRUE(holds(run.err, "p.yaml:14:16: error: the SQL of step 'adults' failed here")) << run.err;
}

// What fails for every row is an error before any row is read, and the run names the same place.
TEST_F(Validate, ConstantsThatCannotBeReadAreErrors) {
  for (const char* query : {"'abc'::INTEGER AS n", "DATE '2025-02-30' AS d", "CAST('x' AS DOUBLE) + age AS n",
                            "age + '12x'::INTEGER AS n", "strptime('2025-13-01', '%Y-%m-%d') AS d",
                            "(SELECT max(id) FROM df_read_people WHERE name > '' AND 'z'::INTEGER = id) AS m",
                            "9223372036854775807 + CAST('1' AS BIGINT) AS n"}) {
    project_.write("p.yaml", pipeline(query));
    const Outcome outcome = validate();
    EXPECT_EQ(outcome.exit, 2) << query << outcome.err;
    EXPECT_TRUE(holds(outcome.err, "p.yaml:14:")) << query << outcome.err;
    EXPECT_EQ(project_.osiris({"run", "p.yaml", "--dry-run"}).exit, 2) << query;
    std::filesystem::remove(project_.dir() / "people.csv");
    EXPECT_EQ(validate().exit, 2) << query << ", whose input is not there";
    project_.write("people.csv", "id,name,age\n1,Ann,20\n2,Bob,17\n");
  }
}

TEST_F(Validate, ConstantsThatSomeRowsNeedAreWarnings) {
  for (const char* query : {"CASE WHEN age > 100 THEN 'abc'::INTEGER END AS n", "coalesce(age, 'abc'::INTEGER) AS n",
                            "(age > 0 OR 'z'::INTEGER = id) AS b"}) {
    project_.write("p.yaml", pipeline(query));
    const Outcome outcome = validate();
    EXPECT_EQ(outcome.exit, 0) << query << outcome.err;
    EXPECT_TRUE(holds(outcome.err, "as soon as a row needs it")) << query << outcome.err;
    EXPECT_EQ(validate({"p.yaml", "--strict"}).exit, 2) << query;
  }
  for (const char* query : {"TRY_CAST('abc' AS INTEGER) AS n", "TRY('abc'::INTEGER) AS n", "DATE '2024-02-29' AS d"}) {
    project_.write("p.yaml", pipeline(query));
    EXPECT_EQ(validate({"p.yaml", "--strict"}).exit, 0) << query << validate().err;
  }
}

TEST_F(Validate, AValueThatTheColumnCannotBeComparedWithIsNamed) {
  const auto with_value = [&](const std::string& value) {
    project_.write("p.yaml", oml("p", {"  - id: read-people\n    component: filesystem.csv_extractor\n    mode: read\n"
                                       "    config: {path: people.csv}\n",
                                       "  - id: adults\n    component: duckdb.processor\n    mode: transform\n"
                                       "    config:\n      query: SELECT id FROM df_read_people WHERE age > $since\n"
                                       "      values: {since: " +
                                           value + "}\n"}));
  };
  with_value("abc");
  const Outcome outcome = validate({"p.yaml", "--strict"});
  EXPECT_EQ(outcome.exit, 2);
  EXPECT_TRUE(holds(outcome.err, "'abc'")) << outcome.err;
  EXPECT_TRUE(holds(outcome.err, "the value of $since")) << outcome.err;
  EXPECT_TRUE(holds(outcome.err, "p.yaml:1")) << outcome.err;
  EXPECT_EQ(validate().exit, 0) << "the first rows do not decide the type";
  EXPECT_EQ(project_.osiris({"run", "p.yaml"}).exit, 1);
  with_value("'18'");
  EXPECT_EQ(validate({"p.yaml", "--strict"}).exit, 0) << validate().err;
  EXPECT_EQ(project_.osiris({"run", "p.yaml"}).exit, 0);
}

TEST_F(Validate, AnInterpreterThatIsNotHereIsAWarning) {
  project_.write("s.py", "");
  const auto with_python = [&](const std::string& python) {
    project_.write("p.yaml", oml("p", {"  - id: read-people\n    component: filesystem.csv_extractor\n    mode: read\n"
                                       "    config: {path: people.csv}\n",
                                       "  - id: p\n    component: python.processor\n    mode: transform\n"
                                       "    config: {script: s.py, python: " +
                                           python + "}\n"}));
  };
  for (const char* python : {"python9", "/nowhere/python3"}) {
    with_python(python);
    const Outcome outcome = validate();
    EXPECT_EQ(outcome.exit, 0) << "it may be in a sandbox: " << outcome.err;
    EXPECT_TRUE(holds(outcome.err, "needs the Python interpreter '" + std::string(python) + "'")) << outcome.err;
    EXPECT_TRUE(holds(outcome.err, "p.yaml:")) << outcome.err;
    EXPECT_EQ(validate({"p.yaml", "--strict"}).exit, 2);
  }
  with_python("python3");
  EXPECT_EQ(validate({"p.yaml", "--strict"}).exit, 0) << validate().err;
}

TEST_F(Validate, OptionsOfAdaptersInTheProjectsFileHaveTheirLine) {
  project_.write("p.yaml", pipeline("name"));
  const char* const wrong[][2] = {{"    timeout: soon\n", "osiris.yaml:4:5"},
                                  {"    cpu: 2\n    tiemout: 5m\n", "osiris.yaml:5:5"},
                                  {"    api_url: [a]\n", "osiris.yaml:4:5"}};
  for (const auto& [text, place] : wrong) {
    project_.write("osiris.yaml", "version: '2.0'\nadapters:\n  e2b:\n" + std::string(text));
    const Outcome project = validate({});
    EXPECT_EQ(project.exit, 2) << project.err;
    EXPECT_TRUE(holds(project.err, place)) << project.err;
    const Outcome run = project_.osiris({"run", "p.yaml", "--e2b", "--dry-run"});
    EXPECT_EQ(run.exit, 2) << run.err;
    EXPECT_TRUE(holds(run.err, place)) << run.err;
  }
}

TEST_F(Validate, WarningsOfTheProjectsFileCount) {
  project_.write("osiris.yaml", "filesystem: {retention: {run_logs_dys: 3}}\n");
  const Outcome lenient = validate({});
  EXPECT_EQ(lenient.exit, 0) << lenient.err;
  EXPECT_EQ(validate({"--json"}).json()["warnings"].size(), 1u);
  const Outcome strict = validate({"--strict"});
  EXPECT_EQ(strict.exit, 2) << strict.out;
  EXPECT_TRUE(holds(strict.err, "did you mean 'run_logs_days'?")) << strict.err;
  EXPECT_TRUE(holds(strict.err, "Invalid project: 1 error")) << strict.err;
}

TEST_F(Validate, TakesDirectoriesAndTheWholeProject) {
  project_.write("pipelines/good.yaml", pipeline("name"));
  project_.write("pipelines/deep/bad.yml", pipeline("nmae"));
  project_.write("pipelines/notes.yaml", "just: notes\n");
  project_.write("build/old.yaml", pipeline("nmae"));
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"pipelines"}, std::vector<std::string>{}}) {
    const Outcome outcome = validate(arguments);
    EXPECT_EQ(outcome.exit, 2);
    EXPECT_TRUE(holds(outcome.err, "pipelines/deep/bad.yml:14:16: error: ")) << outcome.err;
    EXPECT_TRUE(holds(outcome.out, "pipelines/good.yaml")) << outcome.out;
    EXPECT_FALSE(holds(outcome.err + outcome.out, "build/old.yaml"));
    EXPECT_FALSE(holds(outcome.err + outcome.out, "notes.yaml"));
  }
  std::filesystem::remove_all(project_.dir() / "pipelines/deep");
  const Outcome project = validate({});
  EXPECT_EQ(project.exit, 0) << project.err;
  EXPECT_TRUE(holds(project.out, "Pipelines: 1")) << project.out;
  const Json document = validate({"--json"}).json();
  EXPECT_EQ(document["valid"], Json(true));
  EXPECT_EQ(document["pipelines"].items().at(0)["file"].as_string(), "pipelines/good.yaml");
  EXPECT_EQ(validate({"build/.."}).exit, 0);
  EXPECT_EQ(validate({"empty"}).exit, 2);
}

}  // namespace
}  // namespace osiris::e2e
