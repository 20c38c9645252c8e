// The example pipelines, run for real: what they write equals the reference's own bytes.
#include <gtest/gtest.h>

#include "tests/e2e/project.h"

namespace osiris::e2e {
namespace {

namespace fs = std::filesystem;

class Examples : public testing::Test {
 protected:
  Examples() {
    const fs::path from = source_dir() / "tests/fixtures/examples";
    for (const auto& entry : fs::directory_iterator(from))
      if (entry.path().filename() != "expected")
        fs::copy(entry.path(), project_.dir() / entry.path().filename(), fs::copy_options::recursive);
  }
  std::string expected(const char* file) {
    return project_.read(source_dir() / "tests/fixtures/examples/expected" / file);
  }
  Project project_;
};

TEST_F(Examples, CsvThroughSqlToCsv) {
  const Outcome run = project_.osiris({"run", "01-csv-duckdb-csv.yaml"});
  ASSERT_EQ(run.exit, 0) << run.out << run.err;
  EXPECT_EQ(project_.read("out/harbor_fees_by_vessel.csv"), expected("01-csv-duckdb-csv/harbor_fees_by_vessel.csv"));
  EXPECT_NE(run.out.find("✓ Pipeline completed (local)"), std::string::npos) << run.out;
  EXPECT_NE(run.out.find("Session: " + project_.session().string() + "/\n"), std::string::npos) << run.out;
}

TEST_F(Examples, ThreeDialectsJoined) {
  const Outcome run = project_.osiris({"run", "04-multi-input-join.yaml"});
  ASSERT_EQ(run.exit, 0) << run.out << run.err;
  EXPECT_EQ(project_.read("out/harbor_calls_enriched.csv"), expected("04-multi-input-join/harbor_calls_enriched.csv"));
}

TEST_F(Examples, ParametersAndProfiles) {
  Outcome run = project_.osiris({"run", "06-params-profiles.yaml"});
  ASSERT_EQ(run.exit, 0) << run.out << run.err;
  EXPECT_EQ(project_.read("out/berth_usage.csv"), expected("06-params-profiles/berth_usage.csv"));

  run = project_.osiris({"run", "06-params-profiles.yaml", "-p", "prod", "--param", "region=EU"});
  ASSERT_EQ(run.exit, 0) << run.out << run.err;
  const std::string text = project_.read("out/berth_usage.csv");
  EXPECT_NE(text.find("A1,5001,1200.5,EU\n"), std::string::npos) << text;
  EXPECT_NE(text.find("A1,5003,980.25,EU\n"), std::string::npos) << text;
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 3) << text;
}

TEST_F(Examples, ACompiledManifestRunsLikeItsSource) {
  const Outcome compiled = project_.osiris({"compile", "01-csv-duckdb-csv.yaml", "--json"});
  ASSERT_EQ(compiled.exit, 0) << compiled.err;
  EXPECT_EQ(compiled.json()["manifest_hash"].as_string(),
            "d6a86e2f718655cd196ab7a1f8b8ab6840d12878ac298b5949e95de96530a1ad");
  for (const std::vector<std::string>& how :
       {std::vector<std::string>{"run", compiled.json()["manifest_path"].as_string()},
        {"run", "--last-compile"},
        {"run", "--last-compile-in", "01-csv-duckdb-csv"}}) {
    fs::remove_all(project_.dir() / "out");
    const Outcome run = project_.osiris(how);
    ASSERT_EQ(run.exit, 0) << how.back() << ": " << run.out << run.err;
    EXPECT_EQ(project_.read("out/harbor_fees_by_vessel.csv"), expected("01-csv-duckdb-csv/harbor_fees_by_vessel.csv"));
  }
}

}  // namespace
}  // namespace osiris::e2e
