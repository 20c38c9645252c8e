#include "tests/e2e/jumping_clock.h"

#include <gtest/gtest.h>
#include <time.h>

#include <algorithm>

#include "protocol/base/file.h"
#include "tests/support/eventually.h"

namespace osiris::e2e {
namespace {

constexpr const char* kFile = "clock_jump";

int64_t seconds_of(const std::string& iso8601) {
  tm fields{};
  EXPECT_NE(strptime(iso8601.c_str(), "%Y-%m-%dT%H:%M:%S", &fields), nullptr) << iso8601;
  return timegm(&fields);
}

}  // namespace

JumpingClock::JumpingClock(Project& project) : project_(project) {
  project.set("LD_PRELOAD", (build_dir() / "tests/clock_jump.so").string());
  project.set("OSIRIS_TEST_CLOCK_JUMP", (project.dir() / kFile).string());
  project.set("ASAN_OPTIONS", "verify_asan_link_order=0");
}

void JumpingClock::jump(int seconds) const {
  EXPECT_TRUE(write_file_atomically(project_.dir() / kFile, std::to_string(seconds)).ok());
}

size_t JumpingClock::heartbeats() const {
  const auto metrics = Project::lines(project_.session() / "metrics.jsonl");
  return static_cast<size_t>(std::count_if(metrics.begin(), metrics.end(), [](const Json& metric) {
    return metric["metric"].as_string() == "worker_memory_bytes";
  }));
}

void JumpingClock::await_two_heartbeats() const {
  const size_t before = heartbeats();
  EXPECT_TRUE(test::eventually([&] { return heartbeats() >= before + 2; })) << "no heartbeats were heard";
}

double JumpingClock::seen_jump_s() const {
  const auto events = Project::lines(project_.session() / "events.jsonl");
  const Json& end = events.back();
  return static_cast<double>(seconds_of(end["ts"].as_string()) - seconds_of(events.front()["ts"].as_string())) -
         end["duration_seconds"].as_double();
}

}  // namespace osiris::e2e
