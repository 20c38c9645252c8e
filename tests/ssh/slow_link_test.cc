// What a run over ssh costs beside a local one: round trips, over a connection that stands and over one that does not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>

#include "protocol/base/clock.h"
#include "tests/ssh/slow_link.h"
#include "tests/ssh/sshd.h"

namespace osiris::ssh_tests {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::milliseconds kOneWay{250};
constexpr double kRoundTripMs = 2.0 * kOneWay.count();
constexpr int kRounds = 1;  // the figures are for people: what is asserted is connections and files, not time

class SlowRun : public testing::Test {
 protected:
  SlowRun() : sshd_(project_.dir() / "machine") {
    const fs::path example = e2e::source_dir() / "examples/01-csv-duckdb-csv";
    for (const char* part : {"data", "pipeline.yaml"})
      fs::copy(example / part, project_.dir() / part, fs::copy_options::recursive);
  }
  double wall_ms(const std::vector<std::string>& arguments) const {
    const int64_t began = system_clock().monotonic_ns();
    const e2e::Outcome outcome = project_.osiris(arguments);
    EXPECT_EQ(outcome.exit, 0) << outcome.out << outcome.err;
    return static_cast<double>(system_clock().monotonic_ns() - began) / 1e6;
  }
  double best_ms(const std::vector<std::string>& arguments) const {
    double best = 1e9;
    for (int i = 0; i < kRounds; ++i) best = std::min(best, wall_ms(arguments));
    return best;
  }
  std::vector<std::string> by_ssh() const { return with_ssh(sshd_, {"run", "pipeline.yaml"}); }

  e2e::Project project_;
  Sshd sshd_;
};

// Two for a session and its command, one for the steps, one for the outputs and one for the removal.
constexpr int kRoundTrips = 5;
// What ssh says between them (windows, the ends of sessions) counts where a busy machine sends it late.
constexpr int kRoundTripsMax = kRoundTrips + 3;
// The shell, the package, the worker.
constexpr size_t kSessions = 3;

TEST_F(SlowRun, CostsFewRoundTripsAndTheWorkerTravelsOnce) {
  wall_ms(by_ssh());  // sends the worker
  EXPECT_TRUE(project_.await_event("package_uploaded")["worker_sent"].as_bool());
  const double local = best_ms({"run", "pipeline.yaml"});
  const size_t sessions = sshd_.sessions();
  const double cold_fast = best_ms(by_ssh());
  EXPECT_EQ(sshd_.sessions() - sessions, kSessions);
  EXPECT_FALSE(project_.await_event("package_uploaded")["worker_sent"].as_bool());
  double standing_fast = 0, standing_slow = 0, cold_slow = 0;
  {
    const StandingConnection standing(sshd_, sshd_.port());
    standing_fast = best_ms(by_ssh());
  }
  SlowLink link(sshd_.port(), kOneWay);
  int round_trips = 0;
  {
    const StandingConnection standing(sshd_, link.port());
    link.count_anew();
    standing_slow = best_ms(by_ssh());
    round_trips = link.round_trips();
    EXPECT_EQ(link.connections(), 1) << "the run made a connection of its own";
    EXPECT_LE(round_trips, kRoundTripsMax);
  }
  sshd_.reach_by(link.port());
  cold_slow = best_ms(by_ssh());
  EXPECT_EQ(link.connections(), 1 + kRounds) << "a run is one connection";
  EXPECT_FALSE(project_.await_event("package_uploaded")["worker_sent"].as_bool());
  const double standing_trips = (standing_slow - standing_fast) / kRoundTripMs;
  const double cold_trips = (cold_slow - cold_fast) / kRoundTripMs;
  std::printf(
      "abi: ssh beside local (%.0f ms), no delay: +%.0f ms over a standing connection, +%.0f ms with a handshake; "
      "round trips: %d counted, %.1f standing, %.1f with a handshake; the worker is sent once\n",
      local, standing_fast - local, cold_fast - local, round_trips, standing_trips, cold_trips);
}

}  // namespace
}  // namespace osiris::ssh_tests
