// Adapters in C, Rust and C++ go through a whole life and leave the same transcript: the ABI is not secretly C++. Each
// is found as a stranger's would be, by its manifest file. C and Rust then run a pipeline of two steps with the real
// worker. The same two through the host: osiris run p.yaml --adapter cmini --adapter-dir <build>/tests/abi/plugins.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "host/adapters/isolated_adapter.h"
#include "protocol/base/file.h"
#include "protocol/base/subprocess.h"
#include "tests/abi/support.h"
#include "tests/abi/two_steps.h"

namespace osiris::abi_tests {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Result<LoadedAdapter> found(const std::string& id) {
  set_isolation_program(tree_dir() / "bin/osiris");
  SearchInputs inputs;
  inputs.adapter_dirs = {build_dir() / "plugins"};
  return load_adapter(id, search_directories(inputs));
}

class Language : public ::testing::TestWithParam<std::string> {};

TEST_P(Language, LivesAWholeLife) {
  const auto adapter = found(GetParam());
  ASSERT_TRUE(adapter.ok()) << adapter.error().message;
  TemporaryDirectory directory;
  Recorder recorder;
  testing::internal::CaptureStdout();
  const Life life = run_life(*adapter->type, recorder, request_in(directory.path()));
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "") << "an adapter does not print";
  EXPECT_TRUE(life.created.ok() && life.configured.ok() && life.validated.ok());
  std::vector<std::string> lines = recorder.lines();
  std::erase_if(lines, [](const std::string& line) {
    return line.starts_with("log ") || line.starts_with("progress ") || line.starts_with("secret ");
  });
  EXPECT_THAT(
      lines, ElementsAre(
                 "create", "configure", "validate", "prepare",
                 R"(prepared {"schema":"osiris.prepared/1","files":[],"secret_names":[],"options":{}})", "execute",
                 R"(result {"schema":"osiris.result/1","status":"success","steps":[],"total_rows":0})", "collect",
                 ::testing::AnyOf(R"(artifacts {"schema":"osiris.artifacts/1","released":[],"files":[]})"), "destroy"));
  EXPECT_THAT(recorder.misbehaviours(), IsEmpty());
}

TEST_P(Language, PreparesTheSameBytesForTheSameRequest) {
  const auto adapter = found(GetParam());
  ASSERT_TRUE(adapter.ok());
  TemporaryDirectory directory;
  Recorder first, second;
  EXPECT_EQ(run_life(*adapter->type, first, request_in(directory.path())).prepared.document_text,
            run_life(*adapter->type, second, request_in("/elsewhere")).prepared.document_text);
}

TEST_P(Language, RefusesAPipelineWhoseSecretsItCannotLend) {
  const auto adapter = found(GetParam());
  ASSERT_TRUE(adapter.ok());
  TemporaryDirectory directory;
  Recorder recorder;
  AdapterRequest request = request_in(directory.path());
  request.connections_json =
      R"({"connections":{"@mysql.shop":{"family":"mysql","fields":{"a":"}"},"secrets":{"password":"connection/mysql.shop/password"}}}})";
  const Life life = run_life(*adapter->type, recorder, request);
  ASSERT_FALSE(life.validated.ok());
  EXPECT_EQ(life.validated.error().code, Code::kUnsupported);
  EXPECT_EQ(life.validated.error().message,
            "adapter " + GetParam() + " 1.0.0, validate: this adapter lends no secrets, and the pipeline needs some");
  EXPECT_THAT(recorder.misbehaviours(), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(All, Language, ::testing::Values("cmini", "rmini", "gmini", "frozen"),
                         [](const auto& row) { return row.param; });

// A step that reads a file and one that writes it elsewhere, by the real worker.
class RealPipeline : public ::testing::TestWithParam<std::string> {};

TEST_P(RealPipeline, IsRun) {
  const auto worker = tree_dir() / "lib/osiris/osiris-worker";
  ASSERT_TRUE(std::filesystem::exists(worker)) << worker << " was not built";
  const auto adapter = found(GetParam());
  ASSERT_TRUE(adapter.ok()) << adapter.error().message;
  TemporaryDirectory directory;
  const TwoSteps run(directory.path(), worker);
  AdapterRequest request = request_in(directory.path());
  request.session_dir = directory.path() / "session";
  request.worker_path = worker;
  request.manifest_json = run.manifest_json();
  Recorder recorder;
  const Life life = run_life(*adapter->type, recorder, request);
  ASSERT_TRUE(life.executed.ok()) << life.executed.status.error().message << life.executed.document_text;
  EXPECT_EQ(life.executed.document["total_rows"].as_int(), 2);
  ASSERT_EQ(life.executed.document["steps"].size(), 2u);
  EXPECT_EQ(life.executed.document["steps"].items()[1]["rows_written"].as_int(), 2);
  ASSERT_EQ(life.collected.document["files"].size(), 1u);
  EXPECT_EQ(life.collected.document["files"].items()[0]["target"].as_string(), run.output().string());
  EXPECT_EQ(*read_file(run.output()), TwoSteps::kExpected);
  EXPECT_THAT(recorder.lines(), ::testing::Contains(::testing::HasSubstr("event step_complete of write")));
  EXPECT_THAT(recorder.misbehaviours(), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(All, RealPipeline, ::testing::Values("cmini", "mine", "rmini", "gmini", "frozen"),
                         [](const auto& row) { return row.param; });

// As docs/writing-an-adapter.md says: its folder copied elsewhere, with nothing but the headers and the library.
TEST(Template, BuildsOutsideTheRepository) {
  TemporaryDirectory directory;
  const auto copy = directory.path() / "mine", build = directory.path() / "build";
  std::filesystem::copy(source_dir() / "plugin_api/templates/cpp", copy);
  const auto cmake = [](std::vector<std::string> arguments) {
    SpawnOptions options;
    options.arguments = {"/usr/bin/env", "cmake"};
    options.arguments.insert(options.arguments.end(), arguments.begin(), arguments.end());
    options.environment = {{"PATH", getenv("PATH")}, {"LC_ALL", "C"}};
    const auto output = run_command(options, 100'000);
    EXPECT_TRUE(output.ok() && output->exit.success())
        << (output.ok() ? output->standard_error : output.error().message);
  };
  cmake({"-S", copy.string(), "-B", build.string(),
         "-DOsirisAdapter_DIR=" + (tree_dir() / "lib/cmake/OsirisAdapter").string(),
         "-DOSIRIS_INCLUDE_DIR=" + (source_dir() / "plugin_api/include").string(),
         "-DOsirisAdapterSdk_DIR=" + (tree_dir() / "lib/cmake/OsirisAdapterSdk").string(),
         "-DOSIRIS_SDK_INCLUDE_DIR=" + (source_dir() / "plugins/sdk/include").string()});
  cmake({"--build", build.string()});
  SearchInputs inputs;
  inputs.adapter_dirs = {build};
  const auto adapter = load_adapter("mine", search_directories(inputs));
  ASSERT_TRUE(adapter.ok()) << adapter.error().message;
}

TEST(Template, TurnsWhatItThrowsIntoAFailure) {
  const auto adapter = found("mine");
  ASSERT_TRUE(adapter.ok());
  TemporaryDirectory directory;
  Recorder recorder;
  const Life life = run_life(*adapter->type, recorder, request_in(directory.path()));  // which names no worker
  ASSERT_FALSE(life.validated.ok());
  EXPECT_EQ(life.validated.error().code, Code::kNotFound);
  EXPECT_THAT(recorder.misbehaviours(), IsEmpty());
}

}  // namespace
}  // namespace osiris::abi_tests
