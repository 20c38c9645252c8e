// Whether a run needs a template of its own, and what is in it.
#include "plugins/e2b/worker_template.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>

#include "protocol/base/file.h"

namespace osiris::e2b {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;
namespace fs = std::filesystem;

class WorkerTemplate : public testing::Test {
 protected:
  WorkerTemplate() {
    char name[] = "/tmp/osiris-template-XXXXXX";
    directory_ = ::mkdtemp(name);
    request_.session_dir = directory_;
    request_.worker_path = directory_ / "worker";
    request_.worker_sha256 = std::string(64, 'a');
    EXPECT_TRUE(write_file_atomically(request_.worker_path, "a static program").ok());
    PlanStep& step = request_.plan.steps.emplace_back();
    step.id = "clean";
    step.cfg = Json::object({{"requirements", Json::array({"pandas==2.2.0"})}});
  }
  ~WorkerTemplate() override { fs::remove_all(directory_); }

  std::optional<TemplateSpec> wanted() {
    const auto spec = worker_template(config_, request_, "base");
    EXPECT_TRUE(spec.ok());
    return spec.ok() ? *spec : std::nullopt;
  }

  fs::path directory_;
  Config config_;
  RunInputs request_;
};

TEST_F(WorkerTemplate, IsNeededForAShapeAnImageOrPackagesThatAreInstalledInIt) {
  EXPECT_FALSE(wanted());
  EXPECT_FALSE(fs::exists(directory_ / "adapter")) << "nothing is written for it";
  const auto needed = [this](auto set) {
    config_ = {};
    set(config_);
    return wanted().has_value();
  };
  EXPECT_TRUE(needed([](Config& config) { config.cpu_count = 4; }));
  EXPECT_TRUE(needed([](Config& config) { config.memory_bytes = 1 << 30; }));
  EXPECT_TRUE(needed([](Config& config) { config.min_free_disk_bytes = 1; }));
  EXPECT_TRUE(needed([](Config& config) { config.image = "debian:12"; }));
  for (const bool installs : {false, true})
    for (const bool in_template : {false, true})
      EXPECT_EQ(needed([&](Config& config) {
                  config.install_deps = installs;
                  config.deps_in_template = in_template;
                }),
                installs && in_template)
          << installs << in_template;
}

TEST_F(WorkerTemplate, SaysTheShapeInWholeMebibytes) {
  config_.cpu_count = 2;
  config_.memory_bytes = int64_t{512} << 20;
  config_.min_free_disk_bytes = (int64_t{3} << 20) + 1;
  const auto spec = wanted();
  EXPECT_EQ(spec->cpu_count, 2);
  EXPECT_EQ(spec->memory_mb, 512);
  EXPECT_EQ(spec->min_free_disk_mb, 4) << "not less than was asked for";
  EXPECT_EQ(spec->from_template, "base");
  EXPECT_EQ(spec->from_image, "");
  config_.image = "debian:12";
  EXPECT_EQ(wanted()->from_image, "debian:12");
  EXPECT_EQ(wanted()->from_template, "");
}

TEST_F(WorkerTemplate, HoldsTheWorkerUnpacked) {
  config_.cpu_count = 2;
  const auto spec = wanted();
  ASSERT_THAT(spec->steps, SizeIs(2));
  EXPECT_EQ(spec->steps[0].type, "COPY");
  EXPECT_THAT(spec->steps[0].files_hash, SizeIs(64));
  EXPECT_TRUE(fs::exists(spec->steps[0].context));
  EXPECT_THAT(spec->steps[1].arguments[0],
              HasSubstr("./unpack worker.zst /opt/osiris/worker-aaaaaaaaaaaaaaaa --version"));
}

TEST_F(WorkerTemplate, IsAnotherOneForAnotherWorker) {
  config_.cpu_count = 2;
  const std::string before = wanted()->name();
  EXPECT_EQ(wanted()->name(), before) << "the same request has the same name";
  EXPECT_TRUE(write_file_atomically(request_.worker_path, "another static program").ok());
  request_.worker_sha256 = std::string(64, 'b');
  EXPECT_NE(wanted()->name(), before);
}

TEST_F(WorkerTemplate, InstallsEachSetOfPackagesWithTheVariablesOfTheBuild) {
  config_.install_deps = config_.deps_in_template = true;
  config_.build_environment = {{"PIP_INDEX_URL", "https://i.test/it's"}};
  const auto spec = wanted();
  ASSERT_THAT(spec->steps, SizeIs(5)) << "the worker, one set, and that all may read it";
  EXPECT_EQ(spec->steps[3].arguments[0],
            "env 'PIP_INDEX_URL=https://i.test/it'\\''s' /opt/osiris/worker-aaaaaaaaaaaaaaaa --install-requirements "
            "/opt/osiris/requirements-1.json --cache-dir /opt/osiris/cache");
  EXPECT_THAT(spec->steps[4].arguments[0], HasSubstr("chmod -R a+rX /opt/osiris"));
}

}  // namespace
}  // namespace osiris::e2b
