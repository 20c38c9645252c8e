// The six example pipelines compile to the bytes the predecessor produced from them (tests/fixtures/examples/expected).
#include <set>

#include "tests/unit/host_compiler/compile_fixture.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;

class ExpectedBytes : public CompileTest, public ::testing::WithParamInterface<const char*> {};

std::string bytes_of(const fs::path& file) {
  auto text = read_file(file);
  EXPECT_TRUE(text.ok()) << text.error().message;
  return text.ok() ? *text : "";
}

TEST_P(ExpectedBytes, ManifestPlanFingerprintsAndConfigsAreEqual) {
  const std::string name = GetParam();
  CompileResult result = compile(examples_dir() / (name + ".yaml"));
  ASSERT_TRUE(result.ok()) << all_text(result);
  ASSERT_TRUE(write_build(*result.pipeline, project_).ok());

  const fs::path built = result.pipeline->compiled_dir, expected = examples_dir() / "expected" / name;
  EXPECT_EQ(built, directory_.path() / "build/pipelines/dev" / name /
                       (result.pipeline->manifest_short + "-" + result.pipeline->manifest_hash));
  std::string manifest = bytes_of(built / "manifest.yaml");
  const std::string stamp = "generated_at: '2025-11-20T10:00:00.123456Z'";
  ASSERT_NE(manifest.find(stamp), std::string::npos) << manifest;
  manifest.replace(manifest.find(stamp), stamp.size(), "generated_at: '<ISO-8601 UTC with microseconds, Z>'");
  EXPECT_EQ(manifest, bytes_of(expected / "manifest.yaml"));
  EXPECT_EQ(bytes_of(built / "plan.json"), bytes_of(expected / "plan.json"));
  EXPECT_EQ(bytes_of(built / "fingerprints.json"), bytes_of(expected / "fingerprints.json"));

  std::set<std::string> built_configs, expected_configs;
  for (const auto& entry : fs::directory_iterator(built / "cfg")) built_configs.insert(entry.path().filename());
  for (const auto& entry : fs::directory_iterator(expected / "cfg")) expected_configs.insert(entry.path().filename());
  EXPECT_EQ(built_configs, expected_configs);
  for (const std::string& config : expected_configs)
    EXPECT_EQ(bytes_of(built / "cfg" / config), bytes_of(expected / "cfg" / config)) << config;
}

TEST_P(ExpectedBytes, TheFolderInExamplesIsTheSamePipeline) {
  const CompileResult shown = compile(source_dir() / "examples" / GetParam() / "pipeline.yaml");
  ASSERT_TRUE(shown.ok()) << all_text(shown);
  const CompileResult fixture = compile(examples_dir() / (std::string(GetParam()) + ".yaml"));
  EXPECT_EQ(shown.pipeline->manifest_hash, fixture.pipeline->manifest_hash);
}

TEST_P(ExpectedBytes, ALoadedManifestIsTheCompiledPipeline) {
  CompileResult compiled = compile(examples_dir() / (std::string(GetParam()) + ".yaml"));
  ASSERT_TRUE(compiled.ok()) << all_text(compiled);
  ASSERT_TRUE(write_build(*compiled.pipeline, project_).ok());
  options_.file = compiled.pipeline->compiled_dir / "manifest.yaml";
  EXPECT_TRUE(read_pipeline_file(options_.file).is_manifest());
  const CompileResult loaded = compile_or_load(options_, inputs());
  ASSERT_TRUE(loaded.ok()) << all_text(loaded);
  EXPECT_TRUE(loaded.diagnostics.warnings().empty()) << all_text(loaded);
  EXPECT_EQ(loaded.pipeline->manifest_hash, compiled.pipeline->manifest_hash);
  EXPECT_EQ(loaded.pipeline->manifest, compiled.pipeline->manifest);
  EXPECT_EQ(loaded.pipeline->plan, compiled.pipeline->plan);
  EXPECT_EQ(loaded.pipeline->run_summary, compiled.pipeline->run_summary);
  ASSERT_EQ(loaded.pipeline->steps.size(), compiled.pipeline->steps.size());
  for (size_t i = 0; i < loaded.pipeline->steps.size(); ++i) {
    EXPECT_EQ(loaded.pipeline->steps[i].cfg, compiled.pipeline->steps[i].cfg);
    EXPECT_EQ(loaded.pipeline->steps[i].mode, compiled.pipeline->steps[i].mode);
    EXPECT_EQ(loaded.pipeline->steps[i].needs, compiled.pipeline->steps[i].needs);
    if (!connections_.has_file()) continue;
    EXPECT_EQ(loaded.pipeline->steps[i].overrides, compiled.pipeline->steps[i].overrides);
  }
}

TEST_P(ExpectedBytes, AnotherDirectoryClockAndLocaleChangeNothingButTheStamp) {
  const fs::path file = examples_dir() / (std::string(GetParam()) + ".yaml");
  const CompileResult first = compile(file);
  ASSERT_TRUE(first.ok());
  const fs::path copy = directory_.path() / "elsewhere" / file.filename();
  fs::create_directories(copy.parent_path());
  fs::copy_file(file, copy);
  clock_.advance(std::chrono::hours(1000));
  environment_.set("LC_ALL", "de_DE.UTF-8");
  environment_.set("OSIRIS_PARAM_UNRELATED", "1");
  const CompileResult second = compile(copy);
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(first.pipeline->manifest_hash, second.pipeline->manifest_hash);
  EXPECT_EQ(first.pipeline->fingerprints, second.pipeline->fingerprints);
}

INSTANTIATE_TEST_SUITE_P(Examples, ExpectedBytes,
                         ::testing::Values("01-csv-duckdb-csv", "02-mysql-duckdb-csv", "03-mysql-to-supabase",
                                           "04-multi-input-join", "05-graphql-to-csv", "06-params-profiles"),
                         [](const auto& example) { return "Example" + std::string(example.param).substr(0, 2); });

class ExampleSix : public CompileTest {};

TEST_F(ExampleSix, NamesBecomeIdsAsPythonLowersThem) {
  auto id = [this](const std::string& name) {
    return compile_text("oml_version: \"0.1.0\"\nname: \"" + name +
                        "\"\nsteps: [{id: a, component: filesystem.csv_extractor, mode: read, config: {path: x}}]\n")
        .pipeline->id;
  };
  EXPECT_EQ(id("My Pipe: V2_x"), "my_pipe:_v2_x");
  EXPECT_EQ(id("ŘEKA ÄÖÜ ŽŸ ΑΩ ЖЁ ×ß"), "řeka_äöü_žÿ_αω_жё_×ß");
}

TEST_F(ExampleSix, ProfileAndParameterChangeTheQueryAndTheHash) {
  options_.profile = "prod";
  options_.params = {{"region", "EU"}};
  const CompileResult result = compile(examples_dir() / "06-params-profiles.yaml");
  ASSERT_TRUE(result.ok()) << all_text(result);
  const std::string query = result.pipeline->steps[1].cfg["query"].as_string();
  EXPECT_NE(query.find("'EU' AS region"), std::string::npos) << query;
  EXPECT_NE(query.find("cargo_tons >= 500"), std::string::npos) << query;
  EXPECT_EQ(result.pipeline->profile, "prod");
  EXPECT_NE(result.pipeline->manifest_hash, "dc2d62892dd4c0b5dcee95d47691502564d7822f0a0d2de1a3fb6580503d618d");
}

}  // namespace
}  // namespace osiris
