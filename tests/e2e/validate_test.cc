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

TEST_F(Validate, AComponentWithoutDriverIsAWarningAndStrictlyAnError) {
  project_.write("p.yaml", oml("p", {"  - id: hits\n    component: posthog.extractor\n    mode: read\n"
                                     "    config: {connection: '@posthog.main', data_type: events}\n"}));
  project_.write("osiris_connections.yaml",
                 "version: 1\nconnections:\n  posthog:\n    main: {project_id: '1', api_key: '${KEY}'}\n", 0600);
  project_.set("KEY", "k");
  const Outcome outcome = validate();
  EXPECT_TRUE(holds(outcome.err, "warning: Components missing runtime drivers")) << outcome.err;
  EXPECT_EQ(validate({"p.yaml", "--strict"}).exit, 2);
}

}  // namespace
}  // namespace osiris::e2e
