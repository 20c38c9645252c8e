// `osiris connections doctor` through adapters of the tests' own: it runs a check as `osiris run` runs a pipeline, so a
// clean-up that fails is a failure, and a signal or a deadline ends it in order.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/e2e/project.h"

namespace osiris::e2e {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

class Doctor : public ::testing::Test {
 protected:
  Doctor() {
    project_.write("osiris_connections.yaml", "connections:\n  filesystem:\n    here: {base_dir: .}\n", 0600);
  }

  std::vector<std::string> ask(const std::string& adapter, std::vector<std::string> more = {}) {
    project_.write("adapters/defect.adapter.toml",
                   "manifest_version = 1\nid = \"defect\"\nversion = \"1.0.0\"\n[library]\nlinux_amd64 = \"" +
                       (build_dir() / "tests/abi/defects" / (adapter + ".so")).string() + "\"\n");
    std::vector<std::string> arguments = {"connections", "doctor",        "--adapter",
                                          "defect",      "--adapter-dir", (project_.dir() / "adapters").string()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }

  // No directory of the check's is left.
  void expect_nothing_left() {
    std::error_code ignored;
    for (const auto& entry : fs::recursive_directory_iterator(project_.dir(), ignored))
      EXPECT_THAT(entry.path().filename().string(), Not(HasSubstr("doctor-")));
  }

  Project project_;
};

TEST_F(Doctor, SaysThatAConnectionWorks) {
  const Outcome outcome = project_.osiris(ask("newer_minor"));
  EXPECT_EQ(outcome.exit, 0) << outcome.out << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("✓ filesystem.here"));
  expect_nothing_left();
}

TEST_F(Doctor, TakesAFailedCleanUpForAFailure) {
  const Outcome outcome = project_.osiris(ask("holds_resource"));
  EXPECT_EQ(outcome.exit, 3) << outcome.out << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("✗ filesystem.here"));
  EXPECT_THAT(outcome.out, HasSubstr("resource r-1 could not be released"));
  EXPECT_THAT(outcome.err, HasSubstr("not released: thing r-1"));
  expect_nothing_left();
}

// What the adapter did, as it says in the named pipe "trace".
class StoppedDoctor : public Doctor {
 protected:
  StoppedDoctor() {
    const fs::path trace = project_.dir() / "trace";
    EXPECT_EQ(::mkfifo(trace.c_str(), 0600), 0);
    trace_ = FileDescriptor(::open(trace.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
  }
  std::string next_line() {
    std::string line;
    pollfd ready{trace_.get(), POLLIN, 0};
    while (!line.ends_with('\n') && ::poll(&ready, 1, 60'000) == 1) {
      char byte = 0;
      if (::read(trace_.get(), &byte, 1) == 1) line += byte;
    }
    return line;
  }
  FileDescriptor trace_;
};

TEST_F(StoppedDoctor, GivesBackWhatItHolds) {
  for (const int signal : {SIGTERM, SIGINT}) {
    Running running = project_.start(ask("waits_for_stop"));
    EXPECT_EQ(next_line(), "acquired\n");
    running.kill(signal);
    EXPECT_EQ(next_line(), "released\n");
    const Outcome outcome = running.end();
    EXPECT_EQ(outcome.exit, 130) << outcome.out << outcome.err;
    EXPECT_THAT(outcome.err, Not(HasSubstr("not released")));
    expect_nothing_left();
  }
}

TEST_F(StoppedDoctor, EndsAtItsDeadline) {
  Running running = project_.start(ask("waits_for_stop", {"--timeout", "5s"}));
  EXPECT_EQ(next_line(), "acquired\n");
  EXPECT_EQ(next_line(), "released\n");
  EXPECT_EQ(running.end().exit, 124);
  expect_nothing_left();
}

}  // namespace
}  // namespace osiris::e2e
