// The session's record of time, on a machine whose clock is set back while a run goes on.
#include "host/run/session.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include "protocol/base/file.h"

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

}  // namespace
}  // namespace osiris
