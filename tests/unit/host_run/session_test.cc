// The session's record of time, on a machine whose clock is set back while a run goes on; and the files it shares with
// the build.
#include "host/run/session.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include "protocol/base/file.h"
#include "protocol/base/update_file.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;

class SteppedClock : public Clock {
 public:
  int64_t unix_ns() const override { return unix_ns_; }
  int64_t monotonic_ns() const override { return monotonic_ns_; }
  // Time passes, and somebody sets the calendar's clock back by an hour.
  void pass_and_step_back(int64_t nanoseconds) {
    monotonic_ns_ += nanoseconds;
    unix_ns_ += nanoseconds - 3'600'000'000'000;
  }

 private:
  int64_t unix_ns_ = 1'763'870'400'000'000'000;
  int64_t monotonic_ns_ = 5;
};

TEST(SessionTime, IsMeasuredByTheSteadyClock) {
  std::string pattern = fs::temp_directory_path() / "osiris-session-XXXXXX";
  const fs::path directory = mkdtemp(pattern.data());
  SteppedClock clock;
  Masking masking;
  RunLog log(clock, masking);
  Diagnostics diagnostics;
  const Project project = Project::load(directory, Environment(), diagnostics);
  SessionOptions options;
  options.pipeline_id = "p";
  options.tokens.pipeline_slug = "p";
  options.started = StartTime::now(clock);
  auto session = Session::open(project, options, log, clock);
  ASSERT_TRUE(session.ok()) << session.error().message;
  clock.pass_and_step_back(1'500'000'000);
  ASSERT_TRUE((*session)->finish("success", ExitCode::kOk, 0).ok());
  const auto runs = RunIndex(project.index_dir()).read();
  ASSERT_TRUE(runs.ok());
  EXPECT_EQ(runs->at(0).duration_ms, 1500);
  EXPECT_EQ(runs->at(0).run_ts, "2025-11-23T04:00:00.000000+00:00");
  const auto events = read_file((*session)->directory() / "events.jsonl");
  ASSERT_TRUE(events.ok());
  EXPECT_NE(events->find("\"duration_seconds\":1.5,"), std::string::npos) << *events;
  fs::remove_all(directory);
}

// A cfg of the run is the build's file under a second name: no second block on the disk, nothing to write.
TEST(SessionFiles, LinkTheBuildsConfigsAndLeaveThemAloneWhenTheBuildChanges) {
  std::string pattern = fs::temp_directory_path() / "osiris-session-XXXXXX";
  const fs::path directory = mkdtemp(pattern.data());
  SteppedClock clock;
  Masking masking;
  RunLog log(clock, masking);
  Diagnostics diagnostics;
  const Project project = Project::load(directory, Environment(), diagnostics);
  CompiledPipeline pipeline;
  pipeline.compiled_dir = directory / "compiled";
  pipeline.manifest = Json::object({{"name", "p"}});
  CompiledStep step;
  step.id = "a";
  step.cfg_path = "cfg/a.json";
  pipeline.steps.push_back(step);
  fs::create_directories(pipeline.compiled_dir / "cfg");
  ASSERT_TRUE(write_file_atomically(pipeline.compiled_dir / "cfg/a.json", "{\"a\":1}").ok());
  SessionOptions options;
  options.pipeline_id = options.tokens.pipeline_slug = "p";
  options.started = StartTime::now(clock);
  auto session = Session::open(project, options, log, clock);
  ASSERT_TRUE(session.ok()) << session.error().message;
  ASSERT_TRUE((*session)->materialize(pipeline).ok());
  const fs::path cfg = (*session)->directory() / "cfg/a.json";
  EXPECT_TRUE(fs::equivalent(cfg, pipeline.compiled_dir / "cfg/a.json"));
  ASSERT_TRUE(update_file_atomically(pipeline.compiled_dir / "cfg/a.json", "{\"a\":2}").ok());
  EXPECT_EQ(*read_file(cfg), "{\"a\":1}");
  ASSERT_TRUE((*session)->finish("success", ExitCode::kOk, 0).ok());
  fs::remove_all(directory);
}

}  // namespace
}  // namespace osiris
