// The real pip against a package index on loopback.
#include <gmock/gmock.h>

#include <thread>

#include "protocol/base/subprocess.h"
#include "tests/drivers/python.processor/python_step.h"
#include "tests/package_index/package_index.h"
#include "tests/support/eventually.h"

namespace osiris::worker::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class PythonInstall : public PythonStep {
 protected:
  PythonInstall() {
    index.add("harbor-fees", "1.2.0", "FEE = 3\n", {"tiny-dep>=1"});
    index.add("harbor-fees", "1.3.0", "FEE = 4\n", {"tiny-dep>=1"});
    index.add("tiny-dep", "1.0", "X = 1\n");
    index.start();
    use_fresh_cache(step);
    arrange(step);
  }

  void arrange(StepHarness& into, const std::string& requirement = "harbor-fees==1.2.0") {
    into.set_setting("install_deps", true);
    into.set_environment(
        Json::object({{"PIP_INDEX_URL", index.url()}, {"PIP_NO_CACHE_DIR", "1"}, {"DB_PASSWORD", "hidden-from-pip"}}));
    set_code(into, "import harbor_fees, tiny_dep\nwrite([{'fee': harbor_fees.FEE, 'dep': tiny_dep.X}])\n",
             {{"requirements", Json::array({requirement})}});
  }

  osiris::test::PackageIndex index;
};

TEST_F(PythonInstall, InstallsOnceTellsEachPackageAndFindsItAgain) {
  expect_success();
  EXPECT_EQ(step.query("SELECT fee, dep FROM {out}"), "3|1\n");
  const auto installed = events("dependency_installed");
  ASSERT_EQ(installed.size(), 2u);
  EXPECT_EQ(installed[0].fields["package"].as_string(), "harbor-fees==1.2.0");
  EXPECT_EQ(installed[1].fields["package"].as_string(), "tiny-dep==1.0");
  for (const auto& event : installed) {
    EXPECT_GT(event.fields["duration_ms"].as_int(), 0);
    EXPECT_LE(event.fields["fetch_ms"].as_int(), event.fields["duration_ms"].as_int());
  }
  ASSERT_EQ(events("dependency_check").size(), 1u);
  EXPECT_EQ(events("dependency_check")[0].fields["missing"], Json::array({"harbor-fees==1.2.0"}));

  // Again, with nobody to ask and installing off: a cache that is found needs neither.
  index.stop();
  step.sql("DROP TABLE " + step.output_table().quoted());
  step.set_setting("install_deps", false);
  expect_success();
  EXPECT_EQ(events("dependency_installed").size(), 2u);
  EXPECT_EQ(events("dependency_check")[1].fields["present"], Json::array({"harbor-fees==1.2.0"}));
  const auto ready = events("environment_ready").back().fields;
  EXPECT_TRUE(ready["cached"].as_bool());
  EXPECT_EQ(ready["packages"], Json::array({"harbor-fees==1.2.0", "tiny-dep==1.0"}));

  // Another version is another environment.
  arrange(step, "harbor-fees==1.3.0");
  step.set_setting("install_deps", false);
  step.sql("DROP TABLE " + step.output_table().quoted());
  EXPECT_THAT(failure(), HasSubstr("harbor-fees==1.3.0"));
}

TEST_F(PythonInstall, AFailureOfPipsShowsItsWordsAndLeavesNothing) {
  arrange(step, "no-such-package==9");
  step.set_environment(
      Json::object({{"PIP_INDEX_URL", index.url("reader:s3cret-of-the-index")}, {"PIP_NO_CACHE_DIR", "1"}}));
  const std::string text = failure();
  EXPECT_EQ(code, Code::kUnavailable);
  EXPECT_THAT(text, HasSubstr("pip cannot get no-such-package==9"));
  EXPECT_THAT(text, HasSubstr("No matching distribution found"));
  EXPECT_THAT(text, HasSubstr("PIP_INDEX_URL"));
  EXPECT_THAT(text + step.everything_said(), Not(HasSubstr("s3cret-of-the-index")));
  for (const auto& entry : std::filesystem::directory_iterator(step.work_dir().parent_path() / "cache/python"))
    EXPECT_EQ(entry.path().extension(), ".lock") << entry.path();
}

TEST_F(PythonInstall, CancelEndsPipAndLeavesNothingHalf) {
  // A package whose page never comes: pip waits for it.
  step.set_environment(Json::object(
      {{"PIP_INDEX_URL", "http://127.0.0.1:9/simple"}, {"PIP_RETRIES", "1000"}, {"PIP_NO_CACHE_DIR", "1"}}));
  std::jthread canceller([this] {
    EXPECT_TRUE(osiris::test::eventually([&] { return logged().find("pip: ") != std::string::npos; }));
    step.cancel();
  });
  failure();
  EXPECT_EQ(code, Code::kCancelled);
  for (const auto& entry : std::filesystem::directory_iterator(step.work_dir().parent_path() / "cache/python"))
    EXPECT_EQ(entry.path().extension(), ".lock") << entry.path();
}

TEST_F(PythonInstall, WithoutACacheTheStepMakesAnEnvironmentOfItsOwn) {
  step.set_setting("cache_dir", step.write_file("no-directory", "").string());
  expect_success();
  EXPECT_THAT(logged(), HasSubstr("the cache of environments cannot be used"));
  EXPECT_EQ(step.query("SELECT fee, dep FROM {out}"), "3|1\n");
}

TEST_F(PythonInstall, TwoStepsAtOnceInstallOnce) {
  StepHarness other("other");
  arrange(other);
  other.set_setting("supervisor", worker_program());
  other.set_setting("cache_dir", step.settings()["cache_dir"]);
  Result<StepOutcome> second = Error();
  std::jthread thread([&] { second = other.run(python_processor()); });
  expect_success();
  thread.join();
  ASSERT_TRUE(second.ok()) << second.error().message;
  size_t installed = events("dependency_installed").size();
  for (const auto& event : other.events()) installed += event.name == "dependency_installed";
  EXPECT_EQ(installed, 2u) << "one of them twice";
  size_t checks = events("dependency_check").size();
  for (const auto& event : other.events()) checks += event.name == "dependency_check";
  EXPECT_EQ(checks, 2u) << "each says once what is missing";
  EXPECT_EQ(other.query("SELECT fee, dep FROM {out}"), "3|1\n");
}

TEST_F(PythonInstall, TheWorkerMakesAnEnvironmentAheadAndTheStepFindsIt) {
  const auto file =
      step.write_file("requirements.json", R"({"python":"python3","requirements":["harbor-fees==1.2.0"]})");
  SpawnOptions options;
  options.arguments = {worker_program(), "--install-requirements", file.string(), "--cache-dir",
                       step.settings()["cache_dir"].as_string()};
  options.environment = {{"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
                         {"HOME", step.work_dir().string()},
                         {"PIP_INDEX_URL", index.url()}};
  auto made = run_command(options, 200'000);
  ASSERT_TRUE(made.ok());
  ASSERT_TRUE(made->exit.success()) << made->standard_error;
  EXPECT_THAT(
      made->standard_output,
      HasSubstr(R"(osiris-event {"event":"dependency_installed","package":"harbor-fees==1.2.0","duration_ms":)"));
  EXPECT_FALSE(std::filesystem::exists(step.work_dir() / ".cache")) << "pip left its downloads in the template";

  step.set_setting("install_deps", false);
  expect_success();
  EXPECT_TRUE(events("environment_ready")[0].fields["cached"].as_bool());
}

TEST(InstallRequirements, RefusesWhatItCannotUse) {
  const auto run = [](std::vector<std::string> arguments) {
    SpawnOptions options;
    options.arguments = {worker_program(), "--install-requirements"};
    options.arguments.insert(options.arguments.end(), arguments.begin(), arguments.end());
    auto output = run_command(options, 60'000);
    EXPECT_TRUE(output.ok());
    return output.ok() ? *output : CommandOutput{};
  };
  EXPECT_EQ(run({}).exit.value, 2);
  EXPECT_EQ(run({"a", "--cache-dir"}).exit.value, 2);
  EXPECT_EQ(run({"a", "--other", "b"}).exit.value, 2);
  const CommandOutput missing = run({"/nowhere/file.json", "--cache-dir", "/nowhere/cache"});
  EXPECT_EQ(missing.exit.value, 1);
  EXPECT_THAT(missing.standard_error, HasSubstr("/nowhere/file.json"));
}

}  // namespace
}  // namespace osiris::worker::test
