// Two names for one place, and the build directory on disk.
#include <map>

#include "host/project/run_index.h"
#include "tests/unit/host_compiler/compile_fixture.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;

class Files : public CompileTest {
 protected:
  CompileResult with_paths(const std::string& in, const std::string& out_a, const std::string& out_b) {
    return compile_text(
        pipeline("  - {id: r, component: filesystem.csv_extractor, mode: read, config: {path: \"" + in +
                 "\"}}\n"
                 "  - {id: a, component: filesystem.csv_writer, mode: write, needs: [r], config: {path: \"" +
                 out_a +
                 "\"}}\n"
                 "  - {id: b, component: filesystem.csv_writer, mode: write, needs: [r], config: {path: \"" +
                 out_b + "\"}}\n"));
  }
};

TEST_F(Files, TwoStepsMayNotWriteOnePathHoweverItIsSpelled) {
  const std::string absolute = (directory_.path() / "out/x.csv").string();
  for (const std::string& spelling : {std::string("out/x.csv"), std::string("./out/../out/x.csv"), absolute}) {
    const CompileResult result = with_paths("in.csv", "out/x.csv", spelling);
    const Diagnostic* error = find(result.diagnostics.errors(), "output_conflict");
    ASSERT_TRUE(error) << spelling << all_text(result);
    EXPECT_EQ(error->location, "steps[2].config.path");
    EXPECT_EQ(error->mark.line, 6);
  }
  EXPECT_TRUE(with_paths("in.csv", "out/x.csv", "out/y.csv").ok());
}

TEST_F(Files, AStepMayNotWriteWhatAnotherReads) {
  EXPECT_TRUE(find(with_paths("data.csv", "a.csv", "sub/../data.csv").diagnostics.errors(), "output_is_input"));
}

TEST_F(Files, AHardLinkIsTheSamePlace) {
  write("in.csv", "a\n1\n");
  fs::create_hard_link(directory_.path() / "in.csv", directory_.path() / "same.csv");
  EXPECT_TRUE(find(with_paths("in.csv", "a.csv", "same.csv").diagnostics.errors(), "output_is_input"));
}

TEST_F(Files, AnOutputPathThroughASymlinkIsRefused) {
  fs::create_directory(directory_.path() / "real");
  fs::create_directory_symlink(directory_.path() / "real", directory_.path() / "link");
  const CompileResult result = with_paths("in.csv", "a.csv", "link/b.csv");
  ASSERT_TRUE(find(result.diagnostics.errors(), "output_through_symlink")) << all_text(result);
  write("file.csv", "");
  fs::create_symlink(directory_.path() / "file.csv", directory_.path() / "b.csv");
  EXPECT_TRUE(find(with_paths("in.csv", "a.csv", "b.csv").diagnostics.errors(), "output_through_symlink"));
}

TEST_F(Files, AnInputThroughASymlinkIsFine) {
  fs::create_directory(directory_.path() / "real");
  fs::create_directory_symlink(directory_.path() / "real", directory_.path() / "link");
  EXPECT_TRUE(with_paths("link/in.csv", "a.csv", "b.csv").ok());
  EXPECT_TRUE(find(with_paths("link/in.csv", "a.csv", "real/in.csv").diagnostics.errors(), "output_is_input"));
}

TEST_F(Files, TheBuildDirectoryAndItsPointersAreWritten) {
  CompileResult result = with_paths("in.csv", "a.csv", "b.csv");
  ASSERT_TRUE(result.ok());
  ASSERT_TRUE(write_build(*result.pipeline, project_).ok());
  const fs::path build = directory_.path() / "build/pipelines/dev/pipeline";
  EXPECT_EQ(result.pipeline->compiled_dir.parent_path(), build);
  const std::string pointer =
      (result.pipeline->compiled_dir / "manifest.yaml").string() + "\n" + result.pipeline->manifest_hash + "\ndev\n";
  EXPECT_EQ(*read_file(build / "LATEST"), pointer);
  EXPECT_EQ(*read_file(directory_.path() / ".osiris/index/last_compile.txt"), pointer);
  EXPECT_EQ(*read_file(directory_.path() / ".osiris/index/latest/pipeline.txt"), pointer);
  EXPECT_EQ(RunIndex(project_.index_dir()).read_latest("pipeline")->manifest_hash, result.pipeline->manifest_hash);
  const auto summary = parse_json(*read_file(result.pipeline->compiled_dir / "run_summary.json"));
  EXPECT_EQ((*summary)["execution_fp"].as_string().substr(0, 7), "sha256:");
  EXPECT_EQ((*summary)["pipeline_slug"], Json("pipeline"));
}

// Every file below a directory: its inode, which a replaced one does not keep, and its bytes.
std::map<std::string, std::pair<ino_t, std::string>> files_below(const fs::path& directory) {
  std::map<std::string, std::pair<ino_t, std::string>> files;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (!entry.is_regular_file()) continue;
    struct stat info{};
    ::stat(entry.path().c_str(), &info);
    files[entry.path().lexically_relative(directory)] = {info.st_ino, *read_file(entry.path())};
  }
  return files;
}

TEST_F(Files, ABuildThatIsThereAlreadyIsLeftAlone) {
  const auto build = [this] {
    CompileResult result = with_paths("in.csv", "a.csv", "b.csv");
    EXPECT_TRUE(write_build(*result.pipeline, project_).ok());
    return *result.pipeline;
  };
  const std::string first_time = build().manifest["meta"]["generated_at"].as_string();
  const auto before = files_below(directory_.path());
  ASSERT_EQ(before.size(), 11u) << "pipeline, manifest, plan, fingerprints, summary, three cfg, three pointers";
  clock_.advance(std::chrono::seconds(1));
  const CompiledPipeline again = build();
  for (const auto& [name, file] : files_below(directory_.path())) {
    if (name == "pipeline.yaml") continue;
    EXPECT_EQ(file, before.at(name)) << name;
  }
  EXPECT_EQ(again.manifest["meta"]["generated_at"].as_string(), first_time) << "the session says what the build says";
}

TEST_F(Files, AFileOfABuildThatDiffersIsWrittenAgain) {
  CompileResult result = with_paths("in.csv", "a.csv", "b.csv");
  ASSERT_TRUE(write_build(*result.pipeline, project_).ok());
  const fs::path cfg = result.pipeline->compiled_dir / "cfg/a.json",
                 manifest = result.pipeline->compiled_dir / "manifest.yaml";
  const std::string cfg_bytes = *read_file(cfg), manifest_bytes = *read_file(manifest);
  std::ofstream(cfg) << std::string(cfg_bytes.size(), ' ');
  std::ofstream(manifest) << std::string(manifest_bytes.size(), '#');
  fs::remove(result.pipeline->compiled_dir / "plan.json");
  ASSERT_TRUE(write_build(*result.pipeline, project_).ok());
  EXPECT_EQ(*read_file(cfg), cfg_bytes);
  EXPECT_EQ(*read_file(manifest), manifest_bytes);
  EXPECT_TRUE(fs::exists(result.pipeline->compiled_dir / "plan.json"));
}

TEST_F(Files, ProfilesOffMeansNoProfileDirectory) {
  write("osiris.yaml", "filesystem: {profiles: {enabled: false}}\n");
  CompileResult result = with_paths("in.csv", "a.csv", "b.csv");
  ASSERT_TRUE(result.ok()) << all_text(result);
  ASSERT_TRUE(write_build(*result.pipeline, project_).ok());
  EXPECT_EQ(result.pipeline->compiled_dir.parent_path(), directory_.path() / "build/pipelines/pipeline");
  EXPECT_TRUE(result.pipeline->manifest["meta"]["profile"].is_null());
}

TEST_F(Files, ExecutionFingerprintChangesWithTheWorker) {
  const Json first = with_paths("in.csv", "a.csv", "b.csv").pipeline->run_summary;
  options_.worker_sha256 = std::string(64, 'a');
  const CompileResult second = with_paths("in.csv", "a.csv", "b.csv");
  EXPECT_EQ(first["manifest_hash"], second.pipeline->run_summary["manifest_hash"]);
  EXPECT_NE(first["execution_fp"], second.pipeline->run_summary["execution_fp"]);
}

class Manifest : public Files {
 protected:
  void SetUp() override {
    CompileResult result = with_paths("in.csv", "a.csv", "b.csv");
    ASSERT_TRUE(result.ok());
    ASSERT_TRUE(write_build(*result.pipeline, project_).ok());
    dir_ = result.pipeline->compiled_dir;
  }
  CompileResult load() {
    options_.file = dir_ / "manifest.yaml";
    return compile_or_load(options_, inputs());
  }
  void edit(const std::string& from, const std::string& to) {
    std::string text = *read_file(dir_ / "manifest.yaml");
    ASSERT_NE(text.find(from), std::string::npos);
    text.replace(text.find(from), from.size(), to);
    std::ofstream(dir_ / "manifest.yaml") << text;
  }
  fs::path dir_;
};

TEST_F(Manifest, WithoutACfgFileIsRefused) {
  fs::remove(dir_ / "cfg/a.json");
  EXPECT_TRUE(find(load().diagnostics.errors(), "invalid_manifest"));
}
TEST_F(Manifest, WithACfgPathOutsideIsRefused) {
  edit("cfg_path: cfg/a.json", "cfg_path: ../../a.json");
  EXPECT_TRUE(find(load().diagnostics.errors(), "invalid_manifest"));
}
TEST_F(Manifest, WithAnUnsafeIdIsRefused) {
  edit("id: a\n", "id: ../a\n");
  EXPECT_TRUE(find(load().diagnostics.errors(), "invalid_manifest"));
}
TEST_F(Manifest, ThatWasEditedRunsUnderANewHashWithAWarning) {
  edit("name: p\n", "name: q\n");
  const CompileResult loaded = load();
  ASSERT_TRUE(loaded.ok()) << all_text(loaded);
  EXPECT_TRUE(find(loaded.diagnostics.warnings(), "manifest_changed"));
  EXPECT_NE(dir_.filename().string().find(loaded.pipeline->manifest_short), 0u);
}
TEST_F(Manifest, TakesNoParametersAndNoOtherProfile) {
  options_.params = {{"n", "1"}};
  options_.profile = "prod";
  const CompileResult loaded = load();
  EXPECT_TRUE(find(loaded.diagnostics.errors(), "params_of_manifest"));
  EXPECT_TRUE(find(loaded.diagnostics.errors(), "profile_mismatch"));
}
TEST_F(Manifest, WithACfgThatBreaksItsSchemaIsRefused) {
  std::ofstream(dir_ / "cfg/a.json") << R"({"component":"filesystem.csv_writer","mode":"write","path":7})";
  EXPECT_TRUE(find(load().diagnostics.errors(), "invalid_config_value"));
}

TEST_F(Files, AThousandStepsCompileInAboutTenTimesTheTimeOfAHundred) {
  // Counted in work that a quadratic search would multiply by a hundred: the documents themselves grow ten-fold.
  auto chain = [](int steps) {
    std::string text = "  - {id: s0, component: filesystem.csv_extractor, mode: read, config: {path: in.csv}}\n";
    for (int i = 1; i < steps; ++i)
      text += "  - {id: s" + std::to_string(i) +
              ", component: duckdb.processor, mode: transform, config: {query: SELECT 1}}\n";
    return text;
  };
  const CompileResult hundred = compile_text(pipeline(chain(100)));
  const CompileResult thousand = compile_text(pipeline(chain(1000)));
  ASSERT_TRUE(hundred.ok() && thousand.ok());
  EXPECT_EQ(thousand.pipeline->steps.size(), 1000u);
  EXPECT_LT(thousand.pipeline->manifest.dump().size(), 12 * hundred.pipeline->manifest.dump().size());
}

}  // namespace
}  // namespace osiris
