// What a run over ssh costs beside a local one: round trips, over a connection that stands and over one that does not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>

#include "protocol/base/clock.h"
#include "protocol/base/file.h"
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
// The shell, and the worker's, which takes the package too.
constexpr size_t kSessions = 2;

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

// Each program costs a millisecond of the run and more on a busy machine.
TEST_F(SlowRun, StartsNoMoreProgramsThanItMustHereAndThere) {
  wall_ms(by_ssh());  // sends the worker
  const fs::path clients = project_.dir() / "clients";
  const fs::path client = project_.write(
      "ssh", "#!/bin/sh\nprintf '%s\\n' \"$*\" >> " + clients.string() + "\nexec /usr/bin/ssh \"$@\"\n", 0755);
  sshd_.watch_programs();
  const StandingConnection standing(sshd_, sshd_.port());
  const size_t sessions = sshd_.sessions();
  std::vector<std::string> arguments = by_ssh();
  arguments.insert(arguments.end(), {"--ssh-program", client.string()});
  wall_ms(arguments);
  EXPECT_EQ(sshd_.sessions() - sessions, kSessions);
  const std::string started = *read_file(clients);
  EXPECT_EQ(std::count(started.begin(), started.end(), '\n'), 1 + static_cast<int>(kSessions)) << started;
  // What a client reads is sent when the other side has said that its command runs: a round trip later than the
  // command.
  EXPECT_THAT(started, testing::HasSubstr("osiris: entered")) << "the first script is not the session's command";
  // The directory is made; the package is taken and named; the outputs are sent; the directory is renamed and removed.
  std::vector<std::string> programs = sshd_.watched_programs();
  std::erase(programs, "sleep");     // while a worker ends that a busy machine has not ended yet
  std::erase(programs, "readlink");  // to tell that one from another process
  std::sort(programs.begin(), programs.end());
  EXPECT_THAT(programs, testing::ElementsAre("dd", "mkdir", "mv", "mv", "rm", "tail", "uname", "wc"));
  std::printf("ssh: a run starts %d clients here and %zu small programs there\n", 1 + static_cast<int>(kSessions),
              programs.size());
}

}  // namespace
}  // namespace osiris::ssh_tests
