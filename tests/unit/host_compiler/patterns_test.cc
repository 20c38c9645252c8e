// Paths that are patterns, and outputs that are directories: what a plan says of them, and where two steps would meet.
#include <map>

#include "tests/unit/host_compiler/compile_fixture.h"

namespace osiris {
namespace {

class Patterns : public CompileTest {
 protected:
  CompileResult with(const std::string& in, const std::string& out, const std::string& partition_by = "") {
    return compile_text(
        pipeline("  - {id: r, component: filesystem.parquet_extractor, mode: read, config: {path: \"" + in +
                 "\"}}\n  - {id: w, component: filesystem.parquet_writer, mode: write, needs: [r], "
                 "config: {path: \"" +
                 out + "\"" + (partition_by.empty() ? "" : ", partition_by: [" + partition_by + "]") + "}}\n"));
  }
  AdapterInputs planned(const CompileResult& result) {
    AdapterInputOptions options;
    options.work_dir = directory_.path();
    auto made = make_adapter_inputs(*result.pipeline, inputs(), options);
    EXPECT_TRUE(made.ok()) << made.error().message;
    return *std::move(made);
  }
};

TEST_F(Patterns, ThePlanNamesTheFilesThatOneFinds) {
  write("in/year=2/b.parquet", "");
  write("in/year=1/a.parquet", "");
  write("in/year=1/a.csv", "");
  const CompileResult result = with("in/*/*.parquet", "out.parquet");
  ASSERT_TRUE(result.ok()) << all_text(result);
  const AdapterInputs inputs = planned(result);
  const std::vector<PlanFile>& files = inputs.plan.steps[0].input_files;
  ASSERT_EQ(files.size(), 2u);
  EXPECT_EQ(files[0].path, "in/year=1/a.parquet");
  EXPECT_EQ(files[0].location, (directory_.path() / "in/year=1/a.parquet").string());
  EXPECT_EQ(files[0].pattern, "in/*/*.parquet");
  EXPECT_EQ(files[1].path, "in/year=2/b.parquet");
  const auto again = plan_step_from_json(to_json(inputs.plan.steps[0]));
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->input_files[1].pattern, "in/*/*.parquet");
}

TEST_F(Patterns, OneThatFindsNothingIsAWarningAndThePlanNamesNoFile) {
  options_.connections = ConnectionCheck::kExists;
  const CompileResult result = with("in/*.parquet", "out.parquet");
  ASSERT_TRUE(result.ok()) << all_text(result);
  const Diagnostic* warning = find(result.diagnostics.warnings(), "missing_file");
  ASSERT_TRUE(warning) << all_text(result);
  EXPECT_NE(warning->message.find("no file matches 'in/*.parquet'"), std::string::npos);
  EXPECT_TRUE(planned(result).plan.steps[0].input_files.empty());
}

TEST_F(Patterns, AFileOfThatVeryNameIsThatFile) {
  write("in/a[1].parquet", "");
  const AdapterInputs inputs = planned(with("in/a[1].parquet", "out.parquet"));
  ASSERT_EQ(inputs.plan.steps[0].input_files.size(), 1u);
  EXPECT_EQ(inputs.plan.steps[0].input_files[0].path, "in/a[1].parquet");
  EXPECT_EQ(inputs.plan.steps[0].input_files[0].pattern, "");
}

TEST_F(Patterns, AStepMayNotWriteWhatAnothersPatternFinds) {
  EXPECT_TRUE(find(with("data/*.parquet", "data/x.parquet").diagnostics.errors(), "output_is_input"));
  EXPECT_TRUE(with("data/*.parquet", "data/deep/x.parquet").ok());
  EXPECT_TRUE(find(with("data/k=1/*.parquet", "data", "k").diagnostics.errors(), "output_is_input"));
}

TEST_F(Patterns, AnOutputOfPartitionsIsADirectory) {
  const CompileResult result = with("in.parquet", "out/set/", "k");
  ASSERT_TRUE(result.ok()) << all_text(result);
  const PlanStep step = planned(result).plan.steps[1];
  ASSERT_EQ(step.outputs.size(), 1u);
  EXPECT_TRUE(step.outputs[0].is_directory);
  EXPECT_TRUE(plan_step_from_json(to_json(step))->outputs[0].is_directory);
  EXPECT_FALSE(planned(with("in.parquet", "out.parquet")).plan.steps[1].outputs[0].is_directory);
}

TEST_F(Patterns, ADirectoryInAFilesPlaceAndTheOtherWayRoundAreErrors) {
  options_.connections = ConnectionCheck::kExists;
  write("there.parquet", "");
  EXPECT_TRUE(find(with("in.parquet", "there.parquet", "k").diagnostics.errors(), "output_is_file"));
  std::filesystem::create_directory(directory_.path() / "dir");
  EXPECT_TRUE(find(with("in.parquet", "dir").diagnostics.errors(), "output_is_directory"));
  EXPECT_TRUE(with("in.parquet", "dir", "k").ok());
}

TEST_F(Patterns, TwoStepsMayNotWriteIntoOneDirectory) {
  const CompileResult result = compile_text(
      pipeline("  - {id: r, component: filesystem.csv_extractor, mode: read, config: {path: in.csv}}\n"
               "  - {id: a, component: filesystem.parquet_writer, mode: write, needs: [r], config: {path: out, "
               "partition_by: [k]}}\n"
               "  - {id: b, component: filesystem.csv_writer, mode: write, needs: [r], config: {path: out/b.csv}}\n"));
  EXPECT_TRUE(find(result.diagnostics.errors(), "output_conflict")) << all_text(result);
}

TEST(PathInDirectory, IsARestWithoutAWayOut) {
  const PlanFile directory{"out/set/", "/w/out/set", {}, true};
  EXPECT_EQ(path_in_directory(directory, "out/set/k=1/a.parquet"), "k=1/a.parquet");
  for (const char* path :
       {"out/set", "out/set/", "out/sets/a", "out/set/../a", "out/set/a/..", "out/set//a", "/out/set/a"})
    EXPECT_EQ(path_in_directory(directory, path), "") << path;
  EXPECT_EQ(path_in_directory({"out/set", "/w/out/set", {}, false}, "out/set/a"), "");
}

}  // namespace
}  // namespace osiris
